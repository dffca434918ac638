import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import type { DuplexStream } from 'hypercore'
import { describe, expect, onTestFinished, test } from 'vitest'
import { testCleanup, tmpStore } from '@cloudpal/test-kit'
import { readFromArchive } from '../src/browser/index.ts'
import { Seeder, type RequestCounts } from '../src/index.ts'
import { archived, Meddling, onlyCommits, open, outcome, type Archived } from './meddling-store.ts'

const MIB: number = 1024 * 1024

/** A way to a core's blocks. */
interface Reading {
  core: { get(seq: number): Promise<Uint8Array | null> }
  stats: () => RequestCounts
}

const WAYS: Record<string, (archive: Archived, cacheBytes: number) => Promise<Reading>> = {
  'by Hypercore, out of an archive': async ({ store, key }, cacheBytes) => {
    const archive = await open(store, { key, cacheBytes })
    return { core: archive.core, stats: () => archive.stats() }
  },
  'without Hypercore': async ({ store, key }, cacheBytes) => {
    const core = await readFromArchive(store, { key, cacheBytes })
    onTestFinished(() => core.close())
    return { core, stats: () => core.stats() }
  },
  'from a seeder': async ({ store, key }, cacheBytes) => {
    const seeder = new Seeder(store, { keys: [key], cacheBytes })
    onTestFinished(() => seeder.close())
    const corestore = await tmpStore()
    const core: Hypercore = corestore.get({ key })
    await core.ready()
    const streams = [corestore.replicate(true) as DuplexStream, seeder.replicate(false)] as const
    streams[0].pipe(streams[1]).pipe(streams[0])
    for (const stream of streams) {
      stream.on('error', () => {})
      testCleanup().defer('stream', () => stream.destroy())
    }
    await core.update({ wait: true })
    return { core, stats: () => seeder.stats() }
  }
}

/** Blocks of three sizes, which have so many bytes in the mean. */
function blocksOf(count: number, bytes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => crypto.randomBytes(Math.ceil(bytes * (0.5 + (i % 3) / 2))))
}

test('a download of large blocks reads each about once, with the cache that a reader has by default', async () => {
  const archive = await archived(blocksOf(60, 512_000))
  const { download, stats } = await open(archive.store, { key: archive.key }).then((opened) => ({
    download: () => opened.download(),
    stats: () => opened.stats()
  }))
  await download()
  expect(stats().bytesRead / archive.core.byteLength).toBeLessThan(1.2)
})

test('large blocks that the store could not give, each of many, are given once it can', async () => {
  const blocks = blocksOf(80, 200_000)
  const { store, key } = await archived(blocks)
  const meddling = new Meddling(store)
  const { core } = await open(meddling, { key })
  meddling.change = onlyCommits
  for (let i = 0; i < 2; i++) await Promise.all(blocks.map((_, seq) => outcome(core.get(seq))))
  const failing = await Promise.all(blocks.map((_, seq) => outcome(core.get(seq))))
  expect(new Set(failing)).toEqual(new Set(['S3_ARCHIVER_STORE_UNAVAILABLE']))
  meddling.change = (_, bytes) => bytes
  const read = await Promise.all(blocks.map((_, seq) => core.get(seq)))
  expect(read.every((block, seq) => b4a.equals(block as Uint8Array, blocks[seq] as Uint8Array))).toBe(true)
})

describe.each(Object.keys(WAYS))('blocks that are asked for at once %s', (way) => {
  // The cache is far smaller than what is asked for; of small blocks a quarter of it is larger than a group, whatever their order.
  test.each([
    [12, 4_000_000, 8 * MIB],
    [64, 256_000, MIB],
    [500, 20_000, MIB],
    [3000, 2000, 16 * MIB],
    [4000, 100, 16 * MIB]
  ])('come, each read about once: %i of %i bytes, with a cache of %i', async (count, bytes, cacheBytes) => {
    const blocks = blocksOf(count, bytes)
    const archive = await archived(blocks)
    const { core, stats } = await (WAYS[way] as (typeof WAYS)[string])(archive, cacheBytes)
    const read = await Promise.all(blocks.map((_, seq) => core.get(seq)))
    expect(read.every((block, seq) => block !== null && b4a.equals(block, blocks[seq] as Uint8Array))).toBe(
      true
    )
    expect(stats().bytesRead / archive.core.byteLength).toBeLessThan(1.5)
  })
})
