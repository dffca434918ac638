import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { Cleanup, tmpStore } from '@cloudpal/test-kit'
import { Archiver, type ObjectStore } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, WRITER } from './archived.ts'
import { CrashingStore } from './crashing-store.ts'

type Write = (cores: readonly Hypercore[]) => Promise<unknown>

const random = (count: number, size: number): Uint8Array[] =>
  Array.from({ length: count }, () => crypto.randomBytes(size))

/** What is written before each flush: tails and shards, of one core and of two, and a truncation. */
const writes: Write[] = [
  ([a]) => (a as Hypercore).append(random(3, 50)),
  ([a, b]) =>
    Promise.all([(a as Hypercore).append(random(40, 3000)), (b as Hypercore).append(random(5, 100))]),
  ([, b]) => (b as Hypercore).append(random(4, 40_000)),
  ([a]) => (a as Hypercore).truncate(20),
  ([a, b]) => Promise.all([(a as Hypercore).append(random(1, 10)), (b as Hypercore).append(random(1, 10))]),
  ...Array.from(
    { length: 9 },
    (): Write =>
      ([a]) =>
        (a as Hypercore).append(random(1, 20))
  )
]

/** Blocks of a core as hex hashes. */
async function contentOf(core: Hypercore): Promise<string[]> {
  const hashes: string[] = []
  for (let seq = 0; seq < core.length; seq++) hashes.push(b4a.toString((await core.get(seq)) as Uint8Array))
  return hashes
}

const open = (store: ObjectStore, cores: readonly Hypercore[]): Archiver =>
  new Archiver(store, { cores, writerId: WRITER, live: false, probe: false })

test.each([
  ['with its last call undone', false],
  ['with its last call done, and not known to be', true]
])(
  'after a crash at any call of the store, %s, what was flushed is there, and a new archiver goes on',
  async (_, isLastDone) => {
    let hasCrashed = true
    for (let calls = 0; hasCrashed; calls++) {
      await using cleanup = new Cleanup()
      const corestore = await tmpStore({ cleanup })
      const cores = ['a', 'b'].map((name) => corestore.get({ name }))
      for (const core of cores) await core.ready()
      const inner = new MemoryStore()
      const store = new CrashingStore(inner, calls, isLastDone)
      const archiver = open(store, cores)
      let flushed: string[][] = [[], []]
      let attempted: string[][] = [[], []]
      for (const write of writes) {
        await write(cores)
        attempted = await Promise.all(cores.map(contentOf))
        const isFlushed = await archiver.flush().then(
          () => true,
          () => false
        )
        if (!isFlushed) break
        flushed = attempted
      }
      await archiver.close()
      hasCrashed = store.hasCrashed
      for (const [i, core] of cores.entries()) {
        const there = await archived(inner, core.key as Uint8Array).catch((error: { code: string }) => {
          expect([error.code, flushed[i]]).toEqual(['S3_ARCHIVER_NOT_ARCHIVED', []])
          return []
        })
        // Either as it was reported, or what was being reported when it crashed; nothing between.
        expect([flushed[i], attempted[i]]).toContainEqual(there)
      }
      const again = open(inner, cores)
      await again.flush()
      for (const [i, core] of cores.entries())
        if (core.length > 0) expect(await archived(inner, core.key as Uint8Array)).toEqual(attempted[i])
      await again.close()
    }
  }
)
