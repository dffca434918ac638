// A process that knows the place and the key, and nothing else: node src/look-up.mjs <place> <key> <city> …
import { pathToFileURL } from 'node:url'
import { openFromArchive } from '@cloudpal/s3-archiver'
import b4a from 'b4a'
import Hyperbee from 'hyperbee'
import { ENCODINGS } from './encodings.mjs'
import { openReadable } from './places.mjs'

/**
 * @typedef {import('./cities.mjs').City} City
 * @typedef {{ name: string, cities: City[], requests: number, bytes: number, ms: number }} Answer requests and bytes of this name alone; of
 *   the first one also those that open the database
 */

/** Most that are shown of one name. */
const LIMIT = 100

/**
 * Cities of these names, straight from the store.
 *
 * @param {import('@cloudpal/s3-archiver').ObjectStore} store
 * @param {string} key
 * @param {readonly string[]} names
 * @returns {AsyncGenerator<Answer>}
 */
export async function* lookUp(store, key, names) {
  let started = performance.now()
  let before = { requests: 0, bytesRead: 0 }
  const archive = await openFromArchive(store, { key: b4a.from(key, 'hex') })
  try {
    const core = /** @type {import('hypercore').default} */ (archive.core)
    /** @type {Hyperbee<string, City>} */
    const bee = new Hyperbee(core, ENCODINGS)
    for (const name of names) {
      const range = { gte: `${name.toLowerCase()}/`, lt: `${name.toLowerCase()}0` }
      /** @type {City[]} */
      const cities = []
      for await (const { value } of bee.createReadStream(range, { limit: LIMIT })) cities.push(value)
      const { requests, bytesRead } = archive.stats()
      const cost = { requests: requests - before.requests, bytes: bytesRead - before.bytesRead }
      yield { name, cities, ...cost, ms: performance.now() - started }
      before = { requests, bytesRead }
      started = performance.now()
    }
  } finally {
    await archive.close()
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [place = '', key = '', ...names] = process.argv.slice(2)
  for await (const answer of lookUp(openReadable(place), key, names)) console.log(JSON.stringify(answer))
}
