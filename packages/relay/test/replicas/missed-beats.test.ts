import { fakeClock, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { Heartbeat, HeartbeatSource, ReplicaSet, type ReplicaState, ReplicaView } from '../../src/index.ts'
import { FleetMember } from '../../src/replicas/fleet-member.ts'
import { MissedBeats } from '../../src/replicas/missed-beats.ts'
import { greet } from '../links.ts'
import { listening } from '../listening.ts'
import { sayAsRelay } from '../lying.ts'
import { startDevice } from '../relays.ts'
import { startFleet } from './fleet.ts'
import { keyPair } from './records.ts'

const [owner, a, b] = [keyPair(0), keyPair(1), keyPair(2)]
const INTERVAL = 1_000
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

afterEach(() => void vi.useRealTimers())

function viewOf(now: () => number, hearingMs = 0): ReplicaView {
  const view = new ReplicaView(owner.publicKey, { now, hearingMs: () => hearingMs })
  const members = [a, b].map(({ publicKey }) => ({ key: publicKey, addresses: [] }))
  view.use(ReplicaSet.sign(members, 1, owner))
  return view
}

function beat(seq: number, draining = false): Heartbeat {
  const fields = { owner: owner.publicKey, epoch: 1, seq, intervalMs: INTERVAL, load: 0.5, draining }
  return Heartbeat.sign(fields, a)
}

test('a replica whose beats were missed elsewhere is dead here until a later one is heard, or it is reached', () => {
  const clock = fakeClock(5)
  const view = viewOf(clock.now, 600_000)
  const state = (): ReplicaState | undefined => view.status(a.publicKey)?.state
  view.hear(beat(2))
  // Who has heard a later one knows better.
  expect([view.missed(beat(1)), state()]).toEqual([false, 'alive'])
  expect([view.missed(beat(2)), state()]).toEqual([true, 'dead'])
  expect([view.missed(beat(4)), state()]).toEqual([true, 'dead'])
  // Somebody else was a little behind.
  view.hear(beat(4))
  expect(state()).toBe('dead')
  view.hear(beat(5))
  expect(state()).toBe('alive')
  view.missed(beat(5))
  view.reached(a.publicKey)
  expect(state()).toBe('alive')
  clock.advance(INTERVAL - 1)
  expect([view.missed(beat(5)), state()]).toEqual([false, 'alive'])
  clock.advance(1)
  expect([view.missed(beat(5)), state()]).toEqual([true, 'dead'])
  expect(view.missed({ replica: keyPair(3).publicKey, epoch: 1, seq: 9 })).toBe(false)
})

test('a beat that only this device has heard, just before the end, does not keep a replica alive that all others miss', () => {
  const clock = fakeClock(5)
  const view = viewOf(clock.now, 600_000)
  const state = (): ReplicaState | undefined => view.status(a.publicKey)?.state
  // As with the answer to its registration: who listens asks once an interval, and has heard the one before.
  view.hear(beat(3))
  clock.advance(INTERVAL - 1)
  expect([view.missed(beat(2)), state()]).toEqual([false, 'alive'])
  clock.advance(2.5 * INTERVAL)
  expect([view.missed(beat(2)), state()]).toEqual([true, 'dead'])
  view.hear(beat(3))
  expect(state()).toBe('dead')
  view.hear(beat(4))
  expect(state()).toBe('alive')
})

test('three missed beats are told once, at their time, and again after the next ones', () => {
  vi.useFakeTimers()
  const view = viewOf(Date.now)
  const told: [seq: number, afterMs: number][] = []
  let heardAt = 0
  const missed = new MissedBeats(view, Date.now, ({ seq }) => told.push([seq, Date.now() - heardAt]))
  const hear = (seq: number): void => {
    view.hear(beat(seq))
    heardAt = Date.now()
    missed.watch()
  }
  hear(1)
  vi.advanceTimersByTime(INTERVAL)
  hear(2)
  vi.advanceTimersByTime(3.5 * INTERVAL - 1)
  expect(told).toEqual([])
  vi.advanceTimersByTime(10 * INTERVAL)
  expect([told, vi.getTimerCount()]).toEqual([[[2, 3.5 * INTERVAL]], 0])
  hear(3)
  missed.close()
  expect(vi.getTimerCount()).toBe(0)
  hear(4)
  vi.advanceTimersByTime(10 * INTERVAL)
  expect(told.slice(1)).toEqual([[4, 3.5 * INTERVAL]])
})

test('a relay that was held up itself reads what it was told before it takes the others for dead', () => {
  vi.useFakeTimers()
  const view = viewOf(Date.now)
  let told = 0
  const missed = new MissedBeats(view, Date.now, () => told++)
  view.hear(beat(1))
  missed.watch()
  // Asleep: the clock goes on, and no timer runs.
  vi.setSystemTime(Date.now() + 60 * INTERVAL)
  vi.advanceTimersByTime(3.5 * INTERVAL)
  view.hear(beat(2))
  vi.advanceTimersByTime(INTERVAL)
  expect(told).toBe(0)
  vi.advanceTimersByTime(3 * INTERVAL)
  expect(told).toBe(1)
  missed.close()
})

test('who is dead is known to a relay, and who has drained before is none of them', () => {
  vi.useFakeTimers()
  const members = [a, b].map(({ publicKey }) => ({ key: publicKey, addresses: [] }))
  const set = ReplicaSet.sign(members, 1, owner).bytes
  const member = new FleetMember(
    { owner: owner.publicKey, set },
    {
      keyPair: b,
      now: Date.now,
      connections: () => 0,
      maxConnections: 100,
      admit: () => {},
      dismiss: () => {},
      tell: () => {},
      tellSet: () => {},
      tellMissing: () => {}
    }
  )
  const view = member.view
  view.hear(beat(1))
  vi.advanceTimersByTime(4 * INTERVAL)
  expect(member.missing().map(({ replica }) => hex(replica))).toEqual([hex(a.publicKey)])
  view.hear(beat(2, true))
  vi.advanceTimersByTime(4 * INTERVAL)
  expect(member.missing()).toEqual([])
  member.close()
})

test('a relay tells each device once who is dead, also those that come later', async () => {
  const [early, late] = [crypto.keyPair(), crypto.keyPair()]
  const { relays } = await startFleet(2, [early, late])
  const [stays, goes] = relays
  const dead = hex(goes?.publicKey as Uint8Array)
  await until(() => stays?.replicas.every(({ state }) => state === 'alive'))
  const address = {
    publicKey: stays?.publicKey as Uint8Array,
    tcp: { host: '127.0.0.1', port: stays?.ports.tcp ?? 0 }
  }
  const first = greet(address, early, (link) => link.register(30_000))
  await until(() => first.seen.includes('registered'))
  await goes?.close()
  await until(() => first.missing.length === 1)
  const second = greet(address, late, (link) => link.register(30_000))
  await until(() => second.missing.length === 1)
  for (const { link } of [first, second]) for (let i = 0; i < 2; i++) link.ping()
  // What comes with the first answer has come before the second.
  await until(() => [first, second].every(({ seen }) => seen.filter((what) => what === 'pong').length === 2))
  expect([first, second].map(({ missing }) => missing.map(hex))).toEqual([[dead], [dead]])
})

test('a relay that says of others that they are dead makes no device leave them', async () => {
  const pairs = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  let pings = 0
  const servers = await Promise.all(
    pairs.map((pair) => {
      const source = new HeartbeatSource(owner.publicKey, pair, { intervalMs: 100 })
      const beats = (): { type: 'beat'; record: Uint8Array } => ({
        type: 'beat',
        record: source.next({ load: 0.1 }).bytes
      })
      return listening((socket) => {
        sayAsRelay(socket, pair, ({ type }) => {
          if (type === 'register') return [{ type: 'registered' }, beats()]
          pings++
          const others = pairs.filter((one) => one !== pair)
          return [
            { type: 'pong' },
            beats(),
            ...others.map(({ publicKey }) => ({
              type: 'missing' as const,
              replica: publicKey,
              epoch: 2 ** 52,
              seq: 1
            }))
          ]
        })
      })
    })
  )
  const members = pairs.map(({ publicKey }, i) => ({
    key: publicKey,
    addresses: [`tcp://127.0.0.1:${servers[i]?.port}`]
  }))
  const set = ReplicaSet.sign(members, 1, owner).bytes
  // They all answer, however long it takes.
  const times = { keepAliveMs: 150, maxKeepAliveMs: 150, deadMs: 600_000, pongMs: 600_000 }
  const device = await startDevice(crypto.keyPair(), { replicas: { owner: owner.publicKey, set }, times })
  await until(() => device.registeredAt.length === 2)
  let least = 2
  await until(() => {
    least = Math.min(least, device.registeredAt.length)
    return pings >= 40
  })
  expect(least).toBe(2)
})

test('a device weighs where it would be better off when it pings, and not with every beat', async () => {
  const pairs = [crypto.keyPair(), crypto.keyPair()]
  const sources = pairs.map((pair) => new HeartbeatSource(owner.publicKey, pair))
  let [registers, sets] = [0, 0]
  let newer = new Uint8Array(0)
  const servers = await Promise.all(
    pairs.map((pair, i) =>
      listening((socket) =>
        sayAsRelay(socket, pair, ({ type }) => {
          if (type !== 'register') return []
          registers++
          // It is full, and the other one is idle: whoever weighed that so often would go there.
          const beats = Array.from({ length: 80 }, (_, n) => {
            const source = sources[(i + n) % 2] as HeartbeatSource
            return { type: 'beat' as const, record: source.next({ load: n % 2 === 0 ? 0.9 : 0.1 }).bytes }
          })
          return [{ type: 'registered' }, ...beats, { type: 'set', record: newer }]
        })
      )
    )
  )
  const members = pairs.map(({ publicKey }, i) => ({
    key: publicKey,
    addresses: [`tcp://127.0.0.1:${servers[i]?.port}`]
  }))
  newer = new Uint8Array(ReplicaSet.sign(members, 2, owner).bytes)
  await startDevice(crypto.keyPair(), {
    replicas: {
      owner: owner.publicKey,
      set: ReplicaSet.sign(members, 1, owner).bytes,
      registrations: 1,
      onset: () => sets++
    }
  })
  // All that was said before has been heard by then.
  await until(() => sets === 1)
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
  expect(registers).toBe(1)
})
