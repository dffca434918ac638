// How long it takes from nothing open to the first value, beside the bare store's open that is part of it.
import Corestore from 'corestore'
import { entry } from '../../harness/entries.mjs'
import { median } from '../../harness/median.mjs'
import { loadSubject } from '../subjects/database.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

const ROUNDS = 5

/**
 * Takes turns, in new processes, on a store that is settled: the first open after writing replays the write-ahead log, up to 64 MB of it,
 * and would fall on whichever comes first.
 *
 * @param {string} subject
 * @param {import('../../harness/suite.mjs').Measuring['step']} step
 */
export async function coldOpens(subject, step) {
  /** @type {number[]} */
  const whole = []
  /** @type {number[]} */
  const bare = []
  for (let round = 0; round < ROUNDS; round++) {
    // The floor is that of multi-bee's reach; the others stand on a store just like it.
    if (subject === 'multi-bee') bare.push((await step('storeOpen')).values['ms'] ?? NaN)
    whole.push((await step('coldOpen')).values['ms'] ?? NaN)
  }
  return { 'cold-open': median(whole), ...(bare.length > 0 && { 'store-open': median(bare) }) }
}

/** What a scenario that uses {@link coldOpens} adds to its own. */
export const openSteps = {
  /** Until the first value is there. @param {StepInput} input */
  async coldOpen({ subject, keys, dir }) {
    const open = await loadSubject(subject)
    const wanted = entry(Math.floor(keys / 2))
    const started = performance.now()
    const database = await open(dir)
    const value = await database.get(wanted)
    const ms = performance.now() - started
    if (value === null) throw new Error('nothing there after open')
    await database.close()
    return { ms }
  },

  /** @param {StepInput} input */
  async storeOpen({ dir }) {
    const started = performance.now()
    const store = new Corestore(dir)
    await store.ready()
    const ms = performance.now() - started
    await store.close()
    return { ms }
  }
}
