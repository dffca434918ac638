import crypto, { type KeyPair } from 'hypercore-crypto'
import { testCleanup } from '@cloudpal/test-kit'
import { ReplicaSet } from '../../src/index.ts'
import { RelayServer, type RelayServerOptions } from '../../src/server/index.ts'
import { listening } from '../listening.ts'

/** Some relays of one owner on this machine, and the set that names them. */
export interface Fleet {
  readonly owner: KeyPair
  readonly set: ReplicaSet
  readonly relays: readonly RelayServer[]
  /** What a client is given. */
  readonly replicas: { readonly owner: Uint8Array; readonly set: Uint8Array }
  /** Starts a relay that has ended anew, where it was. */
  restart(index: number): Promise<RelayServer>
}

/** They are closed after the test. */
export async function startFleet(
  count: number,
  devices: readonly KeyPair[],
  optionsOf: (
    index: number
  ) => Partial<RelayServerOptions> & { capacity?: { connections: number } } = () => ({})
): Promise<Fleet> {
  const owner = crypto.keyPair()
  const keyPairs = Array.from({ length: count }, () => crypto.keyPair())
  const ports = await freePorts(count)
  const members = keyPairs.map(({ publicKey }, i) => ({
    key: publicKey,
    addresses: [`tcp://127.0.0.1:${ports[i]}`]
  }))
  const set = ReplicaSet.sign(members, 1, owner)
  const relays: RelayServer[] = []
  const start = async (index: number): Promise<RelayServer> => {
    const { capacity = {}, ...options } = optionsOf(index)
    const relay = new RelayServer({
      keyPair: keyPairs[index] as KeyPair,
      allow: devices.map(({ publicKey }) => publicKey),
      tcp: { host: '127.0.0.1', port: ports[index] as number },
      replicas: { owner: owner.publicKey, set: set.bytes, intervalMs: 200, capacity },
      ...options
    })
    testCleanup().defer('network', () => relay.close())
    await relay.ready()
    relays[index] = relay
    return relay
  }
  for (let i = 0; i < count; i++) await start(i)
  return { owner, set, relays, replicas: { owner: owner.publicKey, set: set.bytes }, restart: start }
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const found = await Promise.all(Array.from({ length: count }, () => listening(() => {})))
  await Promise.all(found.map(({ server }) => new Promise((resolve) => server.close(resolve))))
  return found.map(({ port }) => port)
}
