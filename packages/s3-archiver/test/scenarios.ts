import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { expect } from 'vitest'
import { collect, tmpStore, until } from '@cloudpal/test-kit'
import {
  Archiver,
  compact,
  moments,
  prune,
  restore,
  stats,
  verify,
  type ArchiverOptions,
  type ObjectStore
} from '../src/index.ts'
import { CommitLog } from '../src/archive/commit-log.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'
import { FaultyStore } from './faulty-store.ts'

/** What an archive does in any store. */
export interface Scenario {
  name: string
  run(store: ObjectStore): Promise<void>
}

const ONCE: Partial<ArchiverOptions> = { live: false }

const random = (count: number, size: number): Uint8Array[] =>
  Array.from({ length: count }, () => crypto.randomBytes(size))

export const scenarios: readonly Scenario[] = [
  {
    name: 'a Corestore is archived as it grows, and every core of it restored',
    async run(store) {
      const corestore = await tmpStore()
      const cores = ['a', 'b', 'c'].map((name) => corestore.get({ name }))
      for (const core of cores) await core.ready()
      const archiver = new Archiver(store, { corestore, debounceMs: 10 })
      await archiver.ready()
      for (let i = 0; i < 5; i++) {
        await Promise.all(cores.map((core, at) => core.append(random(20, 100 + 3000 * at))))
        await archiver.flushed()
      }
      await cores[1]?.truncate(30)
      await cores[1]?.append(random(3, 10))
      await archiver.flushed()
      await archiver.close()
      const into = await tmpStore()
      for (const core of cores) {
        const key = core.key as Uint8Array
        expect(await restore(store, { corestore: into, key })).toMatchObject({
          length: core.length,
          missing: 0
        })
        const copy = into.get({ key })
        await copy.ready()
        for (let seq = 0; seq < core.length; seq++) expect(await copy.get(seq)).toEqual(await core.get(seq))
      }
      expect(await verify(store, { keys: cores.map(({ key }) => key as Uint8Array) })).toMatchObject({
        ok: true
      })
    }
  },
  {
    name: 'of many megabytes, in several shards, nothing is lost',
    async run(store) {
      const core = await openCore()
      for (let i = 0; i < 10; i++) await core.append(random(40, 65_536))
      const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...ONCE })
      expect(await archiver.flush()).toMatchObject({ blocks: 400 })
      await archiver.close()
      const [corestore, key] = [await tmpStore(), core.key as Uint8Array]
      expect(await restore(store, { corestore, key })).toMatchObject({ blocks: 400, bytes: 400 * 65_536 })
      const copy = corestore.get({ key })
      await copy.ready()
      for (const seq of [0, 127, 128, 399]) expect(await copy.get(seq)).toEqual(await core.get(seq))
    }
  },
  {
    name: 'of 300 cores one has changed: three requests at most',
    async run(store) {
      const corestore = await tmpStore()
      for (let i = 0; i < 300; i++) {
        const core = corestore.get({ name: `core ${i}` })
        await core.append(numbered(0, 2))
        await core.close()
      }
      const counted = new FaultyStore(store)
      const archiver = new Archiver(counted, { corestore, ...ONCE })
      expect(await archiver.flush()).toMatchObject({ cores: 300 })
      const one = corestore.get({ name: 'core 7' })
      await one.append(numbered(2, 3))
      counted.calls = 0
      expect(await archiver.flush()).toMatchObject({ cores: 1, blocks: 1 })
      expect(counted.calls).toBeLessThanOrEqual(3)
      await archiver.close()
      expect(await archived(store, one.key as Uint8Array)).toEqual(textOf(numbered(0, 3)))
      expect(await stats(store)).toMatchObject({ cores: 300 })
    }
  },
  {
    name: 'of two archivers that claim or write at once exactly one goes on',
    async run(store) {
      for (let race = 0; race < 25; race++) {
        const claims = await Promise.allSettled(
          [1, 2].map((id) => CommitLog.claim(store, { writerId: b4a.alloc(16, id), takeOver: true }))
        )
        const logs = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []))
        const content = { checkpoint: null, carried: [], entries: [], fronts: [], tail: b4a.from(`${race}`) }
        const results = await Promise.allSettled(logs.map((log) => log.append(content)))
        expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
        for (const result of [...claims, ...results])
          if (result.status === 'rejected')
            expect(result.reason).toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
      }
    }
  },
  {
    name: 'a second archiver is refused, takes over when it is told to, and fences the first',
    async run(store) {
      const core = await openCore()
      await core.append(numbered(0, 3))
      const first = new Archiver(store, { cores: [core], ...ONCE })
      await first.flush()
      const refused = new Archiver(store, { cores: [core], ...ONCE })
      await expect(refused.ready()).rejects.toMatchObject({ code: 'S3_ARCHIVER_HELD' })
      const second = new Archiver(store, { cores: [core], takeOver: true, ...ONCE })
      await second.ready()
      await core.append(numbered(3, 4))
      await expect(first.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
      expect(await second.flush()).toMatchObject({ blocks: 1 })
      await Promise.all([first.close(), second.close()])
    }
  },
  {
    name: 'a core gets a new writer, and an earlier moment stays',
    async run(store) {
      const keyPair = crypto.keyPair()
      const lost = (await tmpStore()).get({ keyPair })
      await lost.append(numbered(0, 6))
      const key = lost.key as Uint8Array
      const old = new Archiver(store, { cores: [lost], writerId: WRITER, ...ONCE })
      await old.flush()
      const corestore = await tmpStore()
      const { fork } = await restore(store, { corestore, key, writable: { keyPair } })
      const core = corestore.get({ key, keyPair })
      await core.append(b4a.from('more'))
      await lost.append(b4a.from('too late'))
      await expect(old.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
      const next = new Archiver(store, { corestore, ...ONCE })
      await next.flush()
      expect(await archived(store, key)).toEqual([...textOf(numbered(0, 6)), 'more'])
      expect(core.fork).toBe(fork)
      const earlier = await restore(store, { corestore: await tmpStore(), key, at: { length: 6, fork: 0 } })
      expect(earlier).toMatchObject({ fork: 0, length: 6 })
      await Promise.all([old.close(), next.close()])
    }
  },
  {
    name: 'small pieces are put together, moments are listed, and nothing young is pruned',
    async run(store) {
      const core = await openCore()
      const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...ONCE })
      for (let i = 0; i < 5; i++) {
        await core.append(numbered(i, i + 1))
        await archiver.flush()
      }
      await archiver.close()
      const key = core.key as Uint8Array
      expect(await compact(store, { keys: [key], writerId: WRITER })).toMatchObject({ before: 5, after: 1 })
      expect(await archived(store, key)).toEqual(textOf(numbered(0, 5)))
      const lengths = (await collect(moments(store, { key }))).map(({ core: head }) => head?.length ?? null)
      expect(lengths).toEqual([5, 5, 4, 3, 2, 1])
      expect(await prune(store, { keep: { last: 1 } })).toMatchObject({ kept: 6, commits: 0, objects: 0 })
    }
  }
]

/** A store that goes away in the middle of an upload, and comes back; what a live archiver does then. */
export async function survivesOutage(
  store: ObjectStore,
  { stop, start }: { stop(): Promise<void>; start(): Promise<void> }
): Promise<void> {
  const core = await openCore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, debounceMs: 10 })
  await archiver.ready()
  await core.append(random(3, 100))
  await archiver.flushed()
  const failures: unknown[] = []
  archiver.on('failure', ({ error }) => failures.push(error))
  await stop()
  await core.append(random(200, 100_000))
  await until(() => failures.length > 0)
  await start()
  await archiver.flushed()
  await archiver.close()
  const key = core.key as Uint8Array
  const corestore = await tmpStore()
  expect(await restore(store, { corestore, key })).toMatchObject({ length: 203, missing: 0 })
  const copy = corestore.get({ key })
  await copy.ready()
  for (const seq of [0, 3, 100, 202]) expect(await copy.get(seq)).toEqual(await core.get(seq))
}
