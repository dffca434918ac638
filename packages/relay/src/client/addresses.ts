import { RelayError } from '../errors.ts'
import { hasTcp } from '../sockets/sockets.ts'
import type { PeerAddresses, RelayAddress } from './options.ts'

/**
 * Refuses what no relay can be at, before it is dialled from a timer.
 *
 * @throws RELAY_BAD_ARGUMENT
 */
export function checkRelay({ publicKey, tcp, ws, grant }: RelayAddress): void {
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 32)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the public key of a relay has 32 bytes')
  if (tcp !== undefined && (typeof tcp.host !== 'string' || !isPort(tcp.port)))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${tcp.host}:${tcp.port} is no host and port of a relay`)
  if (ws !== undefined && !isWebSocketUrl(ws))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${ws} is no ws: or wss: URL of a relay`)
  if (ws === undefined && (tcp === undefined || !hasTcp))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the relay has no address that this platform can reach')
  if (grant !== undefined && !(grant instanceof Uint8Array))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a grant is the bytes that createGrant gave')
}

/** Whether it is a port that can be dialled. */
export function isPort(port: unknown): boolean {
  return Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535
}

/** Each takes those after it along. */
const REACHES: readonly PeerAddresses[] = ['machine', 'network', 'internet']

/** @throws RELAY_BAD_ARGUMENT */
export function checkPeerAddresses(reach: unknown): void {
  if (reach === 'none' || REACHES.some((one) => one === reach)) return
  throw new RelayError(
    'RELAY_BAD_ARGUMENT',
    "peerAddresses is one of 'machine', 'network', 'internet' and 'none'"
  )
}

/**
 * Whether an address that another device has named is dialled: `host:port`, where the host is the literal address of one machine. A name would let it make
 * this device ask for names, and reach what is only meant for this machine's own network under another one.
 *
 * Loopback is one: two apps of one machine meet there.
 */
export function isDialable(address: string, reach: PeerAddresses = 'machine'): boolean {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/i.exec(address) ?? []
  const of = isPort(Number(port)) ? (four === undefined ? reach6(six ?? '') : reach4(four)) : null
  return of !== null && reach !== 'none' && REACHES.indexOf(of) >= REACHES.indexOf(reach)
}

/** `null` for "this network", link-local, multicast and reserved: RFC 6890. Private: RFC 1918, and RFC 6598's of carriers. */
function reach4(host: string): PeerAddresses | null {
  const bytes = host.split('.').map(Number)
  const [first = 0, second = 0] = bytes
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) return null
  if (first === 0 || first >= 224 || (first === 169 && second === 254)) return null
  if (first === 127) return 'machine'
  const isPrivate =
    first === 10 ||
    (first === 172 && second >> 4 === 1) ||
    (first === 192 && second === 168) ||
    (first === 100 && second >> 6 === 1)
  return isPrivate ? 'network' : 'internet'
}

/** `null` for unspecified, link-local and multicast: RFC 4291, 2.4. Private: unique local, RFC 4193. */
function reach6(host: string): PeerAddresses | null {
  const short = shortest6(host)
  if (short === null || short === '::' || /^(fe[89ab]|ff)/.test(short)) return null
  if (short === '::1') return 'machine'
  // An IPv4 address in another coat, RFC 4291, 2.5.5.
  const [, high, low] = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? []
  if (high !== undefined && low !== undefined) {
    const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
    return reach4(`${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`)
  }
  return /^f[cd]/.test(short) ? 'network' : 'internet'
}

/** As RFC 5952 writes it, which is what a URL has; `null` for what is no IPv6 address. */
function shortest6(host: string): string | null {
  try {
    return new URL(`http://[${host}]/`).hostname.slice(1, -1)
  } catch {
    return null
  }
}

function isWebSocketUrl(url: string): boolean {
  try {
    return /^wss?:$/.test(new URL(url).protocol)
  } catch {
    return false
  }
}
