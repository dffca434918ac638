import { Option } from 'commander'
import { countOf, keyOf, keysOf, nodesOf, portOf, revokedOf, wordOf, wordsOf } from './arguments.ts'

/** Every option of `serve`; the names of their values are those of `ServeSettings`. */
export function serveOptions(): Option[] {
  const word = (flags: string, help: string): Option => new Option(flags, help).argParser(wordOf)
  const port = (flags: string, help: string): Option => new Option(flags, help).argParser(portOf)
  const count = (flags: string, help: string): Option => new Option(flags, help).argParser(countOf)
  const keys = (flags: string, help: string): Option => new Option(flags, help).argParser(keysOf)
  return [
    word('--key-file <file>', 'with the secret key’s seed; made when there is none').default('relay.key'),
    word('--host <address>', 'to listen on, where no other is given; all by default'),
    port('--tcp-port <port>', 'for raw TCP'),
    word('--tcp-host <address>', 'for raw TCP'),
    port('--ws-port <port>', 'for WebSocket'),
    word('--ws-host <address>', 'for WebSocket: 127.0.0.1 behind a proxy of this machine'),
    new Option(
      '--trust-proxy <addresses>',
      'of proxies whose X-Forwarded-For counts; loopback names this machine'
    ).argParser(wordsOf),
    word('--tls-cert <file>', 'for WebSocket: ends TLS here; read again on SIGHUP'),
    word('--tls-key <file>', 'its secret key'),
    port('--udp-port <port>', 'for hyperdht’s relayThrough; needs hyperdht'),
    word('--udp-host <address>', 'for that'),
    new Option('--bootstrap <nodes>', 'of its DHT, as host:port; the public ones by default').argParser(
      nodesOf
    ),
    word('--bootstrap-host <address>', 'IPv4 by which others reach it: it is the first node of a DHT then'),
    port('--metrics-port <port>', 'for /metrics and /health'),
    word('--metrics-host <address>', 'for these; 127.0.0.1 by default'),
    keys('--allow <keys>', 'devices that need no grant; may be repeated'),
    keys('--issuer <keys>', 'whose grants count; may be repeated'),
    new Option('--revoke <keys>', 'devices, or nonces of grants; may be repeated').argParser(revokedOf),
    new Option('--owner <key>', 'who signs the set of replicas').argParser((one: string) => keyOf(one)),
    word('--replica-set <file>', 'as `replicas` prints it; read again on SIGHUP'),
    count('--connections <number>', 'of one device at once (64)'),
    count('--pairings <number>', 'of one device that wait at once (64)'),
    count('--total-connections <number>', 'of all devices (10,000)'),
    count('--unknown-connections <number>', 'that have proven no key, at once (1,000)'),
    count('--unknown-per-address <number>', 'of these from one address (100)'),
    count('--bytes-per-second <number>', 'of a device without a grant'),
    count('--quota-bytes <number>', 'of a device without a grant'),
    count('--drain-seconds <number>', 'for sessions to move away (10)'),
    new Option('--json', 'log for programs')
  ]
}
