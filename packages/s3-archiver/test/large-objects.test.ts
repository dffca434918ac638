import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { describe, expect, test } from 'vitest'
import { tmpStore } from '@cloudpal/test-kit'
import { Uploads } from '../src/archive/uploads.ts'
import { Valve } from '../src/archive/valve.ts'
import { systemClock } from '../src/clock.ts'
import { restore, verify } from '../src/index.ts'
import { readObject } from '../src/read/objects.ts'
import { Stop } from '../src/stop.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, Meddling, outcome } from './meddling-store.ts'

const MIB: number = 1024 * 1024

describe('no store is asked for more than 64 MiB at once', () => {
  test('to restore and to verify', async () => {
    const { store, key } = await archived([crypto.randomBytes(100_000)])
    const meddling = new Meddling(store)
    await restore(meddling, { corestore: await tmpStore(), key })
    await verify(meddling, { keys: [key] })
    expect(meddling.gets).toBeGreaterThan(2)
    expect(meddling.largest).toBeLessThanOrEqual(64 * MIB)
  })

  test('for an object that is larger', async () => {
    const store = new MemoryStore()
    const bytes = b4a.concat([b4a.alloc(64 * MIB, 1), b4a.from('the end')])
    await store.putIfAbsent('x/large', bytes)
    await store.putIfAbsent('x/even', bytes.subarray(0, 64 * MIB))
    const meddling = new Meddling(store)
    expect(b4a.equals((await readObject(meddling, 'x/large', {})) as Uint8Array, bytes)).toBe(true)
    expect([meddling.gets, meddling.largest]).toEqual([2, 64 * MIB])
    expect(await readObject(meddling, 'x/even', {})).toHaveLength(64 * MIB)
    expect(await readObject(meddling, 'x/none', {})).toBeNull()
    expect(meddling.gets).toBe(4)
  })
})

test('nothing is uploaded that is larger than what is read', async () => {
  const store = new MemoryStore()
  const now = (): number => 0
  const uploads = new Uploads(store, new Valve(systemClock, Infinity), new Stop(), now)
  const tooLarge = new Uint8Array(256 * MIB + 1)
  expect(await outcome(uploads.add('index', tooLarge))).toBe('S3_ARCHIVER_BAD_ARGUMENT')
})
