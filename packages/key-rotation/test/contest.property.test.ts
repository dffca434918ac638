import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEvent, IdentityMemory } from '../src/index.ts'
import { DAY, manualTime, START } from './people.ts'
import { ram } from './parties.ts'
import { goodStep, RandomWorld, type Step } from './random-worlds.ts'
import type { Fact } from './reference.ts'
import { factsOf, verdict } from './reference-histories.ts'

// Thousands of signatures: on a busy machine that takes longer than other tests.
const HELD_BACK = ['KEY_ROTATION_FORKED', 'KEY_ROTATION_RECOVERY_TOO_EARLY']

const NOT_CHOSEN = ['KEY_ROTATION_BAD_ARGUMENT', 'KEY_ROTATION_RECOVERY_TOO_EARLY']

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A history parts from an earlier one somewhere, or from none. */
const branch = fc.record({
  parent: fc.nat(),
  keep: fc.nat(),
  steps: fc.array(goodStep, { minLength: 1, maxLength: 6 })
})

/** Histories of one identity that part in many places; and in which order, and how far, each of two devices hears of them. */
const histories = fc.record({
  common: fc.array(goodStep, { minLength: 3, maxLength: 12 }),
  branches: fc.array(branch, { minLength: 2, maxLength: 5 }),
  orders: fc.array(fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), { minLength: 2, maxLength: 2 }),
  cuts: fc.array(fc.nat(), { minLength: 5, maxLength: 5 })
})

function chainOf(steps: readonly Step[]): readonly Uint8Array[] {
  const world = new RandomWorld()
  world.live(steps)
  return world.events
}

/** Some of them also by their beginnings, before or after them. */
function chainsOf({
  common,
  branches,
  cuts
}: typeof histories extends fc.Arbitrary<infer T> ? T : never): Uint8Array[][] {
  const lives: Step[][] = []
  for (const { parent, keep, steps } of branches) {
    const before = lives[parent % (lives.length + 1)] ?? []
    lives.push([...before.slice(0, keep % (before.length + 1)), ...steps])
  }
  const whole = lives.map((steps) => [...chainOf([...common, ...steps])])
  const beginnings = cuts.flatMap((cut, i) => {
    const chain = whole[i % whole.length] ?? []
    return cut % 2 === 0 ? [chain.slice(0, 1 + (cut % chain.length))] : []
  })
  return [...whole, ...beginnings]
}

function factsOfAll(chains: readonly Uint8Array[][]): Fact[][] {
  const known = new Map<string, Fact[]>()
  return chains.map((chain) => factsOf(chain, known))
}

/** A person who knows which history is hers decides for one that goes on like it, where that is as strong as those that are shown. */
async function decide(
  memory: IdentityMemory,
  mine: readonly Uint8Array[],
  chains: readonly Uint8Array[][]
): Promise<void> {
  for (const chain of chains) {
    const { seq = Infinity } = memory.duplicity ?? {}
    const [one, other] = [mine[seq], chain[seq]]
    if (!one || !other || Buffer.compare(one, other) !== 0) continue
    await memory.choose(chain).catch((error: { code?: string }) => expect(NOT_CHOSEN).toContain(error.code))
  }
}

/** What a device makes of them, one after the other, and again when time has passed, till nothing changes. */
async function heard(
  chains: readonly Uint8Array[][],
  orders: readonly number[],
  mine: readonly Uint8Array[],
  decided: readonly Uint8Array[][] = []
): Promise<object> {
  const left = chains.map((chain) => chain)
  const inOrder = orders.flatMap((at) => left.splice(at % Math.max(1, left.length), 1))
  const [first = []] = inOrder
  const now = manualTime(START + 9999 * DAY)
  const store = ram()
  const identity = decodeEvent(first[0] as Uint8Array).hash
  let memory = await IdentityMemory.open(store, identity, decided[0] ?? first, { now })
  for (const chain of decided.slice(1)) await memory.receive(chain).catch(() => {})
  if (memory.duplicity !== null && decided.length > 0) await memory.choose(0)
  const outcome = (): object =>
    memory.duplicity === null ? { head: hex(memory.state.hash) } : { frozen: memory.duplicity.seq }
  let known = ''
  for (let round = 0; known !== (known = JSON.stringify(outcome())) || round < 3; round++) {
    expect(round).toBeLessThan(20)
    for (const [i, chain] of inOrder.entries()) {
      await memory.receive(chain).catch((error: { code?: string }) => expect(HELD_BACK).toContain(error.code))
      if (((orders[i] ?? 0) + round) % 2 === 0) await decide(memory, mine, inOrder)
      if (i % 3 === 2) memory = await IdentityMemory.open(store, identity, null, { now })
    }
    // Longer than any recovery of these waits.
    now.at += 100 * DAY
  }
  return outcome()
}

test('whatever histories there are, and in whatever order devices hear of them, the same one counts, or they freeze at the same place', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (given) => {
      const chains = chainsOf(given)
      const expected = verdict(factsOfAll(chains))
      for (const order of given.orders) expect(await heard(chains, order, [])).toEqual(expected)
    }),
    { numRuns: 60 }
  )
})

test('and devices of a person who decides come to the same one, whenever she does, and whatever stronger ones come between', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(), async (given, pick) => {
      const chains = chainsOf(given)
      const facts = factsOfAll(chains)
      const place = pick % chains.length
      const expected = verdict(facts, facts[place])
      for (const order of given.orders)
        expect(await heard(chains, order, chains[place] ?? [])).toEqual(expected)
    }),
    { numRuns: 60 }
  )
})

test('devices with one decision, which was made once, come to the same, or freeze at the same place, whatever they hear of since', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(), fc.nat(), async (given, one, other) => {
      const chains = chainsOf(given)
      const pick = (at: number): Uint8Array[] => chains[at % chains.length] ?? []
      const outcomes: object[] = []
      for (const order of given.orders)
        outcomes.push(await heard(chains, order, [], [pick(one), pick(other)]))
      expect(outcomes[0]).toEqual(outcomes[1])
    }),
    { numRuns: 60 }
  )
})

test('the histories that are compared freeze, and win over each other, in many ways', () => {
  // One seed, so that this says the same each time.
  const outcomes = fc.sample(histories, { numRuns: 80, seed: 1 }).map((given) => {
    const facts = factsOfAll(chainsOf(given))
    const [longest] = [...facts].sort((a, b) => b.length - a.length)
    const found = verdict(facts)
    if ('frozen' in found) return 'frozen'
    return found.head === longest?.at(-1)?.hash ? 'the longest' : 'a shorter one'
  })
  const counts = ['frozen', 'the longest', 'a shorter one'].map(
    (kind) => outcomes.filter((outcome) => outcome === kind).length
  )
  expect(Math.min(...counts)).toBeGreaterThan(3)
})
