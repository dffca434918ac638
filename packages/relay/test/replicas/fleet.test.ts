import crypto, { type KeyPair } from 'hypercore-crypto'
import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { Heartbeat, HeartbeatSource, RelayClient, ReplicaSet, ReplicaView } from '../../src/index.ts'
import { replicaAddress } from '../../src/replicas/replica-address.ts'
import type { RelayServer } from '../../src/server/index.ts'
import { greet } from '../links.ts'
import { asStream, nextConnection, startDevice, startRelay, twoKeyPairs } from '../relays.ts'
import type { SwitchProxy } from '../switch-proxy.ts'
import { startFleet, startFleetBehindSwitches } from './fleet.ts'

const FAST = { keepAliveMs: 200, retryMs: 50, attemptMs: 1_500 }

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')
const names = (keys: readonly Uint8Array[]): string[] => keys.map(hex).sort()

test('a device registers at two of three replicas, and hears from them how the third one is', async () => {
  const [a] = twoKeyPairs()
  const { replicas } = await startFleet(3, [a])
  const alice = await startDevice(a, { replicas, times: FAST })
  await until(() => alice.registeredAt.length === 2)
  await until(() => alice.replicas.every(({ state }) => state === 'alive'))
  expect(alice.replicas.length).toBe(3)
})

test('replicas hear each other’s beats, how loaded they are, and notice who is gone', async () => {
  const devices = Array.from({ length: 3 }, () => crypto.keyPair())
  const { relays, replicas } = await startFleet(3, devices, () => ({ capacity: { connections: 10 } }))
  const [one, two, three] = relays
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const at = { ...replicas, registrations: 3 }
  for (const keyPair of devices) await startDevice(keyPair, { replicas: at, times: FAST })
  // Two that watch, and three devices, of ten that it can bear.
  await until(() => one?.replicas.every(({ load }) => load === 0.5))
  await three?.close()
  const stateAt = (relay: typeof one): string | undefined =>
    relay?.replicas.find(({ key }) => hex(key) === hex(three?.publicKey as Uint8Array))?.state
  await until(() => [stateAt(one), stateAt(two)].every((state) => state === 'failed' || state === 'dead'))
})

test('where a replica has died, its devices are at another one by themselves, and come back to none that is dead', async () => {
  const [a] = twoKeyPairs()
  const { relays, replicas, restart } = await startFleet(3, [a])
  const alice = await startDevice(a, { replicas, times: FAST })
  await until(() => alice.registeredAt.length === 2)
  const at = relays.findIndex(({ publicKey }) => hex(publicKey) === hex(alice.registeredAt[0] as Uint8Array))
  await relays[at]?.close()
  const rest = relays.filter((_, i) => i !== at).map(({ publicKey }) => publicKey)
  await until(() => names(alice.registeredAt).join() === names(rest).join())
  const again = await restart(at)
  await until(() => again.replicas.every(({ state }) => state === 'alive'))
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
})

test('a device that pings seldom leaves a replica once the others have missed three of its beats', async () => {
  const [a] = twoKeyPairs()
  const { relays, replicas, ways } = await startFleetBehindSwitches(3, [a])
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const alice = await startDevice(a, { replicas, times: { ...FAST, keepAliveMs: 600_000 } })
  await until(() => alice.registeredAt.length === 2)
  const dead = relays.findIndex(
    ({ publicKey }) => hex(publicKey) === hex(alice.registeredAt[0] as Uint8Array)
  )
  // Its machine is off: nobody is told, and no connection ends.
  ;(ways[dead] as SwitchProxy).frozen = true
  const rest = relays.filter((_, i) => i !== dead).map(({ publicKey }) => publicKey)
  await until(() => names(alice.registeredAt).join() === names(rest).join())
  const stateOf = (): unknown =>
    alice.replicas.find(({ key }) => hex(key) === hex(relays[dead]?.publicKey as Uint8Array))?.state
  await until(() => stateOf() === 'dead')
})

test('who is full sends newcomers on, and they are served where they are sent', async () => {
  const devices = Array.from({ length: 4 }, () => crypto.keyPair())
  // One watches it, which is all that it can bear.
  const { relays, replicas } = await startFleet(2, devices, (i) => ({
    capacity: { connections: i === 0 ? 1 : 1_000 }
  }))
  const [full, roomy] = relays as [RelayServer, RelayServer]
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const address = { publicKey: full.publicKey, tcp: { host: '127.0.0.1', port: full.ports.tcp ?? 0 } }
  const link = greet(address, devices[0] as KeyPair, (one) => one.register(30_000))
  await until(() => link.ended !== null)
  expect(link.refusal).toMatchObject({ code: 'RELAY_REDIRECT', redirect: Buffer.from(roomy.publicKey) })
  const insists = greet(address, devices[0] as KeyPair, (one) => one.register(30_000, { insists: true }))
  await until(() => insists.seen.includes('registered'))
  insists.link.destroy()
  const at = { ...replicas, registrations: 1 }
  await Promise.all(devices.map((keyPair) => startDevice(keyPair, { replicas: at, times: FAST })))
  await until(() => roomy.registered === 4 && full.registered === 0)
})

test('a redirect to a stranger is not followed: the device insists, and is served where it is', async () => {
  const [a] = twoKeyPairs()
  const stranger = await startRelay([a])
  const knocks: unknown[] = []
  stranger.relay.on('refused', (why: unknown) => knocks.push(why))
  let asked = 0
  const { relays, replicas } = await startFleet(1, [a], () => ({
    redirect: () => (asked++ < 3 ? stranger.relay.publicKey : null)
  }))
  const errors: string[] = []
  const alice = await startDevice(a, { replicas: { ...replicas, registrations: 1 }, times: FAST })
  alice.on('unregistered', (_: unknown, error: { code: string }) => errors.push(error.code))
  await until(() => alice.registeredAt.length === 1)
  expect(names(alice.registeredAt)).toEqual(names(relays.map(({ publicKey }) => publicKey)))
  expect(errors).toContain('RELAY_REDIRECT_REFUSED')
  expect([stranger.relay.connections, stranger.relay.registered, knocks.length]).toEqual([0, 0, 0])
})

test('a drain moves everybody: each is registered elsewhere before it leaves, and can be reached at every moment', async () => {
  const [a, b] = twoKeyPairs()
  const c = crypto.keyPair()
  const { relays, replicas } = await startFleet(3, [a, b, c], () => ({ drainMs: 12_000 }))
  const carol = await startDevice(c, { replicas: { ...replicas, registrations: 1 }, times: FAST })
  const bob = await startDevice(b, { replicas: { ...replicas, registrations: 1 }, times: FAST })
  const alice = await startDevice(a, { replicas, times: FAST })
  bob.on('connection', (connection) => asStream(connection).pipe(asStream(connection)))
  await until(() => bob.registeredAt.length === 1 && alice.registeredAt.length === 2)
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  await until(() => carol.registeredAt.length === 1)
  const counts = new Set<number>()
  let draining = true
  const look = (): void => {
    counts.add(carol.registeredAt.length)
    if (draining) setImmediate(look)
  }
  look()
  const from = relays.find(({ publicKey }) => names(bob.registeredAt).includes(hex(publicKey)))
  const left = new Set<string>()
  bob.on('unregistered', (key: Uint8Array) => left.add(hex(key)))
  const drained = from?.drain()
  let asked = 0
  while (!left.has(hex(from?.publicKey as Uint8Array))) {
    const connection = alice.connect(bob.publicKey)
    const back = new Promise((resolve, reject) => {
      connection.once('data', resolve)
      connection.once('error', reject)
    })
    connection.write(Buffer.from('are you there'))
    await back
    connection.destroy()
    asked++
  }
  await drained
  const [next] = relays.filter(({ publicKey }) => names(carol.registeredAt).includes(hex(publicKey)))
  await Promise.all([next?.drain(), until(() => next?.registered === 0)])
  draining = false
  expect(asked).toBeGreaterThan(0)
  expect(counts).not.toContain(0)
  expect([from?.registered, from?.sessions]).toEqual([0, 0])
  expect(bob.registeredAt.length).toBe(1)
})

test('who was reached at a replica that drains may come back, and a newcomer is sent on', async () => {
  const [a, b] = twoKeyPairs()
  const c = crypto.keyPair()
  const { relays } = await startFleet(2, [a, b, c], () => ({ drainMs: 600_000, reparkMs: 600_000 }))
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const [one, other] = relays as [RelayServer, RelayServer]
  const address = { publicKey: one.publicKey, tcp: { host: '127.0.0.1', port: one.ports.tcp ?? 0 } }
  const stays = greet(address, b, (link) => link.register(30_000))
  await until(() => stays.seen.includes('registered'))
  void one.drain()
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => opener.seen.includes('opened'))
  const back = greet(address, b, (link) => link.register(30_000))
  await until(() => back.seen.includes('registered'))
  const newcomer = greet(address, c, (link) => link.register(30_000))
  await until(() => newcomer.ended !== null)
  expect(newcomer.refusal).toMatchObject({
    code: 'RELAY_REDIRECT',
    redirect: Buffer.from(other.publicKey)
  })
  await other.close()
  await until(() => one.replicas.every(({ state }) => state !== 'alive'))
  const nowhere = greet(address, c, (link) => link.register(30_000))
  await until(() => nowhere.ended !== null)
  expect(nowhere.refusal).toMatchObject({ code: 'RELAY_DRAINING', retryAfterMs: 600_000 })
})

test('a connection finds a replica that its device did not know when it began', async () => {
  const [a, b] = twoKeyPairs()
  const { relays, replicas, owner, set } = await startFleet(2, [a, b])
  const first = ReplicaSet.sign(set.replicas.slice(0, 1), 0, owner)
  const bob = await startDevice(b, { replicas, times: FAST })
  const alice = await startDevice(a, { replicas: { ...replicas, set: first.bytes }, times: FAST })
  await until(() => bob.registeredAt.length === 2 && alice.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  expect(await connection.opened).toBe(true)
  await incoming
  alice.useReplicas(set.bytes)
  alice.useReplicas(first.bytes)
  expect(alice.replicas.length).toBe(2)
  const before = connection.path?.relay as Uint8Array
  await relays.find(({ publicKey }) => hex(publicKey) === hex(before))?.close()
  await until(() => connection.path !== null && hex(connection.path.relay as Uint8Array) !== hex(before))
})

test('a replica that the owner has taken out is left, and may watch no longer', async () => {
  const [a] = twoKeyPairs()
  const { relays, replicas, owner, set } = await startFleet(2, [a])
  const alice = await startDevice(a, { replicas, times: FAST })
  await until(() => alice.registeredAt.length === 2)
  const [stays, goes] = set.replicas.map(({ key }) => relays.find((one) => hex(one.publicKey) === hex(key)))
  await until(() => stays?.policy.connections === 2)
  const smaller = ReplicaSet.sign(set.replicas.slice(0, 1), 2, owner).bytes
  alice.useReplicas(smaller)
  stays?.useReplicas(smaller)
  expect(() => goes?.useReplicas(smaller)).toThrow(/^RELAY_BAD_ARGUMENT/)
  await until(() => goes?.registered === 0 && stays?.policy.connections === 1)
  expect(alice.replicas.length).toBe(1)
})

test('an app that throws when it is given a newer set has its device at the replicas of that set all the same', async () => {
  const [a] = twoKeyPairs()
  const { relays, owner, set } = await startFleet(3, [a])
  const setOf = (indexes: number[], seq: number): Uint8Array =>
    ReplicaSet.sign(
      set.replicas.filter(({ key }) =>
        indexes.some((i) => hex(relays[i]?.publicKey as Uint8Array) === hex(key))
      ),
      seq,
      owner
    ).bytes
  const onset = (): void => {
    throw new Error('the disk is full')
  }
  const replicas = { owner: owner.publicKey, set: setOf([0, 1], 2), onset }
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const alice = await startDevice(a, { replicas, times: { ...FAST, keepAliveMs: 600_000 } })
  await until(() => alice.registeredAt.length === 2)
  expect(() => alice.useReplicas(setOf([0, 2], 3))).toThrow('the disk is full')
  const there = [relays[0], relays[2]].map((relay) => relay?.publicKey as Uint8Array)
  await until(() => names(alice.registeredAt).join() === names(there).join())
})

test('a newer set that one replica is given reaches the others, and their devices, who keep it', async () => {
  const [a, b] = twoKeyPairs()
  const kept: string[] = []
  const { relays, replicas, owner, set } = await startFleet(3, [a, b])
  const onset = (bytes: Uint8Array): void => void kept.push(hex(bytes))
  const alice = await startDevice(a, { replicas: { ...replicas, onset }, times: FAST })
  await until(() => alice.registeredAt.length === 2)
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const members = [...set.replicas, { key: crypto.keyPair().publicKey, addresses: ['wss://new.example/'] }]
  const newer = ReplicaSet.sign(members, 2, owner).bytes
  relays[0]?.useReplicas(newer)
  await until(() => relays.every((relay) => relay.replicas.length === 3) && alice.replicas.length === 4)
  expect(kept).toEqual([hex(newer)])
  // Who comes later with an older one is told at once, and who brings another owner's set is not believed.
  const bob = await startDevice(b, { replicas, times: FAST })
  await until(() => bob.replicas.length === 4)
  const forged = ReplicaSet.sign(members.slice(0, 1), 9, crypto.keyPair()).bytes
  expect(() => relays[0]?.useReplicas(forged)).toThrow(/^RELAY_BAD_SIGNATURE/)
  expect(alice.replicas.length).toBe(4)
})

test('only a replica of the set may watch', async () => {
  const [a] = twoKeyPairs()
  const { relays } = await startFleet(1, [a])
  const { publicKey, ports } = relays[0] as (typeof relays)[number]
  const address = { publicKey, tcp: { host: '127.0.0.1', port: ports.tcp ?? 0 } }
  const link = greet(address, a, (one) => one.watch(1_000, 0))
  await until(() => link.ended !== null)
  expect(link.ended).toBe('RELAY_NO_SCOPE')
  const alone = await startRelay([a])
  const other = greet(alone.address, a, (one) => one.watch(1_000, 0))
  await until(() => other.ended !== null)
  expect(other.ended).toBe('RELAY_NO_SCOPE')
})

test('wrong sets and owners are refused before anything is dialled', async () => {
  const [a, b] = twoKeyPairs()
  const { replicas, owner, set, relays } = await startFleet(1, [a])
  const bad = expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' })
  const client =
    (change: object, more: object = {}) =>
    () =>
      new RelayClient({ keyPair: a, replicas: { ...replicas, ...change }, ...more })
  expect(client({ owner: new Uint8Array(3) })).toThrow(bad)
  expect(client({ registrations: 0 })).toThrow(bad)
  expect(client({ grant: 'no bytes' })).toThrow(bad)
  expect(client({}, { relays: [{ publicKey: b.publicKey, tcp: { host: '127.0.0.1', port: 1 } }] })).toThrow(
    bad
  )
  expect(client({}, { owners: [{ owner: new Uint8Array(31) }] })).toThrow(bad)
  expect(client({ owner: b.publicKey })).toThrow(/^RELAY_BAD_SIGNATURE/)
  expect(client({ set: set.bytes.subarray(1) })).toThrow(/^RELAY_MALFORMED/)
  const nowhere = ReplicaSet.sign([{ key: b.publicKey, addresses: ['quic://192.0.2.1:1'] }], 1, owner)
  expect(client({ set: nowhere.bytes })).toThrow(bad)
  const alone = await startDevice(a)
  expect(() => alone.useReplicas(set.bytes)).toThrow(bad)
  expect(alone.replicas).toEqual([])
  const server = await startRelay([a])
  expect(() => server.relay.useReplicas(set.bytes)).toThrow(bad)
  expect(server.relay.replicas).toEqual([])
  expect(() => relays[0]?.useReplicas(nowhere.bytes)).toThrow(bad)
})

test('addresses of a set are dialled as they are written, and what is none is left out', () => {
  const key = crypto.keyPair().publicKey
  const of = (...addresses: string[]): unknown => replicaAddress({ key, addresses }, null)
  expect(of('wss://a.example/', 'tcp://a.example:4989', 'tcp://b.example:1')).toEqual({
    publicKey: key,
    ws: 'wss://a.example/',
    tcp: { host: 'a.example', port: 4989 }
  })
  expect(of('tcp://[2001:db8::1]:4989')).toEqual({
    publicKey: key,
    tcp: { host: '2001:db8::1', port: 4989 }
  })
  for (const none of [
    'tcp://a.example',
    'tcp://a.example:0',
    'tcp://a/b:1',
    'tcp://a:b:1',
    'http://a/',
    'wss://'
  ])
    expect([none, of(none)]).toEqual([none, null])
})

test('the bytes of a beat are checked before they count, and only where they would say anything new', () => {
  const owner = crypto.keyPair()
  const replica = crypto.keyPair()
  const set = ReplicaSet.sign([{ key: replica.publicKey, addresses: [] }], 1, owner)
  const view = new ReplicaView(owner.publicKey, { now: () => 0 })
  view.use(set)
  const source = new HeartbeatSource(owner.publicKey, replica, { epoch: 1 })
  const [old, next] = [source.next({ load: 0.1 }).bytes, source.next({ load: 0.2 }).bytes]
  expect(view.take(next)?.load).toBe(0.2)
  expect([view.take(next), view.take(old)]).toEqual([null, null])
  const forged = Uint8Array.from(source.next({ load: 0.3 }).bytes)
  forged[152] = (forged[152] as number) ^ 1
  expect(() => view.take(forged)).toThrow(/^RELAY_BAD_SIGNATURE/)
  expect(() => view.take(forged.subarray(1))).toThrow(/^RELAY_MALFORMED/)
  expect(Heartbeat.peek(next)).toMatchObject({ epoch: 1, seq: 2 })
})
