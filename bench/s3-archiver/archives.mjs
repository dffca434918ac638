// What the scenarios archive, and how they read it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Archiver, buildReadPack, CountedStore } from '@cloudpal/s3-archiver'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { entries } from '../harness/entries.mjs'

/** @typedef {import('./stores.mjs').ObjectStore} ObjectStore */

export const ENCODINGS = /** @type {const} */ ({
  keyEncoding: 'utf-8',
  valueEncoding: 'json',
  extension: false
})
const BATCH = 1000

/**
 * Archives a bee of so many entries, put in batches of 1,000; and its read pack.
 *
 * @param {ObjectStore} store
 * @param {string} dir
 * @param {number} keys
 * @param {{ isOrdered?: boolean }} [options] whether they are put in the order of their keys
 */
export async function archiveBee(store, dir, keys, { isOrdered = true } = {}) {
  const corestore = new Corestore(join(dir, 'source'))
  const core = corestore.get({ name: 'bee' })
  /** @type {Hyperbee<string, object>} */
  const bee = new Hyperbee(core, ENCODINGS)
  const all = entries(keys)
  if (isOrdered) all.sort((a, b) => (a.key < b.key ? -1 : 1))
  for (let i = 0; i < all.length; i += BATCH) {
    const batch = bee.batch()
    for (const { key, value } of all.slice(i, i + BATCH)) await batch.put(key, value)
    await batch.flush()
  }
  const archiver = new Archiver(store, { cores: [core], live: false })
  await archiver.flush()
  const stored = await sizeOf(store)
  const pack = await buildReadPack(store, archiver, bee)
  await archiver.close()
  const { key, byteLength } = core
  noteKey(dir, /** @type {Uint8Array} */ (key))
  await corestore.close()
  return { byteLength, stored, packBytes: pack?.bytes ?? 0 }
}

/**
 * Keeps the key of what was archived, for {@link archivedKey}.
 *
 * @param {string} dir
 * @param {Uint8Array} key
 */
export function noteKey(dir, key) {
  writeFileSync(join(dir, 'key'), key)
}

/**
 * Key of what was archived here before.
 *
 * @param {string} dir
 * @returns {Uint8Array}
 */
export function archivedKey(dir) {
  return new Uint8Array(readFileSync(join(dir, 'key')))
}

/**
 * Bytes of all objects.
 *
 * @param {ObjectStore} store
 */
export async function sizeOf(store) {
  let bytes = 0
  for await (const { size } of store.list('')) bytes += size
  return bytes
}

/**
 * A store that counts, with what it was asked for since.
 *
 * @param {ObjectStore} store
 */
export function counting(store) {
  return new CountedStore(store)
}

/**
 * Blocks of one size, each of its own.
 *
 * @param {number} count
 * @param {number} size
 * @param {number} [from]
 */
export function blocksOf(count, size, from = 0) {
  return Array.from({ length: count }, (_, i) => {
    const block = Buffer.alloc(size, (from + i) & 255)
    block.writeUInt32BE(from + i)
    return block
  })
}
