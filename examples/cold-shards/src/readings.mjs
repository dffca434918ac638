// A database that grows for ever: a bee for each year, of which only the last is here.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Archiver, buildReadPack, FileStore, openFromArchive } from '@cloudpal/s3-archiver'
import { UnionBee } from '@cloudpal/union-bee'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'

/**
 * @typedef {{ celsius: number }} Reading
 * @typedef {Hyperbee<string, Reading>} Bee
 * @typedef {{ requests: number, bytes: number }} Cost what the archive was asked for
 */

const ENCODINGS = /** @type {const} */ ({ keyEncoding: 'utf-8', valueEncoding: 'json', extension: false })
/** Puts of one append. */
const BATCH_LENGTH = 500

export class Readings {
  /** @type {Corestore} */
  #store
  /** @type {string} */
  #archive
  /** @type {UnionBee<string, Reading>} */
  #union
  /** @type {Bee} */
  #hot
  #year
  /** @type {Map<string, Awaited<ReturnType<typeof openFromArchive>>>} */
  #opened = new Map()

  /**
   * @param {string} directory
   * @param {string} year the first one
   */
  constructor(directory, year) {
    this.#store = new Corestore(join(directory, 'local'))
    this.#archive = join(directory, 'archive')
    this.#year = year
    this.#hot = this.#beeOf(year)
    this.#union = new UnionBee([{ bee: this.#hot, name: year, range: rangeOf(year) }], { disjoint: true })
  }

  /** The union: reads reach every year. */
  get all() {
    return this.#union
  }

  /** What each archived year that was needed has cost so far. @returns {Map<string, Cost>} */
  get costs() {
    return new Map(
      [...this.#opened].map(([year, archive]) => {
        const { requests, bytesRead } = archive.stats()
        return [year, { requests, bytes: bytesRead }]
      })
    )
  }

  /** @param {Iterable<readonly [time: string, Reading]>} readings all of the present year */
  async add(readings) {
    let batch = this.#hot.batch()
    let count = 0
    for (const [time, reading] of readings) {
      await batch.put(time, reading)
      if (++count % BATCH_LENGTH > 0) continue
      await batch.flush()
      batch = this.#hot.batch()
    }
    await batch.flush()
  }

  /**
   * Begins another year: archives the last one, clears it here, and reads it from the archive from now on. The blocks are cleared only when
   * the archive has them.
   *
   * @param {string} year
   * @returns {Promise<number>} bytes that are no longer here
   */
  async rotate(year) {
    const [old, bee] = [this.#year, this.#hot]
    const { key, byteLength } = bee.core
    const store = this.#storeOf(old)
    const archiver = new Archiver(store, { cores: [bee.core], live: false })
    await archiver.flush()
    // Lookups need fewer requests with it.
    await buildReadPack(store, archiver, bee)
    await archiver.close()

    this.#union.add({
      name: `${old}, archived`,
      bee: () => this.#openArchived(old, /** @type {Uint8Array} */ (key)),
      range: rangeOf(old),
      cost: 1,
      immutable: true
    })
    this.#year = year
    this.#hot = this.#beeOf(year)
    this.#union.add({ bee: this.#hot, name: year, range: rangeOf(year) }, { at: 0 })
    await this.#union.remove(old)
    await bee.core.clear(0, bee.core.length)
    await bee.close()
    return byteLength
  }

  async close() {
    await this.#union.close()
    await this.#store.close()
  }

  /** @param {string} year @returns {Bee} */
  #beeOf(year) {
    return new Hyperbee(this.#store.get({ name: year }), ENCODINGS)
  }

  /** A directory stands for a bucket: an S3Store does the same. @param {string} year */
  #storeOf(year) {
    const directory = join(this.#archive, year)
    mkdirSync(directory, { recursive: true })
    return new FileStore(directory)
  }

  /** @param {string} year @param {Uint8Array} key @returns {Promise<Bee>} */
  async #openArchived(year, key) {
    const archive = await openFromArchive(this.#storeOf(year), { key })
    this.#opened.set(year, archive)
    /** @type {Bee} */
    const bee = new Hyperbee(
      /** @type {ConstructorParameters<typeof Hyperbee>[0]} */ (archive.core),
      ENCODINGS
    )
    await bee.ready()
    const close = bee.close.bind(bee)
    bee.close = async () => {
      await close()
      await archive.close()
    }
    return bee
  }
}

/** @param {string} year */
function rangeOf(year) {
  return { gte: year, lt: String(Number(year) + 1) }
}
