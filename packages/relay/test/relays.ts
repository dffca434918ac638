import crypto, { type KeyPair } from 'hypercore-crypto'
import { testCleanup, until } from '@cloudpal/test-kit'
import type NoiseSecretStream from '@hyperswarm/secret-stream'
import { type Connection, RelayClient, type RelayAddress, type RelayClientOptions } from '../src/index.ts'
import { RelayServer, type RelayServerOptions } from '../src/server/index.ts'

/** A relay on this machine that serves these devices. It is closed after the test. */
export async function startRelay(
  devices: readonly KeyPair[],
  options: Partial<RelayServerOptions> = {}
): Promise<{ relay: RelayServer; address: RelayAddress; wsAddress: RelayAddress }> {
  const relay = new RelayServer({
    keyPair: crypto.keyPair(),
    allow: devices.map(({ publicKey }) => publicKey),
    tcp: { host: '127.0.0.1' },
    ws: { host: '127.0.0.1' },
    ...options
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  await until(() => relay.udp?.listening ?? true)
  const { publicKey, ports } = relay
  return {
    relay,
    address: { publicKey, tcp: { host: '127.0.0.1', port: ports.tcp ?? 0 } },
    wsAddress: { publicKey, ws: `ws://127.0.0.1:${ports.ws}` }
  }
}

/** A device; closed before the relays. */
export async function startDevice(
  keyPair: KeyPair,
  options: Partial<RelayClientOptions> = {}
): Promise<RelayClient> {
  const device = new RelayClient({ keyPair, ...options })
  testCleanup().defer('swarm', () => device.close())
  await device.ready()
  return device
}

/** The next connection that somebody makes to a device. */
export function nextConnection(device: RelayClient): Promise<Connection> {
  return new Promise((resolve) => device.once('connection', resolve))
}

/** Two key pairs. */
export function twoKeyPairs(): [KeyPair, KeyPair] {
  return [crypto.keyPair(), crypto.keyPair()]
}

/** A connection is one, but for the types of this repository. */
export function asStream(connection: Connection): NoiseSecretStream {
  return connection as unknown as NoiseSecretStream
}
