import { once } from 'node:events'
import { connect } from 'node:net'
import { fakeClock, testnet, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { RelayServer, type RelayServerOptions } from '../src/server/index.ts'
import { type Connection, createGrant, ReplicaSet } from '../src/index.ts'
import { asPath, greet, type TestLink } from './links.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { keyPair } from './replicas/records.ts'
import { receiveCountingToEnd, sendCounting, sendCountingUntil } from './streams.ts'
import { startSwitch } from './switch-proxy.ts'
import { dial, relayed, type TestRelay } from './udp/udp-relay.ts'

const MEGABYTE = 1_000_000

test('a relay that drains moves its sessions to another one, in mid-stream, and nothing fails', async () => {
  const [a, b] = twoKeyPairs()
  // What is on its way has to arrive there first, and all three parties share this process: a drain that runs out cuts what is left.
  const [first, second] = [await startRelay([a, b], { drainMs: 100_000 }), await startRelay([a, b])]
  const relays = [first.address, second.address]
  // Nor is any path taken for dead; and the first relay is the one that is used.
  const times = { deadMs: 600_000, staggerMs: 600_000 }
  const alice = await startDevice(a, { relays, times })
  const bob = await startDevice(b, { relays, times })
  const failures: string[] = []
  for (const device of [alice, bob])
    device.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
  await until(() => bob.registeredAt.length === 2)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const other = await incoming
  expect(connection.path).toMatchObject({ relay: first.address.publicKey })
  const drains: Promise<void>[] = []
  const there = receiveCountingToEnd(other, (received) => {
    if (received > 5 * MEGABYTE) drains[0] ??= first.relay.drain()
  })
  const received = [there, receiveCountingToEnd(connection)]
  // Nothing ends the sending but the move, and that only after a while.
  const ends = [connection, other]
  const isMoved = ({ path }: Connection): boolean =>
    Buffer.from(path?.relay ?? []).equals(second.address.publicKey)
  const moved = (): boolean => ends.every(isMoved)
  const sent = await Promise.all(ends.map((end) => sendCountingUntil(end, moved, 5 * MEGABYTE)))
  expect(await Promise.all(received)).toEqual(sent)
  await drains[0]
  expect(failures).toEqual([])
  expect([first.relay.sessions, first.relay.registered, first.relay.healthy]).toEqual([0, 0, false])
})

test('a relay that goes down is not asked for another path while there is another relay', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const wall = await startSwitch(first.relay.ports.tcp ?? 0)
  wall.on = true
  const dials = new Set<object>()
  wall.meddle = (chunk, direction, from) => {
    if (direction === 'in') dials.add(from)
    return chunk
  }
  const watched = { ...first.address, tcp: { host: '127.0.0.1', port: wall.port } }
  const alice = await startDevice(a, { relays: [watched, second.address] })
  const bob = await startDevice(b, { relays: [first.address, second.address] })
  await until(() => bob.registeredAt.length === 2 && alice.registeredAt.length === 2)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  expect(connection.path).toMatchObject({ relay: first.address.publicKey })
  expect(dials.size).toBe(2)
  await first.relay.drain()
  expect(connection.path).toMatchObject({ relay: second.address.publicKey })
  expect(dials.size).toBe(2)
})

test('a drain waits for what goes over UDP too, and ends when that does', async () => {
  const network = await testnet()
  const devices = [keyPair(1), keyPair(2)]
  const { relay } = await startRelay(devices, { dht: network.createNode(), drainMs: 60_000 })
  const device = (n: number): ReturnType<TestRelay['device']> => network.createNode({ keyPair: keyPair(n) })
  const [a] = await relayed({ key: relay.publicKey, device } as TestRelay)
  expect(relay.udp?.links).toBe(1)
  const gone = relay.drain().then(() => 'over')
  const turn = new Promise<string>((resolve) => setImmediate(() => resolve('waits')))
  expect(await Promise.race([gone, turn])).toBe('waits')
  a.noise.destroy()
  expect(await gone).toBe('over')
})

test('a drain with replicas waits for a device that was reached just now: it comes back, and is asked then', async () => {
  const clock = fakeClock(1_000)
  const [a, b] = twoKeyPairs()
  const [owner, self] = twoKeyPairs()
  const set = ReplicaSet.sign([{ key: self.publicKey, addresses: [] }], 1, owner).bytes
  const { relay, address } = await startRelay([a, b], {
    keyPair: self,
    now: clock.now,
    replicas: { owner: owner.publicKey, set },
    drainMs: 4_000
  })
  const target = greet(address, b, (link) => link.register(30_000))
  await until(() => target.seen.includes('registered'))
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => opener.seen.includes('opened') && target.seen.includes('incoming'))
  asPath(opener)
  asPath(target)
  opener.link.destroy()
  await until(() => relay.connections === 0)
  const drained = relay.drain().then(() => 'over')
  const back = greet(address, b, (link) => link.register(30_000))
  await until(() => back.ended ?? back.seen.includes('registered'))
  clock.advance(2_000)
  await until(() => back.seen.includes('draining'))
  back.link.destroy()
  expect(await drained).toBe('over')
})

test('a relay with replicas drains however many milliseconds it has for that', async () => {
  const [owner, self] = twoKeyPairs()
  const set = ReplicaSet.sign([{ key: self.publicKey, addresses: [] }], 1, owner).bytes
  const replicas = { owner: owner.publicKey, set }
  const { relay } = await startRelay([], { keyPair: self, replicas, drainMs: 999 })
  await relay.drain()
})

/** A relay of which one device is taken, so that an opener waits for it to be back. */
async function waitedFor(
  options: Partial<RelayServerOptions>
): Promise<{ relay: RelayServer; waits: TestLink }> {
  const [[a, b], [c]] = [twoKeyPairs(), twoKeyPairs()]
  const { relay, address } = await startRelay([a, b, c], options)
  const target = greet(address, b, (link) => link.register(30_000))
  await until(() => target.seen.includes('registered'))
  const first = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => first.seen.includes('opened'))
  const waits = greet(address, c, (link) => {
    link.open(b.publicKey)
    link.ping()
  })
  await until(() => waits.seen.includes('pong'))
  first.wire.destroy()
  await until(() => relay.sessions === 0)
  return { relay, waits }
}

test('who waits for a device when a relay begins to drain is told so: that one cannot come back', async () => {
  const { relay, waits } = await waitedFor({ now: fakeClock(1_000).now })
  await relay.drain()
  await until(() => waits.ended)
  expect(waits.ended).toBe('RELAY_DRAINING')
})

test('with replicas, who waits for a device is told only when the drain is over: until then that one comes back', async () => {
  const clock = fakeClock(1_000)
  const [owner, self] = twoKeyPairs()
  const set = ReplicaSet.sign([{ key: self.publicKey, addresses: [] }], 1, owner).bytes
  const { relay, waits } = await waitedFor({
    keyPair: self,
    now: clock.now,
    replicas: { owner: owner.publicKey, set },
    drainMs: 4_000
  })
  const drained = relay.drain()
  clock.advance(3_999)
  waits.link.ping()
  await until(() => waits.seen.filter((what) => what === 'pong').length === 2)
  expect(waits.ended).toBe(null)
  clock.advance(1)
  await drained
  await until(() => waits.ended)
  expect(waits.ended).toBe('RELAY_DRAINING')
})

test.each<[string, Uint8Array | null, string]>([
  ['sends a newcomer to another one', keyPair(9).publicKey, 'RELAY_REDIRECT'],
  ['says so where it knows of nobody else', null, 'RELAY_DRAINING']
])('a relay that drains %s', async (_, redirect, code) => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { redirect: () => redirect })
  await relay.drain()
  const link = greet(address, a, (one) => one.register(30_000))
  await until(() => link.ended)
  expect(link.ended).toBe(code)
  expect(link.refusal?.redirect ?? null).toEqual(redirect && Buffer.from(redirect))
})

test('a relay that cannot listen everywhere listens nowhere', async () => {
  const [a] = twoKeyPairs()
  const network = await testnet()
  const { relay: other } = await startRelay([])
  const keyPair = crypto.keyPair()
  const tcp = { host: '127.0.0.1' }
  const metrics = { port: other.ports.tcp ?? 0 }
  const relay = new RelayServer({ keyPair, allow: [a.publicKey], tcp, metrics, dht: network.createNode() })
  await expect(relay.ready()).rejects.toMatchObject({ code: 'RELAY_CANNOT_LISTEN' })
  const port = relay.ports.tcp ?? 0
  const [error] = (await once(
    connect(port, '127.0.0.1').on('error', () => {}),
    'error'
  )) as [Error]
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  await expect(dial(network.createNode({ keyPair: a }), keyPair.publicKey)).rejects.toMatchObject({
    code: 'PEER_NOT_FOUND'
  })
  await relay.close()
})

test('metrics and health are served, and name no device', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { metrics: {} })
  const bob = await startDevice(b, { relays: [address] })
  const alice = await startDevice(a, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  await sendCounting(connection, 1000)
  await until(async () => (await relay.metrics.relayedBytes.get()).values[0]?.value)
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${relay.ports.metrics}${path}`)
  const text = await (await get('/metrics')).text()
  expect(text).toMatch(/^cloudpal_relay_sessions 1$/m)
  expect(text).toMatch(/^cloudpal_relay_bytes_total\{plane="stream"\} \d+$/m)
  for (const { publicKey } of [a, b]) expect(text).not.toContain(Buffer.from(publicKey).toString('hex'))
  expect([(await get('/health')).status, (await get('/nothing')).status]).toEqual([200, 404])
  connection.destroy()
  await relay.drain()
  expect((await get('/health')).status).toBe(503)
})

test('a relay of both planes has one policy: a grant shown on one counts on the other, and so does its end', async () => {
  const [owner, a] = twoKeyPairs()
  const network = await testnet()
  const { relay, address } = await startRelay([], { issuers: [owner.publicKey], dht: network.createNode() })
  const node = network.createNode({ keyPair: a })
  await expect(dial(node, relay.publicKey)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  const grant = createGrant(owner, { device: a.publicKey, expiresAt: Date.now() + 60_000 })
  const alice = await startDevice(a, { relays: [{ ...address, grant }] })
  await until(() => alice.registeredAt.length === 1)
  const control = await dial(node, relay.publicKey)
  await until(() => relay.udp?.sessions === 1)
  expect(relay.policy.connections).toBe(2)
  relay.policy.revoke(a.publicKey)
  await control.closed
  await until(() => relay.registered === 0)
  expect(relay.policy.connections).toBe(0)
})
