// From the call to the first entry of a scan over three sources. Each has as many entries as the size says; a plain bee has them all.
import { UnionBee } from '@cloudpal/union-bee'
import Corestore from 'corestore'
import { entry } from '../../harness/entries.mjs'
import { beside } from '../beside.mjs'
import { fillBy } from '../subjects/parts.mjs'

const ROUNDS = 300
const SOURCES = 3

/** @type {import('../../harness/suite.mjs').Scenario} */
export const firstEntry = {
  module: import.meta.url,
  metrics: [
    { name: 'first-entry', unit: 'µs', home: 'medium' },
    { name: 'first-entry-of-plain', unit: 'x', home: 'medium' }
  ],
  subjects: { 'union-bee': ['medium', 'large'] },
  // Filling takes half a minute, and six minutes with a million entries each.
  once: { 'union-bee': ['medium', 'large'] },
  measure: async ({ step }) => {
    const { ours = NaN, ratio = NaN } = (await step('first')).values
    return { 'first-entry': ours, 'first-entry-of-plain': ratio }
  }
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async first({ keys, dir }) {
    const store = new Corestore(dir)
    const sorted = sortedIndexes(keys * SOURCES)
    const plain = await fillBy(store, 'plain', sorted.length, (at) => entry(sorted[at] ?? NaN))
    const parts = []
    for (let part = 0; part < SOURCES; part++)
      parts.push(await fillBy(store, `part ${part}`, keys, (at) => entry(sorted[SOURCES * at + part] ?? NaN)))
    const union = new UnionBee(parts)
    const result = await beside({
      ours: () => firstMicros(union),
      plain: () => firstMicros(plain),
      rounds: ROUNDS
    })
    await store.close()
    return result
  }
}

/**
 * Numbers of entries in order of their keys: put in this order a bee is filled three times as fast, and all of them have the same shape.
 *
 * @param {number} count
 */
function sortedIndexes(count) {
  const keys = Array.from({ length: count }, (_, index) => ({ index, key: entry(index).key }))
  keys.sort((a, b) => (a.key < b.key ? -1 : 1))
  return Uint32Array.from(keys, ({ index }) => index)
}

/** @param {{ createReadStream(): AsyncIterable<unknown> }} source */
async function firstMicros(source) {
  const started = performance.now()
  for await (const _ of source.createReadStream()) return (performance.now() - started) * 1000
  throw new Error('there is no first entry')
}
