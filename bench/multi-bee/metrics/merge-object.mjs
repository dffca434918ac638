// Two devices edit one object apart, many times each, then meet. The clock is that of `converge`.
import { comparable } from '../../harness/entries.mjs'
import { openPair } from '../subjects/database.mjs'
import { meet, pairs } from './converge.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

const KEY = 'contacts/ada'
const FIELDS = 10
/** Of the small size: 1,000 edits by each device. */
const KEYS_PER_EDIT = 10

/** @type {import('../../harness/suite.mjs').Scenario} */
export const mergeObject = {
  module: import.meta.url,
  metrics: [{ name: 'merge-object', unit: 'ms' }],
  subjects: pairs,
  measure: async ({ step }) => ({ 'merge-object': (await step('merge')).values['ms'] ?? NaN })
}

export const steps = {
  /** @param {StepInput} input */
  async merge({ subject, keys, dir }) {
    const pair = await openPair(subject, dir)
    const edits = Math.ceil(keys / KEYS_PER_EDIT)
    /** @type {Record<string, unknown>} what both must show in the end, but for the field they fought over */
    const wanted = {}
    for (const [i, device] of pair.devices.entries()) {
      for (let n = 0; n < edits; n++) {
        const own = { [`field ${i}.${n % FIELDS}`]: `edit ${n}` }
        Object.assign(wanted, own)
        await device.edit(KEY, { ...own, both: `edit ${n} of ${i}` })
      }
      await device.flush()
    }
    const shown = () => Promise.all(pair.devices.map((device) => device.get({ key: KEY, index: 0 })))
    const ms = await meet(pair, async () => (await shown()).every((value) => contains(value, wanted)))

    const [a, b] = (await shown()).map(comparable)
    if (a !== b) throw new Error(`the devices show different objects: ${a} and ${b}`)
    await pair.close()
    return { ms }
  }
}

/**
 * @param {unknown} value
 * @param {Record<string, unknown>} fields
 */
function contains(value, fields) {
  const shown = /** @type {Record<string, unknown>} */ (value ?? {})
  return Object.entries(fields).every(([name, field]) => shown[name] === field)
}
