import { appendFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { seededRandom } from '@cloudpal/test-kit'
import { fuzzRecoveries } from './fuzz/recoveries.ts'

/** `npm run fuzz -- secret-share` asks for a million. */
const RECOVERIES = Number(process.env['FUZZ_RECOVERIES'] ?? 20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const REPORT = process.env['FUZZ_REPORT']

test(`of ${RECOVERIES} recoveries with bad shares, none gives a wrong secret, and every bad share is named (seed ${SEED})`, () => {
  const tally = fuzzRecoveries(RECOVERIES, seededRandom(SEED))
  if (REPORT) appendFileSync(REPORT, `${JSON.stringify(tally)}\n`)
  expect(tally.mistakes).toEqual([])
  expect(tally.recoveries).toBe(RECOVERIES)
  // Every kind of bad share took part, and both ends were met.
  for (const count of Object.values(tally.harms)) expect(count).toBeGreaterThan(RECOVERIES / 200)
  expect(tally.recovered).toBeGreaterThan(RECOVERIES / 10)
  expect(tally.refused).toBeGreaterThan(RECOVERIES / 10)
}, 3_600_000)
