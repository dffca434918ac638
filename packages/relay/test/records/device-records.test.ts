import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DeviceRecords } from '../../src/client/device-records.ts'
import { TIMES } from '../../src/client/options.ts'
import type { Registration } from '../../src/client/registration.ts'
import { DeviceRecord, ReplicaSet } from '../../src/index.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const [own, owner, bob] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
const [one, other, friend] = [
  crypto.keyPair().publicKey,
  crypto.keyPair().publicKey,
  crypto.keyPair().publicKey
]
const NOTHING = new Uint8Array(0)

/** The records of a device that is registered at two relays, a search for Bob that has just asked both, and where it has looked. */
async function searching(
  searches = 1
): Promise<{ records: DeviceRecords; tried: Uint8Array[]; lookups: () => number }> {
  let lookups = 0
  const registrations = [one, other].map((publicKey) => ({
    registered: true,
    address: { publicKey },
    lookup: () => void lookups++
  }))
  const records = new DeviceRecords({
    keyPair: own,
    times: { ...TIMES, staggerMs: 1_000 },
    dht: null,
    publishing: 'nowhere',
    owners: [{ owner: owner.publicKey }],
    registrations: () => registrations as unknown as Registration[],
    set: () => null,
    onset: () => {}
  })
  const tried: Uint8Array[] = []
  for (let i = 0; i < searches; i++) {
    const { result } = records.way(bob.publicKey, [], ({ publicKey }) => {
      tried.push(publicKey)
      return { result: Promise.resolve('reached'), abort: () => {} }
    })
    result.catch(() => {})
  }
  await vi.advanceTimersByTimeAsync(0)
  return { records, tried, lookups: () => lookups }
}

function recordOfBob(): Uint8Array {
  const set = ReplicaSet.sign([{ key: friend, addresses: ['tcp://192.0.2.1:4989'] }], 1, owner)
  const expiresAt = Date.now() + 3_600_000
  return DeviceRecord.sign({ seq: 1, expiresAt, relays: [friend], set: set.bytes }, bob).bytes
}

test('a relay that answers a question twice does not keep another one from answering it', async () => {
  const { records, tried, lookups } = await searching()
  expect(lookups()).toBe(2)
  records.onfound(one, bob.publicKey, NOTHING)
  records.onfound(one, bob.publicKey, NOTHING)
  await vi.advanceTimersByTimeAsync(1)
  records.onfound(other, bob.publicKey, recordOfBob())
  await vi.advanceTimersByTimeAsync(1)
  expect(tried).toEqual([friend])
})

test('two who look for one device at once are both told what each of the relays says', async () => {
  const { records, tried, lookups } = await searching(2)
  expect(lookups()).toBe(4)
  // One relay is fast, and was asked twice.
  records.onfound(one, bob.publicKey, NOTHING)
  records.onfound(one, bob.publicKey, NOTHING)
  await vi.advanceTimersByTimeAsync(1)
  records.onfound(other, bob.publicKey, recordOfBob())
  await vi.advanceTimersByTimeAsync(1)
  expect(tried).toEqual([friend, friend])
})
