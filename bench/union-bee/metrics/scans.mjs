// All entries in order, when they are spread over several sources.
import { entries } from '../../harness/entries.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { beside } from '../beside.mjs'
import { openParts } from '../subjects/parts.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

const COUNTS = [2, 8, 64]
const SCANS = 9

/** @type {import('../../harness/suite.mjs').Scenario} */
export const scans = {
  module: import.meta.url,
  metrics: COUNTS.flatMap((count) => [
    { name: `scan-${count}`, unit: 'entries/s' },
    { name: `scan-${count}-of-plain`, unit: 'x' }
  ]),
  subjects: { 'union-bee': ['small'], 'sorted-union-stream': ['small'], 'leveldb-style': ['small'] },
  measure: async ({ step, wants }) => {
    /** @type {Record<string, number>} */
    const values = {}
    for (const count of COUNTS) {
      const [name, ratio] = [`scan-${count}`, `scan-${count}-of-plain`]
      if (!wants(name, ratio)) continue
      const measured = (await step('scan', { count })).values
      values[name] = measured['ours'] ?? NaN
      values[ratio] = measured['ratio'] ?? NaN
    }
    return values
  }
}

export const steps = {
  /** @param {StepInput & { count: number }} input */
  async scan({ subject, keys, dir, count }) {
    const all = entries(keys)
    const plain = await openParts({
      subject: 'hyperbee',
      dir: `${dir}/plain ${count}`,
      entries: all,
      count: 1
    })
    const parted = await openParts({ subject, dir: `${dir}/${count}`, entries: all, count })
    const result = await beside({
      ours: () => scanRate(parted, keys),
      plain: () => scanRate(plain, keys),
      rounds: SCANS
    })
    await parted.close()
    await plain.close()
    return result
  }
}

/**
 * @param {import('../subjects/parts.mjs').Parted} parted
 * @param {number} keys
 * @returns entries/s
 */
async function scanRate(parted, keys) {
  let found = 0
  const ms = await milliseconds(async () => {
    for await (const _ of parted.scan()) found++
  })
  if (found !== keys) throw new Error(`the scan gave ${found} entries of ${keys}`)
  return (found / ms) * 1000
}
