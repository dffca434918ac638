import { testCleanup, until } from '@cloudpal/test-kit'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { ReplicaSet } from '../../src/index.ts'
import { RelayLink } from '../../src/paths/relay-link.ts'
import { FleetMember } from '../../src/replicas/fleet-member.ts'
import { RelayServer } from '../../src/server/index.ts'
import { greet } from '../links.ts'
import { listening } from '../listening.ts'
import { sayAsRelay, sayAsReplica } from '../lying.ts'
import { wirePair } from '../memory-wire.ts'
import { startRelay, twoKeyPairs } from '../relays.ts'
import { startFleet } from './fleet.ts'

const HOST = '127.0.0.1'
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

afterEach(() => vi.useRealTimers())

test('an older set that another replica says is not handed to the app to be kept', async () => {
  const [owner, self] = twoKeyPairs()
  const [liar, removed] = twoKeyPairs()
  const setOf = (seq: number, port: number, keys: KeyPair[]): ReplicaSet =>
    ReplicaSet.sign(
      keys.map(({ publicKey: key }) => ({ key, addresses: [`tcp://${HOST}:${port}`] })),
      seq,
      owner
    )
  let old: Uint8Array = new Uint8Array(0)
  const heard: unknown[] = []
  const { port } = await listening((socket) =>
    sayAsReplica(socket, liar, () => {
      heard.push(1)
      return [
        { type: 'set', record: old },
        { type: 'set', record: old }
      ]
    })
  )
  old = setOf(1, port, [self, liar, removed]).bytes
  const kept: number[] = []
  const relay = new RelayServer({
    keyPair: self,
    allow: [],
    tcp: { host: HOST },
    replicas: {
      owner: owner.publicKey,
      set: setOf(2, port, [self, liar]).bytes,
      intervalMs: 100,
      onset: (bytes) => kept.push(ReplicaSet.open(bytes, owner.publicKey).seq)
    }
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  // The second time it asks, what was said the first time has been heard.
  await until(() => heard.length >= 2)
  expect(kept).toEqual([])
})

test('a replica whose address has changed in a newer set is asked for its beats there', async () => {
  const [owner, self, other] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const knocks = { old: 0, new: 0 }
  const before = await listening((socket) => {
    knocks.old++
    socket.destroy()
  })
  const after = await listening(() => knocks.new++)
  const setOf = (seq: number, port: number): Uint8Array =>
    ReplicaSet.sign(
      [
        { key: self.publicKey, addresses: [`tcp://${HOST}:1`] },
        { key: other.publicKey, addresses: [`tcp://${HOST}:${port}`] }
      ],
      seq,
      owner
    ).bytes
  const relay = new RelayServer({
    keyPair: self,
    tcp: { host: HOST },
    replicas: { owner: owner.publicKey, set: setOf(1, before.port), intervalMs: 100 }
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  await until(() => knocks.old === 1)
  relay.useReplicas(setOf(2, after.port))
  // The next one, a second later, should be at the new address.
  await until(() => knocks.old > 1 || knocks.new > 0)
  expect(knocks).toEqual({ old: 1, new: 1 })
})

test('a load that grows slowly is said once it differs by 0.1 from what was said last', () => {
  vi.useFakeTimers()
  const [owner, self] = [crypto.keyPair(), crypto.keyPair()]
  let connections = 0
  const said: boolean[] = []
  const set = ReplicaSet.sign([{ key: self.publicKey, addresses: [] }], 1, owner).bytes
  const member = new FleetMember(
    { owner: owner.publicKey, set, intervalMs: 100 },
    {
      keyPair: self,
      now: () => Date.now(),
      connections: () => connections,
      maxConnections: 100,
      admit: () => {},
      dismiss: () => {},
      tell: (_, isOwn) => said.push(isOwn),
      tellSet: () => {}
    }
  )
  member.start()
  for (; connections < 95; connections += 5) vi.advanceTimersByTime(100)
  member.close()
  expect(said.length).toBeGreaterThan(0)
})

test('a device that pings is not told again what it was told already', async () => {
  const [a] = twoKeyPairs()
  const { relays } = await startFleet(3, [a])
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const [relay] = relays as [RelayServer]
  const beats: string[] = []
  let pongs = 0
  const [near, far] = wirePair()
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: relay.publicKey, grant: null },
    {
      onwelcome: () => link.register(30_000),
      onpong: () => pongs++,
      onbeat: (record) => beats.push(hex(record)),
      onclose: () => {}
    }
  )
  relay.accept(far)
  await until(() => beats.length >= 3)
  beats.length = 0
  for (let i = 0; i < 100; i++) link.ping()
  await until(() => pongs === 100)
  expect(beats.length).toBe(new Set(beats).size)
})

test('a registered device that does not read costs less than 1 MiB, however much its relays have to say', async () => {
  const [a] = twoKeyPairs()
  const [owner, self] = [crypto.keyPair(), crypto.keyPair()]
  const addresses = Array.from({ length: 3 }, (_, i) => `wss://relay.example/${'x'.repeat(220)}${i}`)
  const setOf = (seq: number): Uint8Array =>
    ReplicaSet.sign([{ key: self.publicKey, addresses }], seq, owner).bytes
  const { relay } = await startRelay([a], {
    keyPair: self,
    replicas: { owner: owner.publicKey, set: setOf(1) }
  })
  const [near, far] = wirePair()
  let isRegistered = false
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: relay.publicKey, grant: null },
    {
      onwelcome: () => link.register(3_600_000, { setSeq: 1 }),
      onregistered: () => (isRegistered = true),
      onclose: () => {}
    }
  )
  relay.accept(far)
  await until(() => isRegistered)
  far.stalled = true
  for (let seq = 2; seq < 2_000; seq++) relay.useReplicas(setOf(seq))
  expect(far.backlogBytes).toBeLessThan(1024 * 1024)
})

test('a device that its relay was told to serve is served, also when it leaves the set of replicas', async () => {
  const [owner, self, both] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const setOf = (seq: number, keys: KeyPair[]): Uint8Array =>
    ReplicaSet.sign(
      keys.map(({ publicKey: key }) => ({ key, addresses: [] })),
      seq,
      owner
    ).bytes
  const { relay, address } = await startRelay([both], {
    keyPair: self,
    replicas: { owner: owner.publicKey, set: setOf(1, [self, both]) }
  })
  relay.useReplicas(setOf(2, [self]))
  const link = greet(address, both, (one) => one.register(30_000))
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.ended).toBe(null)
})

test('a replica may watch the others, and nothing else', async () => {
  const [owner, self, other] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const set = ReplicaSet.sign(
    [self, other].map(({ publicKey: key }) => ({ key, addresses: [] })),
    1,
    owner
  ).bytes
  const { address } = await startRelay([], { keyPair: self, replicas: { owner: owner.publicKey, set } })
  const link = greet(address, other, (one) => one.register(30_000))
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.seen).not.toContain('registered')
})

test('a device that insists is not sent on', async () => {
  const [a] = twoKeyPairs()
  const elsewhere = crypto.keyPair().publicKey
  const { relays } = await startFleet(1, [a], () => ({ redirect: () => elsewhere }))
  const [relay] = relays as [RelayServer]
  const address = { publicKey: relay.publicKey, tcp: { host: HOST, port: relay.ports.tcp ?? 0 } }
  const link = greet(address, a, (one) => one.register(30_000, { insists: true }))
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.ended).toBe(null)
})

test('a replica that says `opened` to who watches it, and closes, is watched again', async () => {
  const [owner, self, liar] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  let knocks = 0
  let closed = 0
  const { port } = await listening((socket) => {
    knocks++
    sayAsRelay(socket, liar, ({ type }) => {
      if (type !== 'watch') return []
      setImmediate(() => socket.destroy(new Error('over')))
      closed++
      return knocks === 1 ? [{ type: 'opened' }] : []
    })
  })
  const set = ReplicaSet.sign(
    [self, liar].map(({ publicKey: key }) => ({ key, addresses: [`tcp://${HOST}:${port}`] })),
    1,
    owner
  ).bytes
  const relay = new RelayServer({
    keyPair: self,
    tcp: { host: HOST },
    replicas: { owner: owner.publicKey, set, intervalMs: 100 }
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  await until(() => closed === 1)
  await until(() => knocks === 2, { timeoutMs: 5_000 })
}, 10_000)
