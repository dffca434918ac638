import b4a from 'b4a'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect, fakeClock } from '@cloudpal/test-kit'
import { CommitLog, type CommitContent } from '../src/archive/commit-log.ts'
import { decodeCommit, encodeCommit, type Commit } from '../src/format/commit.ts'
import { commitName, commitSeq, COMMITS, contentName } from '../src/format/names.ts'
import type { ObjectInfo, ObjectStore } from '../src/index.ts'
import { newestCommit } from '../src/read/commits.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { FaultyStore, type Fate } from './faulty-store.ts'

const ALICE = b4a.alloc(16, 'alice')
const BOB = b4a.alloc(16, 'bob')

const content = (text: string): CommitContent => ({
  checkpoint: null,
  carried: [],
  entries: [],
  fronts: [],
  tail: b4a.from(text)
})

/** Tails of all commits, the first one first; checks that each names the one before. */
async function history(store: ObjectStore): Promise<string[]> {
  const names = (await collect(store.list(COMMITS))).map(({ name }) => name).toReversed()
  let previous = b4a.alloc(32)
  const tails: string[] = []
  for (const [seq, name] of names.entries()) {
    expect(commitSeq(name)).toBe(seq)
    const bytes = (await store.getRange(name, { start: 0, end: 10_000 }))?.bytes as Uint8Array
    const commit = decodeCommit(bytes)
    expect(b4a.equals(commit.previous, previous)).toBe(true)
    previous = b4a.from(bytes.subarray(-32))
    if (commit.kind === 'data') tails.push(b4a.toString(commit.tail))
  }
  return tails
}

describe('a commit', () => {
  const commit: Commit = {
    kind: 'data',
    seq: 7,
    timeMs: 1_700_000_000_000,
    previous: b4a.alloc(32, 1),
    epoch: 3,
    writerId: ALICE,
    nonce: b4a.alloc(16, 2),
    checkpoint: { name: contentName('index', ALICE), seq: 4, count: 1000, byteLength: 300_000 },
    carried: [{ blindId: b4a.alloc(16, 4), seq: 6 }],
    entries: [
      {
        blindId: b4a.alloc(16, 3),
        seq: 5,
        front: 2,
        previous: null,
        objects: [contentName('shard', ALICE), commitName(3)],
        sealed: b4a.from('sealed')
      }
    ],
    fronts: [{ blindId: b4a.alloc(16, 3), objects: [contentName('page', BOB)], bytes: b4a.from('front') }],
    tail: b4a.from('tail')
  }

  test('comes back as it was written', () => {
    expect(decodeCommit(encodeCommit(commit))).toEqual(commit)
  })

  test('is refused with any bit changed, and cut short anywhere', () => {
    const bytes = encodeCommit(commit)
    for (let i = 0; i < bytes.byteLength; i++)
      for (const flip of [1, 128, 255]) {
        const changed = b4a.from(bytes)
        changed[i] = (changed[i] ?? 0) ^ flip
        expect(() => decodeCommit(changed)).toThrow(/^S3_ARCHIVER_(DAMAGED|NEWER_FORMAT)/)
      }
    for (let end = 0; end < bytes.byteLength; end++)
      expect(() => decodeCommit(bytes.subarray(0, end))).toThrow('S3_ARCHIVER_DAMAGED')
  })

  test('has a name that puts the newest first', () => {
    const seqs = [0, 1, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER]
    expect(seqs.map(commitName).toSorted()).toEqual(seqs.map(commitName).toReversed())
    expect(seqs.map((seq) => commitSeq(commitName(seq)))).toEqual(seqs)
    expect(['l/0', 'l/zzzzzzzzzzzzzzzz', 'l/0000000000000000'].map(commitSeq)).toEqual([null, null, null])
  })
})

test('commits follow one another, and the newest is found by one list', async () => {
  const store = new FaultyStore(new MemoryStore())
  expect(await newestCommit(store)).toBeNull()
  const log = await CommitLog.claim(store, { writerId: ALICE })
  for (const text of ['a', 'b', 'c']) await log.append(content(text))
  expect(await history(store)).toEqual(['a', 'b', 'c'])
  store.calls = 0
  expect(await newestCommit(store)).toEqual(log.newest)
  expect(store.calls).toBe(2)
  store.calls = 0
  await log.append(content('d'))
  expect(store.calls).toBe(1)
})

test('an archiver goes on in its own archive, and takes over another’s only when it is told to', async () => {
  const store = new MemoryStore()
  const alice = await CommitLog.claim(store, { writerId: ALICE })
  await alice.append(content('a'))
  await expect(CommitLog.claim(store, { writerId: BOB })).rejects.toMatchObject({ code: 'S3_ARCHIVER_HELD' })
  const again = await CommitLog.claim(store, { writerId: ALICE })
  await again.append(content('b'))
  await expect(alice.append(content('lost'))).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
  const bob = await CommitLog.claim(store, { writerId: BOB, takeOver: true })
  await bob.append(content('c'))
  for (let i = 0; i < 2; i++) {
    await expect(again.append(content('lost'))).rejects.toMatchObject({
      code: i ? 'S3_ARCHIVER_BAD_ARGUMENT' : 'S3_ARCHIVER_FENCED'
    })
    await expect(again.settle()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
  }
  expect(bob.newest.commit.epoch).toBe(3)
  expect(await history(store)).toEqual(['a', 'b', 'c'])
})

describe('a put that', () => {
  const faulty = async (...fates: Fate[]): Promise<{ store: FaultyStore; log: CommitLog }> => {
    const store = new FaultyStore(new MemoryStore())
    const log = await CommitLog.claim(store, { writerId: ALICE })
    store.fates = fates
    return { store, log }
  }

  test('was done without an answer is known to be done', async () => {
    const { store, log } = await faulty('lost')
    await log.append(content('a'))
    await log.append(content('b'))
    expect(await history(store)).toEqual(['a', 'b'])
  })

  test('claims, and comes in only when it is claimed again, is not taken for another archiver’s', async () => {
    class LateStore extends FaultyStore {
      isArriving = false
      override async *list(prefix: string, options?: object): AsyncGenerator<ObjectInfo> {
        yield* super.list(prefix, options)
        if (this.isArriving) await this.arrive()
      }
    }
    const store = new LateStore(new MemoryStore())
    store.fates = Array.from({ length: 5 }, () => 'late' as const)
    await expect(CommitLog.claim(store, { writerId: ALICE })).rejects.toThrow('no answer')
    // Once the next claim has looked where the archive ends.
    store.isArriving = true
    const log = await CommitLog.claim(store, { writerId: ALICE })
    await log.append(content('a'))
    expect(await history(store)).toEqual(['a'])
    expect(log.newest.commit.epoch).toBe(2)
  })

  test('comes in after it was made again is not taken for another archiver’s', async () => {
    const { store, log } = await faulty('late', 'lost')
    await log.append(content('a'))
    await store.arrive()
    await log.append(content('b'))
    expect(await history(store)).toEqual(['a', 'b'])
  })

  test('was refused is not there, and can be made anew', async () => {
    const { store, log } = await faulty('refused')
    await expect(log.append(content('a'))).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_THROTTLED' })
    await log.append(content('b'))
    expect(await history(store)).toEqual(['b'])
  })

  test('stays open is settled before anything else', async () => {
    const { store, log } = await faulty('late', 'late', 'late', 'late', 'late')
    await expect(log.append(content('a'))).rejects.toMatchObject({
      code: 'S3_ARCHIVER_STORE_TIMEOUT',
      ambiguous: true
    })
    await expect(log.append(content('b'))).rejects.toMatchObject({ code: 'S3_ARCHIVER_BAD_ARGUMENT' })
    await store.arrive()
    const { commit } = await log.settle()
    expect(b4a.toString(commit.tail)).toBe('a')
    await log.append(content('b'))
    expect(await history(store)).toEqual(['a', 'b'])
  })
})

test('a commit that was left open for a day is not made any more: what it names may have been pruned', async () => {
  for (const hasArrived of [true, false]) {
    const store = new FaultyStore(new MemoryStore())
    const clock = fakeClock()
    const log = await CommitLog.claim(store, { writerId: ALICE, now: () => clock.now() })
    store.fates = Array.from({ length: 5 }, () => 'late')
    await expect(log.append(content('a'))).rejects.toMatchObject({ ambiguous: true })
    if (hasArrived) await store.arrive()
    clock.advance(13 * 60 * 60 * 1000)
    if (hasArrived) await log.settle()
    else await expect(log.settle()).rejects.toMatchObject({ retryable: true })
    await log.append(content('b'))
    expect(await history(store.inner)).toEqual(hasArrived ? ['a', 'b'] : ['b'])
  }
})

test('who left a commit open while it was followed by others, and tidied up, does not make it again', async () => {
  const inner = new MemoryStore()
  const store = new FaultyStore(inner)
  const alice = await CommitLog.claim(store, { writerId: ALICE })
  store.fates = Array.from({ length: 5 }, () => 'late')
  await expect(alice.append(content('a'))).rejects.toMatchObject({ ambiguous: true })
  await store.arrive()
  const bob = await CommitLog.claim(inner, { writerId: BOB, takeOver: true })
  for (const text of ['b', 'c']) await bob.append(content(text))
  await inner.delete(commitName(1))
  await expect(alice.settle()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
  await expect(alice.settle()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
  expect(await inner.head(commitName(1))).toBeNull()
  await bob.append(content('d'))
  expect((await newestCommit(store))?.commit.seq).toBe(5)
})

test('a commit that came to be is not taken for another archiver’s, whatever the store refuses then', async () => {
  const inner = new MemoryStore()
  const store = new FaultyStore(inner)
  const log = await CommitLog.claim(store, { writerId: ALICE })
  store.fates = ['lost', 'refused']
  await expect(log.append(content('a'))).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_THROTTLED' })
  store.fates = ['refused']
  await expect(log.settle()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_THROTTLED' })
  await log.settle()
  await log.append(content('b'))
  expect(await history(inner)).toEqual(['a', 'b'])
})

test('of two that claim or write in one moment exactly one goes on', async () => {
  const store = new MemoryStore()
  let [wins, losses] = [0, 0]
  for (let race = 0; race < 200; race++) {
    const claims = await Promise.allSettled(
      [ALICE, BOB].map((writerId) => CommitLog.claim(store, { writerId, takeOver: true }))
    )
    const logs = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []))
    const results = await Promise.allSettled(logs.map((log) => log.append(content(`${race}`))))
    wins += results.filter(({ status }) => status === 'fulfilled').length
    losses += 2 - results.filter(({ status }) => status === 'fulfilled').length
    for (const result of [...claims, ...results])
      if (result.status === 'rejected')
        expect((result.reason as { code: string }).code).toBe('S3_ARCHIVER_FENCED')
  }
  expect([wins, losses]).toEqual([200, 200])
  expect(await history(store)).toEqual(Array.from({ length: 200 }, (_, race) => `${race}`))
})

test('whatever is lost or late, what was told is there once, in its order, and nobody is fenced by itself', async () => {
  const fate = fc.constantFrom<Fate>('fine', 'fine', 'refused', 'lost', 'late')
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 40 }), async (fates) => {
      const inner = new MemoryStore()
      const store = new FaultyStore(inner)
      const log = await CommitLog.claim(store, { writerId: ALICE })
      store.fates = [...fates]
      const told: string[] = []
      const open: string[] = []
      for (let i = 0; i < 12; i++) {
        const settled = await log.settle().catch((error: unknown) => error)
        if (settled instanceof Error) continue
        const { commit } = settled as { commit: Commit }
        const last = b4a.toString(commit.tail)
        if (open.includes(last) && !told.includes(last)) told.push(last)
        const text = `${i}`
        const result = await log.append(content(text)).catch((error: unknown) => error)
        if (result instanceof Error) open.push(text)
        else told.push(text)
      }
      store.fates = []
      await store.arrive()
      const last = b4a.toString((await log.settle()).commit.tail)
      if (!told.includes(last) && last !== '') told.push(last)
      expect(await history(inner)).toEqual(told)
    }),
    { numRuns: 500 }
  )
})
