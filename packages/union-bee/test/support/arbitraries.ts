import fc from 'fast-check'
import type { Range } from './model.ts'

/** Few letters, so that keys meet; on both sides of where UTF-16 and UTF-8 disagree: U+FFFD sorts before U+1F600 in bytes alone. */
export const aKey = fc
  .array(fc.constantFrom('a', 'b', '/', '\u00e9', '\ufffd', '\u{1f600}'), { minLength: 1, maxLength: 3 })
  .map((letters) => letters.join(''))

export const rows = fc.dictionary(aKey, fc.integer({ min: 0, max: 9 }), {
  maxKeys: 12,
  noNullPrototype: true
})

export const aRange: fc.Arbitrary<Range> = fc.record(
  {
    gt: aKey,
    gte: aKey,
    lt: aKey,
    lte: aKey,
    reverse: fc.boolean(),
    limit: fc.integer({ min: -1, max: 6 })
  },
  { requiredKeys: [] }
)

/** As multi-bee's: `PROPERTY_RUNS` leaves a property running longer, `PROPERTY_SEED` and `PROPERTY_PATH` repeat one example. */
export function runs(numRuns: number): {
  numRuns: number
  seed?: number
  path?: string
  endOnFailure?: boolean
} {
  const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH } = process.env
  return {
    numRuns: Number(PROPERTY_RUNS ?? numRuns),
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH, endOnFailure: true })
  }
}
