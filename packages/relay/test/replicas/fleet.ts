import crypto, { type KeyPair } from 'hypercore-crypto'
import { testCleanup } from '@cloudpal/test-kit'
import { ReplicaSet } from '../../src/index.ts'
import { RelayServer, type RelayServerOptions } from '../../src/server/index.ts'
import { freePorts } from '../free-port.ts'
import { startSwitch, type SwitchProxy } from '../switch-proxy.ts'

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
  const ports = await freePorts(count)
  return startFleetAt(ports, ports, devices, optionsOf)
}

/** The same, each reached by others through a switch, in the order of the relays. */
export async function startFleetBehindSwitches(
  count: number,
  devices: readonly KeyPair[]
): Promise<Fleet & { readonly ways: readonly SwitchProxy[] }> {
  const ports = await freePorts(count)
  const ways = await Promise.all(ports.map((port) => startSwitch(port)))
  for (const way of ways) way.on = true
  const reached = ways.map(({ port }) => port)
  return { ...(await startFleetAt(ports, reached, devices, () => ({}))), ways }
}

/** @param reached - the ports that the set names */
async function startFleetAt(
  ports: readonly number[],
  reached: readonly number[],
  devices: readonly KeyPair[],
  optionsOf: (index: number) => Partial<RelayServerOptions> & { capacity?: { connections: number } }
): Promise<Fleet> {
  const owner = crypto.keyPair()
  const keyPairs = ports.map(() => crypto.keyPair())
  const members = keyPairs.map(({ publicKey }, i) => ({
    key: publicKey,
    addresses: [`tcp://127.0.0.1:${reached[i]}`]
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
  for (let i = 0; i < ports.length; i++) await start(i)
  return { owner, set, relays, replicas: { owner: owner.publicKey, set: set.bytes }, restart: start }
}
