import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { KnownReplicas } from '../../src/client/known-replicas.ts'
import { ReplicaMoves } from '../../src/client/replica-moves.ts'
import { ReplicaSlots, type Slot } from '../../src/client/replica-slots.ts'
import { RedirectTrail, ReplicaView } from '../../src/index.ts'
import { keyPair } from './records.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const ATTEMPT_MS = 5_000
const view = new ReplicaView(keyPair(0).publicKey, { now: () => 0 })

/** A device that is registered at so many, and, where one is missing, tries the next. */
function device(registrations: number): {
  slots: ReplicaSlots
  moves: ReplicaMoves
  add(stage: Slot['stage']): Slot
} {
  const slots = new ReplicaSlots()
  let made = 0
  const add = (stage: Slot['stage']): Slot => {
    const { publicKey } = keyPair(++made)
    const slot = slots.add(publicKey, new RedirectTrail(view, publicKey), false)
    slot.stage = stage
    return slot
  }
  const moves = new ReplicaMoves({
    known: { view, choose: () => null } as unknown as KnownReplicas,
    slots,
    registrations,
    attemptMs: ATTEMPT_MS,
    begin: () => {},
    fill: () => void (slots.staying.length < registrations && add('trying')),
    onleft: () => {}
  })
  return { slots, moves, add }
}

test('a replica that drains is left only once the one in its place has taken the device in', () => {
  const { slots, moves, add } = device(1)
  const draining = add('here')
  moves.leave(draining)
  vi.advanceTimersByTime(10 * ATTEMPT_MS)
  const [, next] = slots.all
  expect([draining.stage, next?.stage]).toEqual(['moving', 'trying'])
  if (next !== undefined) next.stage = 'here'
  moves.arrived()
  vi.advanceTimersByTime(ATTEMPT_MS - 1)
  expect(slots.all).toEqual([draining, next])
  vi.advanceTimersByTime(1)
  expect(slots.all).toEqual([next])
})

test('a replica that was doubted, and says that it drains, is left', () => {
  const { moves, add } = device(1)
  const doubted = add('doubted')
  moves.leave(doubted)
  moves.answered(doubted)
  expect(doubted.stage).toBe('moving')
})

test('a replica that was doubted, and answers, is kept, and who was tried in its place is not needed', () => {
  const { slots, moves, add } = device(1)
  const doubted = add('doubted')
  add('trying')
  moves.answered(doubted)
  vi.advanceTimersByTime(10 * ATTEMPT_MS)
  expect(slots.all).toEqual([doubted])
  expect(doubted.stage).toBe('here')
})
