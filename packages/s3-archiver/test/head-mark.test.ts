import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { describe, expect, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { readFromArchive } from '../src/browser/index.ts'
import { openFromArchive } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered } from './archived.ts'
import { archived, archiverOf, open, outcome } from './meddling-store.ts'

/** All objects of a store, in another. */
async function copy(from: MemoryStore, to: MemoryStore): Promise<void> {
  for (const { name, size } of await collect(from.list(''))) {
    const found = await from.getRange(name, { start: 0, end: size + 1 })
    await to.delete(name)
    await to.putIfAbsent(name, found?.bytes as Uint8Array)
  }
}

describe('a rollback', () => {
  test('is noticed by what the Corestore has seen, also when an older mark is given', async () => {
    const { core, store, archiver, key } = await archived(numbered(0, 10))
    const old = new MemoryStore()
    await copy(store, old)
    const corestore = await tmpStore()
    const first = await open(store, { key, corestore })
    const { mark } = first
    await core.append(numbered(10, 20))
    await archiver.flush()
    await first.update()
    await first.close()
    expect(await outcome(openFromArchive(old, { key, corestore }))).toBe('S3_ARCHIVER_ROLLBACK')
    expect(await outcome(openFromArchive(old, { key, corestore, mark }))).toBe('S3_ARCHIVER_ROLLBACK')
  })

  test('is not another archive of the same core', async () => {
    const { core, store, archiver, key } = await archived(numbered(0, 10))
    const other = new MemoryStore()
    const second = archiverOf(other, core)
    await core.append(numbered(10, 12))
    await archiver.flush()
    await second.flush()
    const corestore = await tmpStore()
    const first = await open(store, { key, corestore, archive: 'first' })
    await first.close()
    const read = await open(other, { key, corestore, archive: 'other' })
    expect(read.core.length).toBe(12)
    expect(await read.core.get(11)).toEqual(numbered(11, 12)[0])
  })
})

/** Two cores of one key that say different things, archived; the second is longer. */
async function twoHistories() {
  const keyPair = crypto.keyPair(b4a.alloc(32, 3))
  const [one, two] = [(await tmpStore()).get({ keyPair }), (await tmpStore()).get({ keyPair })]
  await one.append([b4a.from('a0'), b4a.from('a1')])
  await two.append([b4a.from('b0'), b4a.from('b1'), b4a.from('b2')])
  const [first, second] = [new MemoryStore(), new MemoryStore()]
  await archiverOf(first, one).flush()
  const archiver = archiverOf(second, two)
  await archiver.flush()
  await two.append(b4a.from('b3'))
  await archiver.flush()
  expect(two.key).toEqual(one.key)
  return { first, second, key: one.key as Uint8Array }
}

describe('two histories that one key has signed', () => {
  test('are not mixed', async () => {
    const { first, second, key } = await twoHistories()
    const core = await readFromArchive(first, { key })
    const before = core.snapshot()
    expect(await core.get(0)).toEqual(b4a.from('a0'))
    await copy(second, first)
    expect(await core.update()).toBe(true)
    expect(await core.get(0)).toEqual(b4a.from('b0'))
    expect(await core.get(3)).toEqual(b4a.from('b3'))
    expect(await before.get(0)).not.toEqual(b4a.from('b0'))
  })

  test('do not follow one another in a Hypercore: it stays what it was, and says why', async () => {
    const { first, second, key } = await twoHistories()
    const archive = await open(first, { key })
    expect(await archive.core.get(0)).toEqual(b4a.from('a0'))
    await copy(second, first)
    expect(await outcome(archive.update())).toBe('S3_ARCHIVER_ROLLBACK')
    expect(archive.core.length).toBe(2)
    expect(await archive.core.get(0)).toEqual(b4a.from('a0'))
    expect(await outcome(archive.core.get(1))).toBe('S3_ARCHIVER_ROLLBACK')
    expect(await outcome(archive.update())).toBe('S3_ARCHIVER_ROLLBACK')
  })
})
