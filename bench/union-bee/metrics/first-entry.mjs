// From the call to the first entry of a scan over three sources.
import { entries } from '../../harness/entries.mjs'
import { beside } from '../beside.mjs'
import { openParts } from '../subjects/parts.mjs'

const ROUNDS = 300

/** @type {import('../../harness/suite.mjs').Scenario} */
export const firstEntry = {
  module: import.meta.url,
  metrics: [
    { name: 'first-entry', unit: 'µs', home: 'medium' },
    { name: 'first-entry-of-plain', unit: 'x', home: 'medium' }
  ],
  subjects: { 'union-bee': ['medium'] },
  // Filling takes most of a minute.
  once: { 'union-bee': ['medium'] },
  measure: async ({ step }) => {
    const { ours = NaN, ratio = NaN } = (await step('first')).values
    return { 'first-entry': ours, 'first-entry-of-plain': ratio }
  }
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async first({ subject, keys, dir }) {
    const all = entries(keys)
    const plain = await openParts({ subject: 'hyperbee', dir: `${dir}/plain`, entries: all, count: 1 })
    const parted = await openParts({ subject, dir: `${dir}/parts`, entries: all, count: 3 })
    const result = await beside({
      ours: () => firstMicros(parted),
      plain: () => firstMicros(plain),
      rounds: ROUNDS
    })
    await parted.close()
    await plain.close()
    return result
  }
}

/** @param {import('../subjects/parts.mjs').Parted} parted */
async function firstMicros(parted) {
  const started = performance.now()
  for await (const _ of parted.scan()) return (performance.now() - started) * 1000
  throw new Error('there is no first entry')
}
