import b4a from 'b4a'
import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { describe, expect, test } from 'vitest'
import { readFromArchive } from '../src/browser/index.ts'
import { contentName } from '../src/format/names.ts'
import { sealFront, sealPage, unsealFront, unsealPage } from '../src/format/page.ts'
import { sealRecord } from '../src/format/record.ts'
import { encodeSegmentList } from '../src/format/segment-list.ts'
import { beginFormat, Writer } from '../src/format/wire.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { newestCommit, type StoredCommit } from '../src/read/commits.ts'
import { numbered } from './archived.ts'
import { changeObject } from './changed-objects.ts'
import {
  archived,
  ENCODINGS,
  entryName,
  forge,
  Meddling,
  open,
  outcome,
  packedBee
} from './meddling-store.ts'

/** Most bytes that are asked for at once. */
const LARGEST = 256 * 1024 * 1024

describe('numbers that lie', () => {
  test('sizes in the table of a shard do not make a reader ask for more than the segment has', async () => {
    const { store, key } = await archived(numbered(0, 100, 4000))
    const { record } = await readHead(store, key)
    const [segment] = record.segments
    if (segment?.kind !== 'blocks') throw new Error('no shard')
    const table = new Writer()
    table.bytes(b4a.alloc(8))
    table.uint(1)
    table.bytes((await newestCommit(store))?.commit.entries[0]?.blindId as Uint8Array)
    for (const value of [segment.fork, segment.start, segment.count, 0]) table.uint(value)
    for (let i = 0; i < segment.count; i++) table.uint(2 ** 40)
    for (let i = 0; i < segment.count; i++) table.bytes(b4a.alloc(32))
    const head = beginFormat(b4a.from('CPS'))
    head.uint32(table.length)
    const front = b4a.concat([head.finish(), table.finish()])
    await changeObject(store, segment.object, () =>
      b4a.concat([front, crypto.hash(front), b4a.alloc(500_000)])
    )
    const meddling = new Meddling(store)
    const read = await readFromArchive(meddling, { key })
    expect(await outcome(read.get(7))).toBe('S3_ARCHIVER_DAMAGED')
    expect(meddling.largest).toBeLessThanOrEqual(LARGEST)
  })

  test('so many blocks in the table of a shard are refused with a code', async () => {
    const { store, key } = await archived(numbered(0, 100, 4000))
    const { record } = await readHead(store, key)
    const [segment] = record.segments
    if (segment?.kind !== 'blocks') throw new Error('no shard')
    const count = 17_000_000
    const table = new Writer()
    table.bytes(b4a.alloc(8))
    table.uint(1)
    table.bytes((await newestCommit(store))?.commit.entries[0]?.blindId as Uint8Array)
    for (const value of [segment.fork, segment.start, count, 10]) table.uint(value)
    table.bytes(b4a.alloc(count, 1))
    const head = beginFormat(b4a.from('CPS'))
    head.uint32(table.length)
    const front = b4a.concat([head.finish(), table.finish()])
    await changeObject(store, segment.object, () => b4a.concat([front, crypto.hash(front)]))
    const read = await readFromArchive(store, { key })
    expect(await outcome(read.get(7))).toBe('S3_ARCHIVER_DAMAGED')
  })

  test('the count of a checkpoint does not make a reader ask for any number of bytes', async () => {
    const { store, key } = await archived(numbered(0, 10))
    await forge(store, (commit) => ({
      ...commit,
      entries: [],
      checkpoint: { name: contentName('index', b4a.alloc(1)), seq: 0, count: 2 ** 46, byteLength: 2 ** 52 }
    }))
    const meddling = new Meddling(store)
    expect(await outcome(readFromArchive(meddling, { key }))).toBe('S3_ARCHIVER_DAMAGED')
    expect(meddling.largest).toBeLessThanOrEqual(LARGEST)
  })

  test('the size of a page does not either', async () => {
    const { store, key, archiver } = await packedBee(5000)
    const { commit } = (await newestCommit(store)) as StoredCommit
    const [{ objects, bytes } = { objects: [], bytes: b4a.alloc(0) }] = commit.fronts
    const front = unsealFront(key, bytes)
    const pages = front.pages.map((page) => ({ ...page, byteLength: 2 ** 40 }))
    await archiver.attachFront(key, { objects, bytes: sealFront(key, { ...front, pages }) })
    const meddling = new Meddling(store)
    const read = await readFromArchive(meddling, { key })
    const bee = new Hyperbee<string, string>(read as unknown as Hypercore, ENCODINGS)
    expect((await bee.get(entryName(4000)))?.value).toMatch(/^value 4000/)
    expect(meddling.largest).toBeLessThanOrEqual(LARGEST)
  })
})

describe('a read pack by who knows the key', () => {
  test('that points to a page which there is not, is passed over', async () => {
    const { store, key, archiver } = await packedBee(5000)
    const { commit } = (await newestCommit(store)) as StoredCommit
    const [{ objects, bytes } = { objects: [], bytes: b4a.alloc(0) }] = commit.fronts
    const front = unsealFront(key, bytes)
    const locator = front.locator.map(([seq]) => [seq, 999] as const)
    await archiver.attachFront(key, { objects, bytes: sealFront(key, { ...front, locator }) })
    const read = await readFromArchive(store, { key })
    const bee = new Hyperbee<string, string>(read as unknown as Hypercore, ENCODINGS)
    const found = bee.get(entryName(4000)).then((entry) => entry?.value.slice(0, 10))
    expect(await outcome(found)).toBe('value 4000')
  })

  test('whose page points to itself does not keep a reader for ever', async () => {
    const { store, key, archiver } = await packedBee(5000)
    const { commit } = (await newestCommit(store)) as StoredCommit
    const [{ objects, bytes } = { objects: [], bytes: b4a.alloc(0) }] = commit.fronts
    const front = unsealFront(key, bytes)
    const object = objects[0] as string
    const place = (byteLength: number) => ({ object, offset: 4, byteLength })
    const locator = front.locator.map(([seq]) => [seq, 0] as const)
    const page = (byteLength: number) =>
      sealPage(key, { blocks: new Map(), nodes: [], pages: [place(byteLength)], locator })
    let sealed = page(1000)
    sealed = page(sealed.byteLength)
    expect(unsealPage(key, sealed, front).pages).toEqual([place(sealed.byteLength)])
    await changeObject(store, object, (bytes) => b4a.concat([bytes.subarray(0, 4), sealed]))
    const forged = sealFront(key, { ...front, pages: [place(sealed.byteLength)], locator })
    await archiver.attachFront(key, { objects, bytes: forged })
    const meddling = new Meddling(store)
    const read = await readFromArchive(meddling, { key })
    const bee = new Hyperbee<string, string>(read as unknown as Hypercore, ENCODINGS)
    const found = bee.get(entryName(4000)).then((entry) => entry?.value.slice(0, 10))
    expect(await outcome(found)).toBe('value 4000')
    expect(meddling.gets).toBeLessThan(50)
  })
})

describe('what is no part of an archive', () => {
  test('no list in lists is deeper than the format says', async () => {
    const { store, key } = await archived(numbered(0, 100, 4000))
    const { record, entry } = await readHead(store, key)
    const nodes = record.segments.flatMap((segment) => segment.nodes)
    let segments = record.segments
    for (let depth = 0; depth < 40; depth++) {
      const bytes = encodeSegmentList(key, segments)
      const object = contentName('index', bytes)
      await store.putIfAbsent(object, bytes)
      segments = [{ kind: 'list', object, missing: 0, start: 0, count: 100, nodes }]
    }
    const forged = sealRecord(key, entry.seq, { ...record, segments })
    await forge(store, (commit) => ({ ...commit, entries: [forged] }))
    const meddling = new Meddling(store)
    const read = await readFromArchive(meddling, { key })
    expect(await outcome(read.get(3))).toBe('S3_ARCHIVER_DAMAGED')
    expect(meddling.gets).toBeLessThan(15)
  })

  test('is damage among the commits, whether the archive is opened or updated', async () => {
    const { store, key } = await archived(numbered(0, 3))
    const archive = await open(store, { key })
    await store.putIfAbsent('l/0-alien', b4a.from('?'))
    expect(await outcome(archive.update())).toBe('S3_ARCHIVER_DAMAGED')
    expect(await outcome(open(store, { key }))).toBe('S3_ARCHIVER_DAMAGED')
  })
})
