import { UnionBee } from '@cloudpal/union-bee'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import SortedUnionStream from 'sorted-union-stream'

const BATCH_LENGTH = 1000
/** @type {Record<string, (bees: Bee[]) => AsyncIterable<{ key: string }>>} */
const MERGES = { 'sorted-union-stream': chain, 'leveldb-style': smallest }

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
  const merge = MERGES[subject]
  if (merge !== undefined) return { get: () => Promise.resolve(null), scan: () => merge(bees), close }
  const keys = new Set(parts[0]?.map(({ key }) => key))
  const union = new UnionBee(bees.map((bee, i) => (isFiltered && i === 0 ? { bee, filter: keys } : bee)))
  return { get: (key) => union.get(key), scan: () => union.createReadStream(), close }
}

/**
 * @param {Corestore} store
 * @param {string} name
 * @param {Entry[]} entries
 */
export function fill(store, name, entries) {
  return fillBy(store, name, entries.length, (at) => /** @type {Entry} */ (entries[at]))
}

/**
 * @param {Corestore} store
 * @param {string} name
 * @param {number} count
 * @param {(at: number) => Entry} entryAt so that not all of them are in memory
 */
export async function fillBy(store, name, count, entryAt) {
  /** @type {Bee} */
  const bee = new Hyperbee(store.get({ name }), { keyEncoding: 'utf-8', valueEncoding: 'json' })
  await bee.ready()
  for (let from = 0; from < count; from += BATCH_LENGTH) {
    const batch = bee.batch()
    for (let at = from; at < Math.min(from + BATCH_LENGTH, count); at++) {
      const { key, value } = entryAt(at)
      await batch.put(key, value)
    }
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

/**
 * As LevelDB merges its tables (table/merger.cc): of all that are open the smallest is looked for at each step. Hand-written, for no package
 * that is kept up merges more than two.
 *
 * @param {Bee[]} bees
 */
async function* smallest(bees) {
  const streams = bees.map((bee) => bee.createReadStream()[Symbol.asyncIterator]())
  const heads = await Promise.all(streams.map((stream) => stream.next()))
  for (;;) {
    let least = -1
    for (const [i, { done, value }] of heads.entries())
      if (done !== true && (least === -1 || value.key < heads[least]?.value.key)) least = i
    if (least === -1) return
    yield heads[least]?.value
    const stream = streams[least]
    if (stream !== undefined) heads[least] = await stream.next()
  }
}
