// Lookups of keys that the first of two sources has, or the second. A plain bee has them all.
import { entries } from '../../harness/entries.mjs'
import { quantile } from '../../harness/median.mjs'
import { beside } from '../beside.mjs'
import { openParts } from '../subjects/parts.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

const GETS = 2000
const ROUNDS = 7
const NAMES = ['get-first', 'get-second', 'get-second-filtered']

/** @type {import('../../harness/suite.mjs').Scenario} */
export const gets = {
  module: import.meta.url,
  metrics: NAMES.flatMap((name) => [
    { name, unit: 'µs' },
    { name: `${name}-of-plain`, unit: 'x' }
  ]),
  subjects: { 'union-bee': ['small'] },
  measure: async ({ step }) => {
    /** @type {Record<string, number>} */
    const values = {}
    for (const name of NAMES) {
      const input = { part: name === 'get-first' ? 0 : 1, isFiltered: name.endsWith('filtered') }
      const measured = (await step('gets', input)).values
      values[name] = measured['ours'] ?? NaN
      values[`${name}-of-plain`] = measured['ratio'] ?? NaN
    }
    return values
  }
}

export const steps = {
  /** @param {StepInput & { part: number, isFiltered: boolean }} input */
  async gets({ subject, keys, dir, part, isFiltered }) {
    const all = entries(keys)
    const base = `${dir}/${part} ${isFiltered}`
    const plain = await openParts({ subject: 'hyperbee', dir: `${base} plain`, entries: all, count: 1 })
    const parted = await openParts({ subject, dir: base, entries: all, count: 2, isFiltered })
    const wanted = all.filter(({ index }) => index % 2 === part).slice(0, GETS)
    const result = await beside({
      ours: () => getMicros(parted, wanted),
      plain: () => getMicros(plain, wanted),
      rounds: ROUNDS
    })
    await parted.close()
    await plain.close()
    return result
  }
}

/**
 * @param {import('../subjects/parts.mjs').Parted} parted
 * @param {readonly { key: string }[]} wanted
 * @returns p50
 */
async function getMicros(parted, wanted) {
  const micros = []
  for (const { key } of wanted) {
    const started = performance.now()
    const entry = await parted.get(key)
    micros.push((performance.now() - started) * 1000)
    if (entry === null) throw new Error(`get did not find ${key}`)
  }
  return quantile(micros, 0.5)
}
