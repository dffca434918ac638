import { fakeClock, seededRandom } from '@cloudpal/test-kit'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { KnownReplicas } from '../../src/client/known-replicas.ts'
import {
  DrainPace,
  HeartbeatSource,
  loadOf,
  pickReplica,
  RedirectTrail,
  redirectTarget,
  ReplicaSet,
  type ReplicaState,
  type ReplicaStatus,
  ReplicaView
} from '../../src/index.ts'
import { keyPair } from './records.ts'

const STATES: ReplicaState[] = ['alive', 'unheard', 'draining', 'dead', 'failed']
const keys = Array.from({ length: 12 }, (_, i) => Buffer.alloc(32, i + 1))

function statuses(...described: [ReplicaState, number][]): ReplicaStatus[] {
  return described.map(([state, load], i) => ({ key: keys[i] as Buffer, addresses: [], state, load }))
}

test('those that are alive come first, then those not heard of, draining, dead, and failed', () => {
  for (let first = 0; first < STATES.length; first++) {
    const all = statuses(...STATES.slice(first).map((state): [ReplicaState, number] => [state, 0.3]))
    for (let seed = 0; seed < 20; seed++) {
      expect(pickReplica(all, { random: seededRandom(seed).float })).toEqual(keys[0])
    }
  }
  expect(pickReplica([])).toBeNull()
  expect(pickReplica(statuses(['alive', 0]), { exclude: [keys[0] as Buffer] })).toBeNull()
})

test('of two that are alive the less loaded one is taken, always', () => {
  for (let seed = 0; seed < 100; seed++) {
    const chosen = pickReplica(statuses(['alive', 0.7], ['alive', 0.69]), {
      random: seededRandom(seed).float
    })
    expect(chosen).toEqual(keys[1])
  }
})

test('the fullest of ten is never chosen, and the others about as the rule of two says', () => {
  const loads = Array.from({ length: 10 }, (_, i): [ReplicaState, number] => ['alive', i / 10])
  const random = seededRandom(1).float
  const counts = Array.from({ length: 10 }, () => 0)
  const draws = 20_000
  for (let i = 0; i < draws; i++) {
    const chosen = pickReplica(statuses(...loads), { random }) as Uint8Array
    const index = (chosen[0] as number) - 1
    counts[index] = (counts[index] as number) + 1
  }
  // The i-th emptiest wins the pairs it makes with those fuller than it: (9 - i) of 45.
  expect(counts[9]).toBe(0)
  for (const [i, count] of counts.entries()) expect(count / draws).toBeCloseTo((9 - i) / 45, 1)
})

test('whoever is well off stays: no load within the margin makes anybody move', () => {
  const load = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(load, fc.array(load, { minLength: 1, maxLength: 9 }), fc.nat(), (here, others, seed) => {
      const all = statuses(['alive', here], ...others.map((load): [ReplicaState, number] => ['alive', load]))
      const current = keys[0] as Buffer
      const chosen = pickReplica(all, { current, random: seededRandom(seed).float }) as Uint8Array
      const index = (chosen[0] as number) - 1
      if (index !== 0) expect(here - (others[index - 1] as number)).toBeGreaterThan(0.2)
    })
  )
})

test('whoever is at one that drains, died or failed, goes to one that is alive', () => {
  for (const state of ['draining', 'dead', 'failed'] as const) {
    const all = statuses([state, 0], ['alive', 1])
    expect(pickReplica(all, { current: keys[0] as Buffer })).toEqual(keys[1])
  }
})

test('a hundred that all look at once do not change places: the two come out even', () => {
  const random = seededRandom(3).float
  let [here, there] = [100, 0]
  const all = statuses(['alive', 1], ['alive', 0])
  for (let i = 0; i < 100; i++) {
    if (pickReplica(all, { current: keys[0] as Buffer, random }) === keys[0]) continue
    here--
    there++
  }
  expect(Math.abs(here - there)).toBeLessThan(30)
})

test('a replica that is well sends nobody on; one that is full or drains sends to one that has room', () => {
  const all = statuses(['alive', 0.95], ['alive', 0.5], ['draining', 0], ['dead', 0], ['unheard', 0])
  const self = keys[0] as Buffer
  expect(redirectTarget(all, { self, load: 0.89, draining: false })).toBeNull()
  expect(redirectTarget(all, { self, load: 0.95, draining: false })).toEqual(keys[1])
  expect(redirectTarget(all, { self, load: 0, draining: true })).toEqual(keys[1])
})

test('an overloaded replica keeps newcomers when the others are hardly better; one that drains does not', () => {
  const all = statuses(['alive', 0.95], ['alive', 0.93])
  const self = keys[0] as Buffer
  expect(redirectTarget(all, { self, load: 0.95, draining: false })).toBeNull()
  expect(redirectTarget(all, { self, load: 0.95, draining: true })).toEqual(keys[1])
  expect(redirectTarget(statuses(['alive', 1]), { self, load: 1, draining: true })).toBeNull()
})

test('a redirect is followed twice, inside the set, and nowhere twice', () => {
  const owner = keyPair(0)
  const keys = Array.from({ length: 8 }, (_, i) => keyPair(i + 1).publicKey)
  const members = keys.slice(0, 5).map((key) => ({ key, addresses: [`tcp://192.0.2.1:${key[0]}`] }))
  const view = new ReplicaView(owner.publicKey, fakeClock())
  const trail = (): RedirectTrail => new RedirectTrail(view, keys[0] as Buffer)
  expect(() => trail().follow(keys[1] as Buffer)).toThrow(/^RELAY_REDIRECT_REFUSED.*set/)
  view.use(ReplicaSet.sign(members, 1, owner))
  expect(() => trail().follow(keys[7] as Buffer)).toThrow(/^RELAY_REDIRECT_REFUSED.*set/)
  expect(() => trail().follow(keys[0] as Buffer)).toThrow(/^RELAY_REDIRECT_REFUSED.*already/)
  const long = trail()
  expect(long.follow(keys[1] as Buffer)).toEqual(members[1])
  expect(long.follow(keys[2] as Buffer)).toEqual(members[2])
  expect(long.visited).toEqual(keys.slice(0, 3))
  expect(() => long.follow(keys[3] as Buffer)).toThrow(/^RELAY_REDIRECT_REFUSED.*2 redirects/)
})

test('load is what is scarcest, and a bound of nothing is full', () => {
  const usage = { sessions: 10, maxSessions: 100, bytesPerSecond: 5, maxBytesPerSecond: 10 }
  expect(loadOf(usage)).toBe(0.5)
  expect(loadOf({ ...usage, bytesPerSecond: 0 })).toBe(0.1)
  expect(loadOf({ ...usage, maxSessions: 0, sessions: 0 })).toBe(1)
})

test('a drain asks everyone once, evenly, and by the end at the latest', () => {
  const ticks = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(ticks, fc.nat(500), fc.integer({ min: 0, max: 5000 }), (ticks, sessions, durationMs) => {
      const pace = new DrainPace({ startedAt: 100, durationMs })
      let [now, asked] = [100, 0]
      for (const tick of [0, ...ticks]) {
        now += tick
        const due = pace.due(now, asked, sessions - asked)
        expect(due).toBeGreaterThanOrEqual(0)
        asked += due
        const share = durationMs === 0 ? 1 : Math.min(1, (now - 100) / durationMs)
        expect(asked).toBe(Math.floor(share * sessions))
      }
      asked += pace.due(100 + durationMs, asked, sessions - asked)
      expect(asked).toBe(sessions)
    })
  )
})

test('a replica that drains is asked only by a device that is at no other one', () => {
  const [owner, other, draining] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const members = [other, draining].map(({ publicKey }) => ({
    key: publicKey,
    addresses: ['tcp://127.0.0.1:1']
  }))
  const set = ReplicaSet.sign(members, 1, owner).bytes
  const known = new KnownReplicas({ owner: owner.publicKey, set }, () => 0)
  const source = new HeartbeatSource(owner.publicKey, draining)
  known.view.hear(source.next({ load: 0, draining: true }))
  expect(known.choose([other.publicKey])).toBe(null)
  known.view.failed(other.publicKey)
  expect(known.choose([])).toEqual(draining.publicKey)
})
