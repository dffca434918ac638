import b4a from 'b4a'
import Hyperbee from 'hyperbee'
import { describe, expect, onTestFinished, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { readFromArchive } from '../src/browser/index.ts'
import { Archiver, buildReadPack, S3ArchiverError, type ObjectStore } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'

/** A bee in shards, a tail, a read pack: every kind of object there is. */
async function archivedBee() {
  const core = (await tmpStore()).get({ name: 'core' })
  const bee = new Hyperbee<string, string>(core, {
    keyEncoding: 'utf-8',
    valueEncoding: 'utf-8',
    extension: false
  })
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [core], writerId: b4a.alloc(16, 1), live: false })
  onTestFinished(() => archiver.close())
  for (const [from, to, size] of [
    [0, 100, 1000],
    [100, 110, 10]
  ] as const) {
    const batch = bee.batch()
    for (let i = from; i < to; i++) await batch.put(`key-${i}`, `${i}`.padEnd(size, 'x'))
    await batch.flush()
    await archiver.flush()
  }
  await buildReadPack(store, archiver, bee)
  await bee.put('key-last', 'last')
  await archiver.flush()
  const key = core.key as Uint8Array
  const blocks = await Promise.all(Array.from({ length: core.length }, (_, seq) => core.get(seq)))
  return { store, key, blocks: blocks as Uint8Array[] }
}

/** Reads with one object changed. */
class Tampered extends MemoryStore {
  readonly #inner: ObjectStore
  readonly #name: string
  readonly #change: (bytes: Uint8Array) => Uint8Array

  constructor(inner: ObjectStore, name: string, change: (bytes: Uint8Array) => Uint8Array) {
    super()
    this.#inner = inner
    this.#name = name
    this.#change = change
  }

  override async getRange(name: string, range: { start: number; end: number }) {
    if (name !== this.#name) return this.#inner.getRange(name, range)
    const whole = await this.#inner.getRange(name, { start: 0, end: 2 ** 30 })
    if (whole === null) return null
    const changed = this.#change(whole.bytes)
    return { bytes: b4a.from(changed.subarray(range.start, range.end)), size: changed.byteLength }
  }

  override list(prefix: string, options?: object) {
    return this.#inner.list(prefix, options) as AsyncGenerator<never>
  }
}

/** @returns how many blocks came; what comes is right, and what does not fails with a code */
async function readAll(store: ObjectStore, key: Uint8Array, blocks: readonly Uint8Array[], seqs: number[]) {
  let read = 0
  try {
    const core = await readFromArchive(store, { key })
    for (const seq of seqs.filter((seq) => seq < core.length)) {
      try {
        expect(await core.get(seq)).toEqual(blocks[seq])
        read++
      } catch (error) {
        if (!(error instanceof S3ArchiverError)) throw error
      }
    }
    await core.close()
  } catch (error) {
    if (!(error instanceof S3ArchiverError)) throw error
  }
  return read
}

describe('whatever is changed in an archive', () => {
  test('any byte of any object: a reader gets the right block or a code', async () => {
    const { store, key, blocks } = await archivedBee()
    const objects = await collect(store.list(''))
    expect(new Set(objects.map(({ name }) => name[0]))).toEqual(new Set(['g', 'l', 's']))
    const seqs = [0, 57, 105, blocks.length - 1]
    expect(await readAll(store, key, blocks, seqs)).toBe(4)
    let failed = 0
    // Every byte of what says where things are, and a sample of the blocks.
    for (const { name, size } of objects)
      for (let at = 0; at < size; at += at < 2000 || at > size - 200 ? 1 : 97) {
        const flipped = new Tampered(store, name, (bytes) => {
          bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
          return bytes
        })
        if ((await readAll(flipped, key, blocks, seqs)) < seqs.length) failed++
      }
    expect(failed).toBeGreaterThan(500)
  })

  test('any object cut short at any place, or put in the place of another', async () => {
    const { store, key, blocks } = await archivedBee()
    const objects = await collect(store.list(''))
    const seqs = [0, 57, blocks.length - 1]
    for (const { name, size } of objects)
      for (let length = 0; length < size; length += 211)
        await readAll(new Tampered(store, name, (bytes) => bytes.subarray(0, length)), key, blocks, seqs)
    for (const one of objects)
      for (const other of objects) {
        const bytes = (await store.getRange(other.name, { start: 0, end: other.size }))?.bytes as Uint8Array
        await readAll(new Tampered(store, one.name, () => b4a.from(bytes)), key, blocks, seqs)
      }
  })
})
