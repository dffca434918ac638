import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { describe, expect, test } from 'vitest'
import { collect, tmpStore, until } from '@cloudpal/test-kit'
import { retained } from '../src/care/retention.ts'
import {
  Archiver,
  compact,
  prune,
  restore,
  stats,
  verify,
  type ObjectStore,
  type Retention
} from '../src/index.ts'
import { blindIdOf } from '../src/format/names.ts'
import { sealRecord } from '../src/format/record.ts'
import type { BlockSegment } from '../src/format/segment.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { commitSeqs } from '../src/read/commits.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'
import { CrashingStore } from './crashing-store.ts'
import { ManualClock } from './manual-clock.ts'
import { forge } from './meddling-store.ts'

const DAY = 24 * 60 * 60 * 1000

interface History {
  store: MemoryStore
  clock: ManualClock
  core: Hypercore
  key: Uint8Array
  archiver: Archiver
  /** What was archived, and when. */
  moments: { seq: number; timeMs: number; texts: (string | null)[] }[]
}

/** An archive of some days, with a truncation every tenth. */
async function history(days: number): Promise<History> {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  const corestore = await tmpStore()
  const [core, other] = ['core', 'other'].map((name) => corestore.get({ name })) as [Hypercore, Hypercore]
  await core.ready()
  const archiver = new Archiver(store, { corestore, writerId: WRITER, live: false, probe: false, clock })
  const moments: History['moments'] = []
  for (let day = 0; day < days; day++) {
    if (day % 10 === 9) await core.truncate(core.length - 3)
    await core.append([...numbered(day, day + 1), crypto.randomBytes(day % 4 === 0 ? 70_000 : 100)])
    if (day % 5 === 0) await other.append(numbered(day, day + 1))
    const flushed = await archiver.flush()
    const texts = await archived(store, core.key as Uint8Array)
    moments.push({ seq: flushed?.seq as number, timeMs: clock.now(), texts })
    clock.advance(DAY)
  }
  return { store, clock, core, key: core.key as Uint8Array, archiver, moments }
}

const restoredAt = async (store: ObjectStore, key: Uint8Array, seq: number): Promise<(string | null)[]> => {
  const corestore = await tmpStore()
  const { seq: found } = await restore(store, { corestore, key, at: { seq } })
  if (found !== seq) return []
  const core = corestore.get({ key })
  await core.ready()
  const blocks = await Promise.all(Array.from({ length: core.length }, (_, i) => core.get(i)))
  return textOf(blocks)
}

const namesOf = async (store: ObjectStore): Promise<string[]> =>
  (await collect(store.list(''))).map(({ name }) => name)

describe('of an archive’s moments are kept', () => {
  const commits = Array.from({ length: 100 }, (_, i) => ({
    timeMs: Date.UTC(2026, 10, 21, 12) - i * (DAY / 2)
  }))
  const daysAgo = (keep: Retention): number[] =>
    [...retained(commits, keep)].map(({ timeMs }) => (Date.UTC(2026, 10, 21, 12) - timeMs) / DAY)

  test.each<[Retention, number[]]>([
    [{}, [0]],
    [{ last: 0 }, [0]],
    [{ last: 3 }, [0, 0.5, 1]],
    [{ daily: 3 }, [0, 1, 2]],
    [{ weekly: 3 }, [0, 6, 13]],
    [{ monthly: 2 }, [0, 21]],
    [{ last: 2, daily: 2, monthly: 1 }, [0, 0.5, 1]]
  ])('with %j those of so many days ago: %j', (keep, days) => {
    expect(daysAgo(keep).toSorted((a, b) => a - b)).toEqual(days)
  })
})

describe('prune', () => {
  test('keeps what the rules keep, all of it, and nothing else', async () => {
    const { store, key, moments, archiver, clock, core } = await history(40)
    const before = await stats(store)
    const keep = { last: 3, daily: 5, weekly: 3, monthly: 2 }
    const planned = await prune(store, { keep, dryRun: true })
    expect((await stats(store)).total).toEqual(before.total)
    expect(await prune(store, { keep })).toEqual(planned)
    expect(planned.bytes).toBe(before.total.bytes - (await stats(store)).total.bytes)
    const kept = await commitSeqs(store)
    expect(kept.length).toBe(planned.kept)
    expect(planned.kept).toBeLessThan(12)
    let whole = 0
    for (const { seq, texts } of moments) {
      const found = await restoredAt(store, key, seq).catch((error: { code: string }) => error.code)
      if (kept.includes(seq)) expect(found).toEqual(texts)
      else expect([[], 'S3_ARCHIVER_NOT_ARCHIVED']).toContainEqual(found)
      if (kept.includes(seq)) whole++
    }
    expect(whole).toBeGreaterThan(7)
    expect(await verify(store, { keys: [key] })).toMatchObject({ ok: true, cores: 1 })
    expect(await prune(store, { keep })).toMatchObject({ commits: 0, objects: 0 })
    // Once nothing old is kept, little more is left than what is live.
    clock.advance(2 * DAY)
    await core.append(numbered(0, 1))
    await archiver.flush()
    clock.advance(2 * DAY)
    await prune(store, { keep: { last: 1 }, keepLines: false })
    expect(await verify(store, { keys: [key] })).toMatchObject({ ok: true })
    const { live, total } = await stats(store)
    expect(total.bytes).toBe(live.bytes)
  })

  test('keeps the last state of a line that was given up, unless it is told not to', async () => {
    const { store, clock, core, key, archiver, moments } = await history(12)
    await prune(store, { keep: { last: 1 } })
    const lost = moments[8] as (typeof moments)[0]
    const corestore = await tmpStore()
    const options = { corestore, key, at: { fork: 0, length: 1000 } }
    expect(await restore(store, options)).toMatchObject({ fork: 0, length: lost.texts.length })
    const old = corestore.get({ key })
    await old.ready()
    expect(textOf(await Promise.all(lost.texts.map((_, i) => old.get(i))))).toEqual(lost.texts)
    await core.append(numbered(0, 1))
    await archiver.flush()
    clock.advance(2 * DAY)
    expect((await prune(store, { keep: { last: 1 }, keepLines: false })).bytes).toBeGreaterThan(50_000)
    expect(await verify(store, { keys: [key] })).toMatchObject({ ok: true })
    const gone = restore(store, { ...options, corestore: await tmpStore() })
    await expect(gone).rejects.toMatchObject({ code: 'S3_ARCHIVER_NOT_ARCHIVED' })
  })

  test('follows every way in which a commit refers to another, and to lists', async () => {
    const clock = new ManualClock()
    const store = new MemoryStore({ now: () => clock.now() })
    const corestore = await tmpStore()
    const source = await openCore()
    const sparse = corestore.get({ key: source.key })
    await sparse.ready()
    const archiver = new Archiver(store, { corestore, writerId: WRITER, live: false, probe: false, clock })
    const streams = [source.replicate(true), sparse.replicate(false)] as const
    streams[0].pipe(streams[1]).pipe(streams[0])
    for (const [start, end] of [
      [0, 200],
      [200, 280]
    ] as const) {
      await source.append(numbered(start, end, 1000))
      await sparse.update({ wait: true })
      const blocks = Array.from({ length: (end - start) / 2 }, (_, i) => start + 2 * i)
      await sparse.download({ blocks }).done()
      await archiver.flush()
    }
    for (const stream of streams) stream.destroy()
    const keys: Uint8Array[] = [source.key as Uint8Array]
    for (let i = 0; i < 60; i++) {
      const core = corestore.get({ name: `core ${i % 30}` })
      await core.append(crypto.randomBytes(i % 3 === 0 ? 70_000 : 50))
      if (i < 30) keys.push(core.key as Uint8Array)
      await archiver.flush()
      clock.advance(DAY)
    }
    const before = await Promise.all(keys.map((key) => archived(store, key)))
    expect((await prune(store, { keep: { last: 1 } })).commits).toBeGreaterThan(0)
    expect(await Promise.all(keys.map((key) => archived(store, key)))).toEqual(before)
    expect(await verify(store, { keys })).toMatchObject({ ok: true, cores: 31 })
    const again = new Archiver(store, { corestore, writerId: WRITER, live: false, probe: false, clock })
    expect(await again.flush()).toBeNull()
  })

  test('leaves what is young, whether anything needs it or not', async () => {
    const { store, clock, key } = await history(3)
    const young = 's/00/00000000000000000000000000000000'
    await store.putIfAbsent(young, b4a.from('on its way'))
    await store.putIfAbsent('s/notes', b4a.from('not of an archive'))
    await prune(store, { keep: { last: 1 } })
    expect(await namesOf(store)).toContain(young)
    clock.advance(DAY)
    await prune(store, { keep: { last: 1 } })
    expect(await namesOf(store)).not.toContain(young)
    expect(await namesOf(store)).toContain('s/notes')
    expect((await readHead(store, key)).record.length).toBeGreaterThan(0)
    for (const options of [
      { keep: { last: -1 } },
      { keep: { lsat: 1 } as Retention },
      { keep: {}, minAgeMs: 5 }
    ])
      await expect(prune(store, options)).rejects.toMatchObject({ code: 'S3_ARCHIVER_BAD_ARGUMENT' })
  })

  test('that crashes at any call leaves every moment that is kept, and the next one ends as if nothing had been', async () => {
    const keep = { last: 2 }
    for (let calls = 0, hasCrashed = true; hasCrashed; calls += 3) {
      const { store, key, moments } = await history(12)
      const crashing = new CrashingStore(store, calls, calls % 2 === 0)
      await prune(crashing, { keep }).catch(() => {})
      hasCrashed = crashing.hasCrashed
      const { texts } = moments.at(-1) as (typeof moments)[0]
      expect(await archived(store, key)).toEqual(texts)
      await prune(store, { keep })
      expect(await verify(store, { keys: [key] })).toMatchObject({ ok: true })
      expect((await commitSeqs(store)).length).toBe(2)
    }
  })

  test('takes nothing from an archiver that was paused for days in the middle of an upload', async () => {
    const { store, clock, core, key, archiver } = await history(2)
    await core.append(Array.from({ length: 40 }, () => crypto.randomBytes(300_000)))
    // The shards go, and the commit waits.
    let puts = 0
    const put = store.putIfAbsent.bind(store)
    store.putIfAbsent = async (...args) => {
      const isMade = await put(...args)
      if (++puts === 1) archiver.pause()
      return isMade
    }
    const flushed = archiver.flushed()
    await until(() => puts >= 1)
    clock.advance(3 * DAY)
    expect((await prune(store, { keep: { last: 1 } })).objects).toBeGreaterThan(0)
    archiver.resume()
    await flushed
    expect(await verify(store, { keys: [key] })).toMatchObject({ ok: true })
    expect((await archived(store, key)).length).toBe(core.length)
  })
})

describe('verify', () => {
  test('finds what is missing or was changed, without any key', async () => {
    const { store, key } = await history(6)
    const { objects } = await verify(store)
    for (const name of await namesOf(store)) {
      const bytes = (await store.getRange(name, { start: 0, end: 10_000_000 }))?.bytes as Uint8Array
      await store.delete(name)
      const gone = await verify(store).catch((error: { code: string }) => error.code)
      const changed = b4a.from(bytes)
      changed[bytes.byteLength - 1] = (changed[bytes.byteLength - 1] ?? 0) ^ 1
      await store.putIfAbsent(name, changed)
      const wrong = await verify(store).catch((error: { code: string }) => error.code)
      await store.delete(name)
      await store.putIfAbsent(name, bytes)
      for (const [found, kind] of [
        [gone, 'missing'],
        [wrong, 'changed']
      ] as const)
        if (typeof found === 'string') expect(found).toMatch(/DAMAGED|NOT_ARCHIVED/)
        else if (!found.ok) expect(found.problems).toEqual([{ name, kind }])
        else expect([/^[gl]\//.test(name), found.objects <= objects]).toEqual([true, true])
    }
    expect(await verify(store, { keys: [key] })).toMatchObject({ ok: true, objects })
    const unknown = await verify(store, { keys: [crypto.randomBytes(32)] })
    expect(unknown.coreProblems.map(({ code }) => code)).toEqual(['S3_ARCHIVER_NOT_ARCHIVED'])
    expect(unknown.ok).toBe(false)
  })

  test('says that an archive whose commits are gone, or which is not there, is none', async () => {
    const { store } = await history(2)
    const refused = { code: 'S3_ARCHIVER_NOT_ARCHIVED' }
    for (const name of await namesOf(store)) if (name.startsWith('l/')) await store.delete(name)
    await expect(verify(store)).rejects.toMatchObject(refused)
    await expect(verify(new MemoryStore())).rejects.toMatchObject(refused)
  })

  test('reads a part when that is wanted, and goes on where it was', async () => {
    const { store, key } = await history(12)
    const { objects } = await verify(store)
    let chance = 0
    const half = await verify(store, { share: 0.5, random: () => (chance++ % 2 === 0 ? 0.1 : 0.9) })
    expect(half.read).toBe(Math.ceil(objects / 2))
    expect((await verify(store, { share: 0 })).read).toBe(0)
    // What is missing is found without reading anything.
    const { entry } = await readHead(store, key)
    const [shard = ''] = entry.objects.filter((name) => name.startsWith('s/'))
    const kept = await store.getRange(shard, { start: 0, end: 10_000_000 })
    await store.delete(shard)
    expect(await verify(store, { share: 0 })).toMatchObject({
      read: 0,
      problems: [{ name: shard, kind: 'missing' }]
    })
    await store.putIfAbsent(shard, kept?.bytes as Uint8Array)
    const abort = new AbortController()
    let after = ''
    const interrupted = verify(store, {
      signal: abort.signal,
      onProgress({ objects: done, name }) {
        after = name
        if (done === objects - 3) abort.abort()
      }
    })
    await expect(interrupted).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
    expect(await verify(store, { after })).toMatchObject({ objects: 3, read: 3, ok: true })
  })
})

test('verify tells of blocks that the archive lacks: who restores the core fails', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 20))
  await core.clear(0, 4)
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
  await archiver.flush()
  await archiver.close()
  const key = core.key as Uint8Array
  const restoring = restore(store, { corestore: await tmpStore(), key })
  await expect(restoring).rejects.toMatchObject({ code: 'S3_ARCHIVER_MISSING_BLOCKS' })
  const found = await verify(store, { keys: [key] })
  expect(found).toMatchObject({ ok: true, missing: 4 })
})

test('verify with a key sees what is stored well and is not what the key has signed', async () => {
  const store = new MemoryStore()
  const cores = [await openCore('one'), await openCore('other')]
  // More than a commit takes in itself.
  for (const core of cores) {
    await core.append(
      Array.from({ length: 80 }, (_, i) => crypto.hash(b4a.from(`${i} ${core.id}`))).map((hash) =>
        b4a.concat(Array(200).fill(hash))
      )
    )
    const archiver = new Archiver(store, { cores, writerId: WRITER, live: false, probe: false })
    await archiver.flush()
    await archiver.close()
  }
  const [key, other] = cores.map((core) => core.key) as [Uint8Array, Uint8Array]
  const { record } = await readHead(store, other)
  const [wrong] = record.segments as [BlockSegment]
  const right = await readHead(store, key)
  const segments = right.record.segments.map(
    (segment) => ({ ...segment, object: wrong.object }) as BlockSegment
  )
  await forge(store, (commit) => ({
    ...commit,
    carried: commit.carried.filter(({ blindId }) => !b4a.equals(blindId, blindIdOf(key))),
    entries: [
      ...commit.entries.filter(({ blindId }) => !b4a.equals(blindId, blindIdOf(key))),
      sealRecord(key, commit.seq, { ...right.record, segments }, { front: null, previous: null })
    ]
  }))
  expect(await verify(store)).toMatchObject({ ok: true })
  expect(await verify(store, { keys: [other] })).toMatchObject({ ok: true, cores: 1 })
  const found = await verify(store, { keys: [key, other] })
  expect(found).toMatchObject({
    ok: false,
    cores: 1,
    problems: [],
    coreProblems: [{ key, code: 'S3_ARCHIVER_DAMAGED' }]
  })
  // Each object was read once.
  expect(found.read).toBe(found.objects)
})

test('compact puts small pieces together, of cores that are here no more', async () => {
  const core = await openCore()
  const key = core.key as Uint8Array
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
  for (let i = 0; i < 7; i++) {
    await core.append(numbered(10 * i, 10 * i + 10))
    await archiver.flush()
  }
  await archiver.close()
  const before = await archived(store, key)
  expect((await readHead(store, key)).record.segments.length).toBe(7)
  await expect(compact(store, { keys: [key], writerId: b4a.alloc(16, 9) })).rejects.toMatchObject({
    code: 'S3_ARCHIVER_HELD'
  })
  expect(await compact(store, { keys: [key], writerId: WRITER })).toMatchObject({ before: 7, after: 1 })
  expect((await readHead(store, key)).record.segments.length).toBe(1)
  expect(await archived(store, key)).toEqual(before)
  expect(await compact(store, { keys: [key], writerId: WRITER })).toEqual({ before: 1, after: 1, bytes: 0 })
  await expect(compact(store, { keys: [crypto.randomBytes(32)], writerId: WRITER })).rejects.toMatchObject({
    code: 'S3_ARCHIVER_NOT_ARCHIVED'
  })
})

test('stats say what is stored, what of it is live, and how old the newest commit is', async () => {
  const { store, clock } = await history(8)
  const found = await stats(store, { now: () => clock.now() })
  const all = (await collect(store.list(''))).filter(({ name }) => !name.startsWith('g/'))
  expect(found.total).toEqual({ objects: all.length, bytes: all.reduce((sum, { size }) => sum + size, 0) })
  expect(found).toMatchObject({ cores: 2, sinceNewestMs: DAY, newest: { epoch: 1, seq: 8 } })
  expect(found.live.bytes).toBeLessThan(found.total.bytes)
  expect(await stats(new MemoryStore())).toMatchObject({ cores: 0, newest: null, sinceNewestMs: null })
})
