import { describe, expect, test } from 'vitest'
import { collect, tmpStore, until } from '@cloudpal/test-kit'
import { Stop } from '../src/stop.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered } from './archived.ts'
import {
  archived,
  archiverOf,
  Held,
  Meddling,
  onlyCommits,
  open,
  outcome,
  unavailable
} from './meddling-store.ts'

describe('no wait is without an end', () => {
  test.each([false, true])('for a fork, when the store fails meanwhile: %s', async (fails) => {
    const { core, store, archiver, key } = await archived(numbered(0, 3000, 500))
    const meddling = new Meddling(store)
    const archive = await open(meddling, { key })
    await archive.core.get(5)
    await core.truncate(1501)
    await core.append(numbered(0, 800, 501))
    await archiver.flush()
    if (fails) meddling.change = onlyCommits
    const result = await outcome(archive.update())
    meddling.change = (_, bytes) => bytes
    expect(result).toBe(fails ? 'S3_ARCHIVER_STORE_UNAVAILABLE' : true)
    if (fails) expect(await outcome(archive.update())).toBe(true)
    expect(await archive.core.get(2000)).toEqual(await core.get(2000))
  })

  test.each([false, true])('for a longer head, when the store fails meanwhile: %s', async (fails) => {
    const { core, store, archiver, key } = await archived(numbered(0, 1001, 500))
    const corestore = await tmpStore()
    await (await open(store, { key, corestore })).close()
    await core.append(numbered(0, 5000, 501))
    const other = new MemoryStore()
    await archiver.flush()
    const second = archiverOf(other, core)
    await second.flush()
    for (let i = 0; i < 3; i++) {
      await core.append(numbered(0, 1))
      await second.flush()
    }
    const meddling = new Meddling(other)
    if (fails) meddling.change = onlyCommits
    const opening = open(meddling, { key, corestore }).then(() => 'open')
    expect(await outcome(opening)).toBe(fails ? 'S3_ARCHIVER_STORE_UNAVAILABLE' : 'open')
  })

  test('for a fork, when it is aborted meanwhile', async () => {
    const { core, store, archiver, key } = await archived(numbered(0, 3000, 500))
    const meddling = new Meddling(store)
    const stop = new Stop()
    const archive = await open(meddling, { key, signal: stop })
    await core.truncate(1501)
    await core.append(numbered(0, 800, 501))
    await archiver.flush()
    meddling.change = (name, bytes) => {
      if (!name.startsWith('l/')) stop.abort()
      return stop.aborted ? unavailable() : bytes
    }
    expect(await outcome(archive.update())).toBe('S3_ARCHIVER_ABORTED')
  })

  test('for a block that is asked for as soon as it is open', async () => {
    const { store, key } = await archived(numbered(0, 20))
    const corestore = await tmpStore()
    await (await open(store, { key, corestore })).close()
    const again = await open(store, { key, corestore })
    expect(await outcome(again.core.get(3))).toEqual(numbered(3, 4)[0])
  })

  test('for a block after a fork that was found by the way', async () => {
    const { core, store, archiver, key } = await archived(numbered(0, 300, 4000))
    const archive = await open(store, { key })
    const shards = await collect(store.list('s/'))
    await core.truncate(0)
    await core.append(numbered(0, 300, 4001))
    await archiver.flush()
    for (const { name } of shards) await store.delete(name)
    expect(await outcome(archive.core.get(5))).toBe('S3_ARCHIVER_DAMAGED')
    await until(() => archive.core.fork === 1)
    expect(await archive.core.get(5)).toEqual(await core.get(5))
  })

  test('for a block, where the Corestore is at a later fork than the archive', async () => {
    const { core, store, key } = await archived(numbered(0, 20))
    await core.truncate(10)
    await core.append(numbered(0, 5, 21))
    const corestore = await tmpStore()
    const local = corestore.get({ key })
    await local.ready()
    const streams = [core.replicate(true), local.replicate(false)] as const
    streams[0].pipe(streams[1]).pipe(streams[0])
    await until(() => local.fork === 1)
    for (const stream of streams) stream.destroy()
    await local.close()
    expect(await outcome(open(store, { key, corestore }))).toBe('S3_ARCHIVER_ROLLBACK')
  })

  test('for a block that comes later, once the signal has ended it all', async () => {
    const { store, key } = await archived(numbered(0, 20))
    const stop = new Stop()
    const archive = await open(store, { key, signal: stop })
    const later = archive.core.get(25)
    await archive.update()
    stop.abort()
    expect(await outcome(later)).toBe('S3_ARCHIVER_ABORTED')
  })
})

describe('an end', () => {
  test('of a download behind the last block is an error', async () => {
    const { store, key } = await archived(numbered(0, 20))
    const archive = await open(store, { key })
    expect(await outcome(archive.download({ start: 10, end: 30 }))).toBe('S3_ARCHIVER_MISSING_BLOCKS')
  })

  test('by close, while a fork is followed, is no damage', async () => {
    const { core, store, archiver, key } = await archived(numbered(0, 3000, 500))
    const held = new Held(store)
    const archive = await open(held, { key })
    await core.truncate(1501)
    await core.append(numbered(0, 800, 501))
    await archiver.flush()
    held.isHeld = true
    const updating = outcome(archive.update())
    await until(() => held.waiting.length > 0)
    await archive.close()
    held.letGo()
    expect(await updating).toBe('S3_ARCHIVER_CLOSED')
  })

  test('by close ends a wait for a block that comes later', async () => {
    const { store, key } = await archived(numbered(0, 20))
    const archive = await open(store, { key })
    const later = outcome(archive.core.get(25))
    await archive.update()
    await archive.close()
    expect(await later).not.toBeNull()
    expect(await outcome(archive.update())).toBe('S3_ARCHIVER_CLOSED')
  })

  test('by close leaves no error behind when the store answers late', async () => {
    const { store, key } = await archived(numbered(0, 300, 4000))
    const held = new Held(store)
    const archive = await open(held, { key })
    held.isHeld = true
    held.change = unavailable
    const reading = outcome(archive.core.get(7))
    await until(() => held.waiting.length > 0)
    await archive.close()
    held.letGo()
    expect(await reading).not.toBeInstanceOf(Uint8Array)
  })

  test('of what keeps the store away: a fork is followed again once it is back', async () => {
    const { core, store, archiver, key } = await archived(numbered(0, 3000, 500))
    const meddling = new Meddling(store)
    const errors: string[] = []
    const archive = await open(meddling, { key, pollMs: 20, onerror: ({ code }) => errors.push(code) })
    await archive.core.get(5)
    meddling.change = onlyCommits
    await core.truncate(1501)
    await core.append(numbered(0, 800, 501))
    await archiver.flush()
    await until(() => errors.length > 1)
    meddling.change = (_, bytes) => bytes
    await until(() => archive.core.fork === 1)
    expect(new Set(errors)).toEqual(new Set(['S3_ARCHIVER_STORE_UNAVAILABLE']))
  })
})
