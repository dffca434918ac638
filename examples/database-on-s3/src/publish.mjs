// Builds the database, archives it, and lays it out for readers: node src/publish.mjs <directory or s3 url>
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Archiver, buildReadPack } from '@cloudpal/s3-archiver'
import b4a from 'b4a'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { allCities } from './cities.mjs'
import { ENCODINGS } from './encodings.mjs'
import { openWritable } from './places.mjs'

const BATCH = 1000

/**
 * Puts all cities into a store. The device that has written them is not needed any more afterwards.
 *
 * @param {import('@cloudpal/s3-archiver').ObjectStore} store
 * @returns {Promise<{ key: string, entries: number }>} what a reader has to know: the key
 */
export async function publishCities(store) {
  const directory = await mkdtemp(join(tmpdir(), 'cities-'))
  const corestore = new Corestore(directory)
  try {
    const core = corestore.get({ name: 'cities' })
    /** @type {Hyperbee<string, import('./cities.mjs').City>} */
    const bee = new Hyperbee(core, ENCODINGS)
    const cities = allCities()
    for (let i = 0; i < cities.length; i += BATCH) {
      const batch = bee.batch()
      for (const { key, value } of cities.slice(i, i + BATCH)) await batch.put(key, value)
      await batch.flush()
    }
    const archiver = new Archiver(store, { cores: [core], live: false })
    await archiver.flush()
    await buildReadPack(store, archiver, bee)
    await archiver.close()
    return { key: b4a.toString(/** @type {Uint8Array} */ (core.key), 'hex'), entries: cities.length }
  } finally {
    await corestore.close()
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [place = ''] = process.argv.slice(2)
  console.log(JSON.stringify(await publishCities(openWritable(place))))
}
