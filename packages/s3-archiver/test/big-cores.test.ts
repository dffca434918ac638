import { expect, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { mergeable } from '../src/archive/merging.ts'
import type { Segment } from '../src/format/segment.ts'
import { Archiver } from '../src/index.ts'
import { expandSegments, readHead } from '../src/read/archive-reader.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'

const segment = (start: number, size: number): Segment => ({
  kind: 'blocks',
  object: 's/00/00000000000000000000000000000000',
  fork: 0,
  start,
  count: 1,
  nodes: [{ index: 2 * start, size, hash: new Uint8Array(32) }]
})

test('a writer that is archived after every write leaves few segments, and uploads each block only some times', () => {
  let segments: Segment[] = []
  let [uploaded, most] = [0, 0]
  const writes = 20_000
  for (let i = 0; i < writes; i++) {
    const merged = mergeable(segments)
    const bytes = segments
      .slice(segments.length - merged)
      .reduce((sum, { nodes }) => sum + (nodes[0]?.size ?? 0), 200)
    segments = [...segments.slice(0, segments.length - merged), segment(i, bytes)]
    uploaded += bytes
    most = Math.max(most, segments.length)
  }
  expect(most).toBeLessThan(64)
  expect(uploaded / (200 * writes)).toBeLessThan(8)
})

test('small tails of a core become one, and every block is still there', async () => {
  const core = await openCore()
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
  let most = 0
  for (let i = 0; i < 100; i++) {
    await core.append(numbered(3 * i, 3 * i + 3))
    await archiver.flush()
    const { record } = await readHead(store, core.key as Uint8Array)
    most = Math.max(most, record.segments.length)
  }
  expect(most).toBeLessThan(24)
  expect(await archived(store, core.key as Uint8Array)).toEqual(textOf(numbered(0, 300)))
})

test('many segments go into lists, of which the record names few; what was missing in them is filled, and a cut goes through them', async () => {
  const source = await openCore()
  await source.append(numbered(0, 1200))
  const replica = (await tmpStore()).get({ key: source.key })
  await replica.ready()
  const streams = [source.replicate(true), replica.replicate(false)] as const
  streams[0].pipe(streams[1]).pipe(streams[0])
  await replica.update({ wait: true })
  const store = new MemoryStore()
  const options = { cores: [replica], writerId: WRITER, live: false, probe: false }
  const key = source.key as Uint8Array
  const all = textOf(numbered(0, 1200))
  const even = all.map((block, seq) => (seq % 2 === 0 ? block : null))

  await replica.download({ blocks: all.flatMap((_, seq) => (seq % 2 === 0 ? [seq] : [])) }).done()
  const archiver = new Archiver(store, options)
  expect(await archiver.flush()).toMatchObject({ blocks: 600, missing: 600 })
  const { record } = await readHead(store, key)
  expect(record.segments.length).toBeLessThan(64)
  expect(record.segments.filter(({ kind }) => kind === 'list').length).toBe(2)
  expect(await archived(store, key)).toEqual(even)
  const part = await collect(expandSegments(store, key, record.segments, { start: 10, end: 13 }))
  expect(part.map(({ start }) => start)).toEqual([10, 11, 12])

  await replica.download({ start: 100, end: 131 }).done()
  expect(await new Archiver(store, options).flush()).toMatchObject({ blocks: 15, missing: 585 })
  const filled = even.map((block, seq) => (seq >= 100 && seq < 131 ? (all[seq] ?? null) : block))
  expect(await archived(store, key)).toEqual(filled)

  await source.truncate(105)
  await source.append(numbered(0, 3))
  await replica.update({ wait: true })
  await replica.download({ start: 105, end: 108 }).done()
  await new Archiver(store, options).flush()
  expect(await archived(store, key)).toEqual([...filled.slice(0, 105), ...textOf(numbered(0, 3))])
  for (const stream of streams) stream.destroy()
})

test('small blocks lie in shards of a limited number, which are not uploaded again when the core grows', async () => {
  const core = await openCore()
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
  const blocks = Array.from({ length: 70_000 }, () => new Uint8Array(1))
  for (let i = 0; i < 2; i++) await core.append(blocks)
  await archiver.flush()
  const { record } = await readHead(store, core.key as Uint8Array)
  expect(record.segments.map(({ count }) => count)).toEqual([65_536, 65_536, 8928])
  const many = Array.from({ length: 20 }, (_, i) => ({ ...segment(65_536 * i, 65_536), count: 65_536 }))
  expect(mergeable(many)).toBe(0)
})
