import { testCleanup, until } from '@cloudpal/test-kit'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { Heartbeat, HeartbeatSource, ReplicaSet } from '../../src/index.ts'
import { RelayLink } from '../../src/paths/relay-link.ts'
import { FleetMember } from '../../src/replicas/fleet-member.ts'
import { RelayServer } from '../../src/server/index.ts'
import { freePorts } from '../free-port.ts'
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
    // At once: it is asked again a second later, whatever else this process has to do.
    relay.useReplicas(setOf(2, after.port))
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
  const relay: RelayServer = new RelayServer({
    keyPair: self,
    tcp: { host: HOST },
    replicas: { owner: owner.publicKey, set: setOf(1, before.port), intervalMs: 100 }
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  // The next one should be at the new address.
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
      tellMissing: () => {},
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

test('a device that pings all the time makes its relay look what is new now and then, and not each time', async () => {
  const [a] = twoKeyPairs()
  const { relays } = await startFleet(2, [a])
  const [relay] = relays
  const [near, far] = wirePair()
  const seen: string[] = []
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: relay?.publicKey ?? a.publicKey, grant: null },
    {
      onwelcome: () => link.register(30_000, { insists: true }),
      onregistered: () => seen.push('registered'),
      onpong: () => seen.push('pong'),
      onclose: () => seen.push('closed')
    }
  )
  relay?.accept(far)
  await until(() => seen.includes('registered'))
  const look = vi.spyOn(FleetMember.prototype, 'beats')
  testCleanup().defer('stream', () => look.mockRestore())
  for (let i = 0; i < 500; i++) link.ping()
  await until(() => seen.filter((what) => what === 'pong').length === 500)
  expect(look.mock.calls.length).toBeLessThan(50)
  expect(look.mock.calls.length).toBeGreaterThan(0)
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
  await until(() => closed > 0 && knocks > 1)
})

test('a newer set goes on from the replica that was given it, also where that one has moved, and whenever it is given it', async () => {
  const owner = crypto.keyPair()
  const [moved, other] = twoKeyPairs()
  const [before, after, there] = await freePorts(3)
  const signed = (port: number | undefined, seq: number): ReplicaSet =>
    ReplicaSet.sign(
      [
        { key: moved.publicKey, addresses: [`tcp://${HOST}:${port}`] },
        { key: other.publicKey, addresses: [`tcp://${HOST}:${there}`] }
      ],
      seq,
      owner
    )
  const learned: number[] = []
  const start = async (keyPair: KeyPair, port: number | undefined, set: ReplicaSet): Promise<RelayServer> => {
    const onset = (bytes: Uint8Array): void => void learned.push(ReplicaSet.open(bytes, owner.publicKey).seq)
    const replicas = { owner: owner.publicKey, set: set.bytes, intervalMs: 100, onset }
    return (await startRelay([], { keyPair, tcp: { host: HOST, port: port ?? 0 }, ws: null, replicas })).relay
  }
  const stays = await start(other, there, signed(before, 1))
  // The owner has given the new set to the one that has moved, and the other one looks for it where it was.
  const goes = await start(moved, after, signed(after, 2))
  await until(() => learned.includes(2))
  await until(() => stays.replicas[0]?.state === 'alive' && goes.replicas[0]?.state === 'alive')
  // The owner was wrong about where it is: nobody listens to it any more, and it can put that right.
  goes.useReplicas(signed(before, 3).bytes)
  await until(() => learned.includes(3) && stays.replicas[0]?.state === 'failed')
  goes.useReplicas(signed(after, 4).bytes)
  await until(() => learned.includes(4))
  expect(learned).toEqual([2, 3, 4])
})

test('a replica that says a set which its owner has not signed is put out', async () => {
  const [owner, self] = twoKeyPairs()
  const [liar, stranger] = twoKeyPairs()
  const setBy = (signer: KeyPair, seq: number): Uint8Array =>
    ReplicaSet.sign(
      [self, liar].map(({ publicKey: key }) => ({ key, addresses: [] })),
      seq,
      signer
    ).bytes
  const replicas = { owner: owner.publicKey, set: setBy(owner, 5) }
  const { address } = await startRelay([], { keyPair: self, replicas })
  const forged = new Uint8Array(setBy(owner, 6))
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  const enders = [forged, setBy(stranger, 7), new Uint8Array(10)].map((set) =>
    greet(address, liar, (link) => {
      link.watch(1_000, 5)
      link.tellSet(set)
    })
  )
  for (const one of enders) await until(() => one.ended)
  expect(enders.map(({ ended }) => ended)).toEqual(['RELAY_PROTOCOL', 'RELAY_PROTOCOL', 'RELAY_PROTOCOL'])
  // An older one, or one without this relay, is no lie.
  const alone = ReplicaSet.sign([{ key: liar.publicKey, addresses: [] }], 8, owner).bytes
  const fine = greet(address, liar, (link) => {
    link.watch(1_000, 5)
    for (const set of [setBy(owner, 4), alone]) link.tellSet(set)
    link.ping()
  })
  await until(() => fine.ended ?? fine.seen.includes('pong'))
  expect(fine.ended).toBe(null)
  // Who may not watch says nothing of the kind.
  const device = greet(address, liar, (link) => link.tellSet(setBy(owner, 4)))
  await until(() => device.ended)
  expect(device.ended).toBe('RELAY_PROTOCOL')
})

/** A relay that watches another replica of its owner, which says what the test likes, and a device that is registered. */
async function watchingLiar(
  intervalMs: number,
  lies: (source: HeartbeatSource) => Uint8Array[]
): Promise<{ heard: Heartbeat[]; knocks: () => number }> {
  const [a, liar] = twoKeyPairs()
  const [owner, honest] = twoKeyPairs()
  const source = new HeartbeatSource(owner.publicKey, liar, { epoch: 1 })
  const heard: Heartbeat[] = []
  let [knocks, isRegistered, isSaid] = [0, false, false]
  const { port } = await listening((socket) => {
    knocks++
    sayAsReplica(socket, liar, () => {
      if (isSaid || !isRegistered) return []
      isSaid = true
      return lies(source).map((record) => ({ type: 'beat', record }))
    })
  })
  const members = [
    { key: honest.publicKey, addresses: [] },
    { key: liar.publicKey, addresses: [`tcp://${HOST}:${port}`] }
  ]
  const set = ReplicaSet.sign(members, 1, owner).bytes
  const replicas = { owner: owner.publicKey, set, intervalMs }
  const { relay } = await startRelay([a], { keyPair: honest, replicas })
  const [near, far] = wirePair()
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: honest.publicKey, grant: null },
    {
      onwelcome: () => link.register(30_000),
      onregistered: () => (isRegistered = true),
      onbeat: (record) => {
        const beat = Heartbeat.open(record)
        if (hex(beat.replica) === hex(liar.publicKey)) heard.push(beat)
      },
      onclose: () => {}
    }
  )
  relay.accept(far)
  return { heard, knocks: () => knocks }
}

test('a replica that was taken over does not make another one wake all its devices without end, and is left', async () => {
  const { heard, knocks } = await watchingLiar(500, (source) =>
    Array.from({ length: 200 }, (_, i) => source.next({ load: i % 2, draining: i % 3 === 0 }).bytes)
  )
  // It is watched again when it has been left alone for a second.
  await until(() => knocks() > 1)
  expect(heard.length).toBeGreaterThan(0)
  expect(heard.length).toBeLessThan(5)
})

test('news of a replica that come within an interval of the last are told at its end', async () => {
  const { heard } = await watchingLiar(200, (source) =>
    [0.5, 0.1, 0.9].map((load) => source.next({ load }).bytes)
  )
  await until(() => heard.length === 2)
  expect(heard.map(({ load }) => load)).toEqual([0.5, 0.9])
})

test('a replica that says beats of a later version too is not left for that', async () => {
  const { heard, knocks } = await watchingLiar(200, (source) => {
    const later = new Uint8Array(source.next({ load: 0.1 }).bytes)
    later[1] = 2
    return [later, source.next({ load: 0.2 }).bytes]
  })
  await until(() => heard.length > 0)
  expect([heard.map(({ load }) => load), knocks()]).toEqual([[0.2], 1])
})

test('a replica that says what is no beat is left for a while', async () => {
  const { heard, knocks } = await watchingLiar(200, (source) => {
    const forged = new Uint8Array(source.next({ load: 0.1 }).bytes)
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    return [forged, source.next({ load: 0.2 }).bytes]
  })
  await until(() => knocks() > 1)
  expect(heard).toEqual([])
})
