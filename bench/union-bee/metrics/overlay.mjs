// Puts into a writable top over a bee that has the data; and into a plain bee.
import { createOverlay } from '@cloudpal/union-bee'
import Corestore from 'corestore'
import { entries } from '../../harness/entries.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { beside } from '../beside.mjs'
import { fill } from '../subjects/parts.mjs'

const PUTS = 200
const ROUNDS = 17

/** @type {import('../../harness/suite.mjs').Scenario} */
export const overlay = {
  module: import.meta.url,
  metrics: [
    { name: 'put-overlay', unit: 'ms' },
    { name: 'put-overlay-of-plain', unit: 'x' }
  ],
  subjects: { 'union-bee': ['small'] },
  measure: async ({ step }) => {
    const { ours = NaN, ratio = NaN } = (await step('puts')).values
    return { 'put-overlay': ours, 'put-overlay-of-plain': ratio }
  }
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async puts({ keys, dir }) {
    const store = new Corestore(dir)
    const lower = await fill(store, 'lower', entries(keys))
    const [top, plain] = [await fill(store, 'top', []), await fill(store, 'plain', [])]
    const edited = createOverlay({ top, lower })
    const result = await beside({
      ours: putMillis(edited),
      plain: putMillis(plain),
      rounds: ROUNDS
    })
    await store.close()
    return result
  }
}

/**
 * @param {{ put: (key: string, value: unknown) => Promise<void> }} target
 * @returns ms a put, of the next puts
 */
function putMillis(target) {
  let from = 0
  return async () => {
    const list = entries(PUTS, { device: 1, from })
    from += PUTS
    const ms = await milliseconds(async () => {
      for (const { key, value } of list) await target.put(key, value)
    })
    return ms / PUTS
  }
}
