import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextDirectory, needsCheckpoint, type Directory } from '../src/archive/next-directory.ts'
import {
  decodeCheckpoint,
  encodeCheckpoint,
  findRow,
  wholeTable,
  windowOf
} from '../src/format/checkpoint.ts'
import { encodeCommit, type Commit } from '../src/format/commit.ts'
import type { Entry } from '../src/format/entry.ts'
import { commitName, contentName } from '../src/format/names.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { allEntries, findEntry } from '../src/read/directory.ts'
import { FaultyStore } from './faulty-store.ts'

const idOf = (core: number): Uint8Array => crypto.hash(b4a.from(`core ${core}`)).subarray(0, 16)

const entryOf = (core: number, seq: number, size = 300): Entry => ({
  blindId: idOf(core),
  seq,
  front: null,
  previous: null,
  objects: [],
  sealed: b4a.alloc(size, core)
})

const byId = (entries: readonly Entry[]): Entry[] =>
  [...entries].sort((a, b) => b4a.compare(a.blindId, b.blindId))

async function stored(store: FaultyStore, seq: number, directory: Directory): Promise<Commit> {
  const commit: Commit = {
    kind: 'data',
    seq,
    timeMs: 0,
    previous: b4a.alloc(32),
    epoch: 1,
    writerId: b4a.alloc(16),
    nonce: b4a.alloc(16),
    ...directory,
    fronts: [],
    tail: b4a.alloc(0)
  }
  await store.putIfAbsent(commitName(seq), encodeCommit(commit))
  return commit
}

describe('a checkpoint', () => {
  test.each([0, 1, 2, 17, 3000])('of %i cores gives each of them, and no others', (count) => {
    const entries = Array.from({ length: count }, (_, core) => entryOf(core, 1, core % 50))
    const bytes = encodeCheckpoint(entries)
    expect(decodeCheckpoint(bytes)).toEqual(byId(entries))
    for (const core of [0, 1, count >> 1, count - 1, count, count + 1]) {
      const rows = windowOf(idOf(core), count)
      const table = bytes.subarray(rows.bytes.start, rows.bytes.end)
      const place = findRow(table, idOf(core), rows, count, bytes.byteLength)
      expect(place !== null).toBe(core >= 0 && core < count)
      const all = wholeTable(count)
      expect(findRow(bytes.subarray(8), idOf(core), all, count, bytes.byteLength)).toEqual(place)
    }
  })

  test('of many cores is looked up in a small part of its table', () => {
    const count = 100_000
    const { bytes } = windowOf(idOf(1), count)
    expect(bytes.end - bytes.start).toBeLessThan(64 * 1024)
  })
})

test('whatever changes when, the newest commit leads to the newest entry of every core', async () => {
  const changes = fc.array(fc.uniqueArray(fc.nat(39), { maxLength: 6 }), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(changes, fc.constantFrom(10, 300, 3000), async (flushes, size) => {
      const store = new FaultyStore(new MemoryStore())
      const known = new Map<number, Entry>()
      let newest: Commit | null = null
      for (const [seq, cores] of flushes.entries()) {
        const changed = cores.map((core) => entryOf(core, seq, size))
        for (const [i, core] of cores.entries()) known.set(core, changed[i] as Entry)
        let directory = nextDirectory(newest, changed)
        if (needsCheckpoint(directory, known.size)) {
          const bytes = encodeCheckpoint([...known.values()])
          const name = contentName('index', bytes)
          await store.putIfAbsent(name, bytes)
          const checkpoint = { name, seq, count: known.size, byteLength: bytes.byteLength }
          directory = { checkpoint, carried: [], entries: [] }
        }
        newest = await stored(store, seq, directory)
      }
      const commit = newest as Commit
      for (let core = 0; core < 41; core++)
        expect(await findEntry(store, commit, idOf(core))).toEqual(known.get(core) ?? null)
      const all = await allEntries(store, commit)
      expect(byId([...all.values()])).toEqual(byId([...known.values()]))
    }),
    { numRuns: 100 }
  )
})

test('a core is found with two requests in a checkpoint, with one in an earlier commit, with none in the newest', async () => {
  const store = new FaultyStore(new MemoryStore())
  const bytes = encodeCheckpoint(Array.from({ length: 1000 }, (_, core) => entryOf(core, 0)))
  const checkpoint = { name: contentName('index', bytes), seq: 0, count: 1000, byteLength: bytes.byteLength }
  await store.putIfAbsent(checkpoint.name, bytes)
  const first = await stored(store, 0, { checkpoint, carried: [], entries: [] })
  const large = nextDirectory(first, [entryOf(1, 1, 5000)])
  const second = await stored(store, 1, large)
  const third = await stored(store, 2, nextDirectory(second, [entryOf(2, 2, 5000)]))
  const cost = async (core: number): Promise<number> => {
    store.calls = 0
    expect(await findEntry(store, third, idOf(core))).not.toBeNull()
    return store.calls
  }
  expect([await cost(3), await cost(1), await cost(2)]).toEqual([2, 1, 0])
})

test('a changed checkpoint is not taken for one that lacks a core', async () => {
  const store = new FaultyStore(new MemoryStore())
  const bytes = encodeCheckpoint([1, 2, 3].map((core) => entryOf(core, 0)))
  const checkpoint = { name: contentName('index', bytes), seq: 0, count: 3, byteLength: bytes.byteLength }
  const commit = await stored(store, 0, { checkpoint, carried: [], entries: [] })
  for (let i = 8; i < 8 + 3 * 24; i++) {
    const changed = b4a.from(bytes)
    changed[i] = (changed[i] ?? 0) ^ 1
    await store.delete(checkpoint.name)
    await store.putIfAbsent(checkpoint.name, changed)
    const found = await findEntry(store, commit, idOf(2)).catch((error: { code: string }) => error.code)
    if (typeof found === 'string') expect(found).toBe('S3_ARCHIVER_DAMAGED')
    else expect(found?.blindId).toEqual(idOf(2))
  }
})
