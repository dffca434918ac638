import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apply, decodeEvent, encodeChain, verify } from '../src/index.ts'
import { codeOf } from './people.ts'
import { coreStep, RandomWorld, type Step, step, takeovers, view } from './random-worlds.ts'
import { accepted, summary, type Fact } from './reference.ts'

// Thousands of signatures: on a busy machine that takes longer than other tests.
test.each([
  ['of any kind', fc.array(step, { minLength: 5, maxLength: 40 })],
  ['of devices and cores alone', fc.array(coreStep, { minLength: 40, maxLength: 50 })],
  ['of names that are taken over, and back', takeovers]
])(
  'a state machine made from FORMAT.md on other libraries takes and refuses the same events, and comes to the same: events %s',
  (_, given) => {
    fc.assert(fc.property(given, compare), { numRuns: 60 })
  }
)

function compare(steps: readonly Step[]): void {
  const world = new RandomWorld()
  let facts: Fact[] = []
  for (const one of steps) {
    const { event, accepted: take } = world.propose(one)
    const code = codeOf(() => apply(world.state, event))
    const after = accepted(facts, event)
    expect({ one, code, isRefused: after === null }).toEqual({ one, code, isRefused: code !== null })
    if (after === null) continue
    take()
    facts = after
    if (world.state !== null) expect(view(world.state)).toEqual(summary(facts))
  }
  if (world.state === null) return
  const { state } = verify(encodeChain(world.events), { trusted: world.state.identity })
  expect(state).toEqual(world.state)
}

test('the worlds that are compared have every kind of event in them, taken, and refusals of many kinds', () => {
  const kinds = new Set<string>()
  const codes = new Set<string>()
  // One seed, so that this says the same each time.
  for (const steps of fc.sample(fc.array(step, { minLength: 40, maxLength: 40 }), {
    numRuns: 120,
    seed: 1
  })) {
    const world = new RandomWorld()
    for (const one of steps) {
      const { event, accepted: take } = world.propose(one)
      const code = codeOf(() => apply(world.state, event))
      if (code === null) take()
      if (code === null) kinds.add(decodeEvent(event).change.kind)
      else codes.add(code)
    }
  }
  expect(kinds.size).toBe(8)
  expect([...codes].sort()).toMatchInlineSnapshot(`
    [
      "KEY_ROTATION_BAD_CUT_OFF",
      "KEY_ROTATION_BAD_POSSESSION",
      "KEY_ROTATION_BAD_SIGNATURE",
      "KEY_ROTATION_BAD_THRESHOLD",
      "KEY_ROTATION_BAD_TIME",
      "KEY_ROTATION_BROKEN_CHAIN",
      "KEY_ROTATION_CORE_MISMATCH",
      "KEY_ROTATION_CORE_REUSED",
      "KEY_ROTATION_DEVICE_EXPIRED",
      "KEY_ROTATION_DEVICE_REVOKED",
      "KEY_ROTATION_DUPLICATE_KEY",
      "KEY_ROTATION_KEY_REUSED",
      "KEY_ROTATION_MALFORMED",
      "KEY_ROTATION_NOT_COMMITTED",
      "KEY_ROTATION_NOT_ENOUGH_SIGNATURES",
      "KEY_ROTATION_NO_RECOVERY",
      "KEY_ROTATION_NO_RIGHT",
      "KEY_ROTATION_RECOVERY_FINAL",
      "KEY_ROTATION_RECOVERY_TOO_EARLY",
      "KEY_ROTATION_UNEXPECTED_SIGNER",
    ]
  `)
})
