// Batches of 1,000 new keys into what is there: the first of a new process, then warm ones.
import { entries } from '../../harness/entries.mjs'
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { loadSubject } from '../subjects/database.mjs'

/**
 * @typedef {import('../../harness/suite.mjs').StepInput} StepInput
 * @typedef {import('../../harness/suite.mjs').Measuring} Measuring
 */

const BATCH = 1000
/** One by one, each with a flush; and again, with one flush for all. */
const WARM = 10
const KEYS = BATCH * (1 + 2 * WARM)
/** There is one first batch in a process. */
const ROUNDS = 3

/** @param {Pick<Measuring, 'subject' | 'keys' | 'step'>} measuring */
export async function batches({ subject, keys, step }) {
  /** @type {Record<string, number>[]} */
  const rounds = []
  // Only multi-bee's first batch is held against a target.
  for (let round = 0; round < (subject === 'multi-bee' ? ROUNDS : 1); round++) {
    rounds.push((await step('batches', { from: keys + round * KEYS })).values)
  }
  const names = ['batch-1000', 'batch-1000-warm', 'batch-1000-after-open']
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((values) => values[name] ?? NaN))]))
}

/** What a scenario that uses {@link batches} adds to its own. */
export const batchSteps = {
  /** @param {StepInput & { from: number }} input */
  async batches({ subject, dir, from }) {
    const database = await (await loadSubject(subject))(dir)
    const all = Array.from({ length: KEYS / BATCH }, (_, i) => entries(BATCH, { from: from + i * BATCH }))
    /** @type {number[]} */
    const each = []
    for (const batch of all.slice(0, 1 + WARM)) {
      each.push(
        await milliseconds(async () => {
          await database.putBatch(batch)
          await database.flush()
        })
      )
    }
    const ms = await milliseconds(async () => {
      for (const batch of all.slice(1 + WARM)) await database.putBatch(batch)
      await database.flush()
    })
    await database.close()
    const [first = NaN, ...warm] = each
    return {
      'batch-1000': ((WARM * BATCH) / ms) * 1000,
      'batch-1000-warm': median(warm),
      'batch-1000-after-open': first
    }
  }
}
