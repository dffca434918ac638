import { fakeClock } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heartbeat, ReplicaSet, type ReplicaState, ReplicaView } from '../../src/index.ts'
import { keyPair } from './records.ts'

const owner = keyPair(0)
const [a, b] = [keyPair(1), keyPair(2)]
const INTERVAL = 1000
const LIFE = 3500

function makeView() {
  const clock = fakeClock(5)
  const view = new ReplicaView(owner.publicKey, clock)
  view.use(setOf(1, a, b))
  return { clock, view, state: (pair = a): ReplicaState | undefined => view.status(pair.publicKey)?.state }
}

function setOf(seq: number, ...pairs: { publicKey: Uint8Array }[]): ReplicaSet {
  const members = pairs.map(({ publicKey }) => ({ key: publicKey, addresses: [] }))
  return ReplicaSet.sign(members, seq, owner)
}

function beat(
  epoch: number,
  seq: number,
  more: { draining?: boolean; load?: number } = {},
  pair = a
): Heartbeat {
  const fields = { owner: owner.publicKey, intervalMs: INTERVAL, load: 0.5, draining: false }
  return Heartbeat.sign({ ...fields, epoch, seq, ...more }, pair)
}

test('a replica is dead when its third beat is half an interval late, and lives again with the next', () => {
  const { clock, view, state } = makeView()
  expect(state()).toBe('unheard')
  view.hear(beat(1, 1))
  clock.advance(LIFE - 1)
  expect(state()).toBe('alive')
  expect(view.nextDeath()).toBe(clock.now() + 1)
  clock.advance(1)
  expect(state()).toBe('dead')
  expect(view.nextDeath()).toBe(Number.POSITIVE_INFINITY)
  expect(view.hear(beat(1, 2))).toBe(true)
  expect(state()).toBe('alive')
})

test('a repeated or older beat gives no life and changes nothing', () => {
  const { clock, view, state } = makeView()
  view.hear(beat(2, 5))
  clock.advance(LIFE)
  const old = [beat(2, 5, { load: 0 }), beat(2, 4), beat(1, 99, { draining: true })]
  expect(old.map((beat) => view.hear(beat))).toEqual([false, false, false])
  expect(state()).toBe('dead')
  expect(view.status(a.publicKey)?.load).toBe(0.5)
})

test('a beat of a stranger, or of another owner, says nothing', () => {
  const { view } = makeView()
  expect(view.hear(beat(1, 1, {}, keyPair(3)))).toBe(false)
  const foreign = { owner: keyPair(4).publicKey, epoch: 1, seq: 1, intervalMs: 500, load: 0, draining: false }
  expect(view.hear(Heartbeat.sign(foreign, a))).toBe(false)
  expect(view.status(keyPair(3).publicKey)).toBeNull()
})

test('draining is seen with the beat that says it', () => {
  const { view, state } = makeView()
  view.hear(beat(1, 1))
  view.hear(beat(1, 2, { draining: true }))
  expect(state()).toBe('draining')
})

test('whoever could not be reached is left out for a second, and longer every time', () => {
  const { clock, view, state } = makeView()
  for (const backoff of [1000, 2000, 4000]) {
    view.failed(a.publicKey)
    clock.advance(backoff - 1)
    view.hear(beat(1, clock.now()))
    expect(state()).toBe('failed')
    clock.advance(1)
    expect(state()).toBe('alive')
  }
  for (let i = 0; i < 100; i++) view.failed(a.publicKey)
  clock.advance(60_000)
  expect(state()).toBe('dead')
  view.failed(a.publicKey)
  view.hear(beat(1, clock.now()))
  expect(state()).toBe('failed')
  view.reached(a.publicKey)
  expect(state()).toBe('alive')
})

test('whoever was reached lives for a term, though no beat was heard for long', () => {
  const { clock, view, state } = makeView()
  view.hear(beat(1, 1))
  clock.advance(10 * LIFE)
  view.reached(a.publicKey)
  expect(state()).toBe('alive')
  clock.advance(LIFE)
  expect(state()).toBe('dead')
})

test('a replica that started anew is tried at once', () => {
  const { view, state } = makeView()
  view.hear(beat(1, 1))
  view.failed(a.publicKey)
  view.hear(beat(2, 1))
  expect(state()).toBe('alive')
})

test('a newer set takes replicas out and keeps what is known of others; an older one changes nothing', () => {
  const { view, state } = makeView()
  view.hear(beat(1, 1))
  view.hear(beat(1, 1, {}, b))
  expect(view.use(setOf(3, a))).toBe(true)
  expect(state(a)).toBe('alive')
  expect(state(b)).toBeUndefined()
  expect(view.use(setOf(2, a, b))).toBe(false)
  expect(view.use(setOf(3, a, b))).toBe(false)
  expect(state(b)).toBeUndefined()
  // It has to be heard of again.
  view.use(setOf(4, a, b))
  expect(state(b)).toBe('unheard')
  expect(() => view.use(ReplicaSet.sign([{ key: a.publicKey, addresses: [] }], 9, keyPair(7)))).toThrow(
    /^RELAY_BAD_ARGUMENT/
  )
})

/** The newest beat said so far is all that counts: this keeps them all, and looks for it anew each time. */
test('in whatever order beats come, how often, and however late, a view shows the newest one', () => {
  const beats = [1, 2, 3].flatMap((epoch) =>
    [1, 2, 3, 4].map((seq) => beat(epoch, seq, { load: epoch + seq / 10, draining: seq === 4 }))
  )
  const step = fc.record({ index: fc.nat(beats.length - 1), wait: fc.nat(2 * LIFE) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { clock, view, state } = makeView()
      const arrivals: { index: number; at: number }[] = []
      for (const { index, wait } of steps) {
        clock.advance(wait)
        arrivals.push({ index, at: clock.now() })
        view.hear(beats[index] as Heartbeat)
        const best = Math.max(...arrivals.map(({ index }) => index))
        const { at } = arrivals.find(({ index }) => index === best) as { at: number }
        const isDead = clock.now() - at >= LIFE
        expect(view.status(a.publicKey)?.load).toBe(beats[best]?.load)
        expect(state()).toBe(isDead ? 'dead' : beats[best]?.draining ? 'draining' : 'alive')
      }
    })
  )
})
