import { UnionBee } from '@cloudpal/union-bee'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import SortedUnionStream from 'sorted-union-stream'

const BATCH_LENGTH = 1000

/**
 * @typedef {import('../../harness/entries.mjs').Entry} Entry
 * @typedef {Hyperbee<string, unknown>} Bee
 *
 * @typedef {object} Parted The same data, in one bee or in several.
 * @property {(key: string) => Promise<{ value: unknown } | null>} get
 * @property {() => AsyncIterable<{ key: string }>} scan
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Opening
 * @property {string} subject
 * @property {string} dir
 * @property {Entry[]} entries
 * @property {number} count in how many bees: the one with the number i has every `count`-th entry from i on
 * @property {boolean} [isFiltered] the first one knows which keys it has
 */

/**
 * @param {Opening} opening
 * @returns {Promise<Parted>}
 */
export async function openParts({ subject, dir, entries, count, isFiltered = false }) {
  const store = new Corestore(dir)
  const close = () => store.close()
  if (subject === 'hyperbee') {
    const bee = await fill(store, 'all', entries)
    return { get: (key) => bee.get(key), scan: () => bee.createReadStream(), close }
  }
  const parts = Array.from({ length: count }, (_, part) => entries.filter((_, i) => i % count === part))
  /** @type {Bee[]} */
  const bees = []
  for (const [i, part] of parts.entries()) bees.push(await fill(store, `part ${i}`, part))
  if (subject === 'sorted-union-stream')
    return { get: () => Promise.resolve(null), scan: () => chain(bees), close }
  const keys = new Set(parts[0]?.map(({ key }) => key))
  const union = new UnionBee(bees.map((bee, i) => (isFiltered && i === 0 ? { bee, filter: keys } : bee)))
  return { get: (key) => union.get(key), scan: () => union.createReadStream(), close }
}

/**
 * @param {Corestore} store
 * @param {string} name
 * @param {Entry[]} entries
 */
export async function fill(store, name, entries) {
  /** @type {Bee} */
  const bee = new Hyperbee(store.get({ name }), { keyEncoding: 'utf-8', valueEncoding: 'json' })
  await bee.ready()
  for (let from = 0; from < entries.length; from += BATCH_LENGTH) {
    const batch = bee.batch()
    for (const { key, value } of entries.slice(from, from + BATCH_LENGTH)) await batch.put(key, value)
    await batch.flush()
  }
  return bee
}

/**
 * It merges two streams: a balanced tree of them.
 *
 * @param {Bee[]} bees
 * @returns {AsyncIterable<{ key: string }>}
 */
function chain(bees) {
  const [first] = bees
  if (bees.length === 1 && first !== undefined) return first.createReadStream()
  const half = bees.length >> 1
  return new SortedUnionStream(chain(bees.slice(0, half)), chain(bees.slice(half)), {
    compare: (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  })
}
