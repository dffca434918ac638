import fc from 'fast-check'
import type Hypercore from 'hypercore'
import type { DuplexStream } from 'hypercore'
import { expect, test } from 'vitest'
import { Cleanup, tmpStore } from '@cloudpal/test-kit'
import { Archiver, restore, type RestoreOptions, type S3ArchiverError } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered, textOf, WRITER } from './archived.ts'

const RUNS = 30

const aStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ truncate: fc.nat({ max: 20 }) }) },
  { weight: 4, arbitrary: fc.constant({ archive: true as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      parts: fc.nat({ max: 3 }),
      back: fc.option(fc.integer({ min: 1, max: 20 }), { freq: 8 }),
      blocks: fc.constantFrom('all', 'all', 'all', 'all', 'all', 'held', [
        { start: 3, end: 9 }
      ]) as fc.Arbitrary<'all' | 'held' | { start: number; end: number }[]>
    })
  }
)

/** @returns whether it has come to its end before so many parts of it were there, so that the core is there */
async function restoreFor(parts: number, store: MemoryStore, options: RestoreOptions): Promise<boolean> {
  const abort = new AbortController()
  let done = 0
  const onProgress = (): void => {
    if (++done >= parts) abort.abort()
  }
  if (parts === 0) abort.abort()
  try {
    await restore(store, { ...options, parallel: 1, onProgress, signal: abort.signal })
    return true
  } catch (error) {
    const { code } = error as S3ArchiverError
    if (code !== 'S3_ARCHIVER_ABORTED' && code !== 'S3_ARCHIVER_NOT_ARCHIVED') throw error
    return false
  }
}

/** Gets all blocks of a core, with what proves them, and tells them. */
async function download(from: Hypercore, to: Hypercore, cleanup: Cleanup): Promise<(string | null)[]> {
  const [ours, theirs] = [from.replicate(true), to.replicate(false)] as [DuplexStream, DuplexStream]
  for (const stream of [ours, theirs]) cleanup.defer('stream', () => stream.destroy())
  ours.pipe(theirs).pipe(ours)
  await to.download({ start: 0, end: from.length }).done()
  return blocksOf(to)
}

async function blocksOf(core: Hypercore): Promise<(string | null)[]> {
  return textOf(await Promise.all(Array.from({ length: core.length }, (_, seq) => core.get(seq))))
}

test('what interrupted restores have left, of whatever state, never makes another core than the archived one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 4, maxLength: 20 }), async (steps) => {
      await using cleanup = new Cleanup()
      const source = (await tmpStore({ cleanup })).get({ name: 'core' })
      await source.ready()
      const key = source.key as Uint8Array
      const store = new MemoryStore()
      const archiver = new Archiver(store, { cores: [source], writerId: WRITER, live: false })
      cleanup.defer('stream', () => archiver.close())
      const corestore = await tmpStore({ cleanup })
      let next = 0
      const append = async (count: number): Promise<void> => {
        await source.append(numbered(next, next + count, 10_000))
        next += count
      }
      for (let i = 0; i < 4; i++) {
        await append(5)
        await archiver.flush()
      }
      for (const step of steps) {
        if ('append' in step) await append(step.append)
        else if ('truncate' in step) await source.truncate(Math.min(source.length, step.truncate))
        else if ('archive' in step) await archiver.flush()
        else {
          const { parts, back, blocks } = step
          const at = back === null ? {} : { at: { length: back } }
          if (await restoreFor(parts, store, { corestore, key, blocks, ...at })) return
        }
      }
      await append(1)
      await archiver.flush()
      await restore(store, { corestore, key })
      const restored = corestore.get({ key })
      await restored.ready()
      const peer = (await tmpStore({ cleanup })).get({ key })
      expect(await download(restored, peer, cleanup)).toEqual(await blocksOf(source))
      // Nothing is left that would pass for what comes later.
      await append(40)
      expect(await download(source, restored, cleanup)).toEqual(await blocksOf(source))
    }),
    { numRuns: RUNS }
  )
})
