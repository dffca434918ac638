import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DeviceRecord, ReplicaSet } from '../../src/index.ts'
import { RecordPublisher } from '../../src/records/record-publisher.ts'

const [keyPair, owner] = [crypto.keyPair(), crypto.keyPair()]
const relays = [crypto.keyPair().publicKey, crypto.keyPair().publicKey]
const set = ReplicaSet.sign([{ key: relays[0] as Uint8Array, addresses: [] }], 1, owner).bytes
const LIFE_MS = 3_600_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface Published {
  readonly publisher: RecordPublisher
  /** Which relay was told which seq. */
  readonly told: [relay: number, seq: number][]
  readonly inDht: number[]
  places: number[]
  set: Uint8Array | null
}

function publish(): Published {
  const state = { told: [], inDht: [], places: [0], set } as unknown as Published
  const publisher = new RecordPublisher({
    keyPair,
    now: Date.now,
    lifeMs: LIFE_MS,
    pauseMs: 1_000,
    places: () =>
      state.places.map((i) => ({
        relay: relays[i] as Uint8Array,
        publish: (record) => state.told.push([i, DeviceRecord.open(record, keyPair.publicKey).seq])
      })),
    set: () => state.set,
    dht: {
      connect: () => {
        throw new Error('unused')
      },
      createServer: () => {
        throw new Error('unused')
      },
      mutablePut: async (_, value, { seq }) => {
        expect(DeviceRecord.open(value, keyPair.publicKey).seq).toBe(seq)
        state.inDht.push(seq)
        throw new Error('no network')
      }
    }
  })
  return Object.assign(state, { publisher })
}

test('changes that come together are one record, which each relay is told once', () => {
  const state = publish()
  state.publisher.changed()
  state.places = [0, 1]
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  const seq = state.publisher.record?.seq ?? 0
  expect(state.told).toEqual([
    [0, seq],
    [1, seq]
  ])
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  expect([state.told.length, state.inDht]).toEqual([2, [seq]])
})

test('at half of its life a record is said anew, with a higher seq', () => {
  const state = publish()
  state.publisher.changed()
  vi.advanceTimersByTime(1_000 + 3 * (LIFE_MS / 2))
  const seqs = state.told.map(([, seq]) => seq)
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
  expect([seqs.length, state.inDht]).toEqual([4, seqs])
  const { expiresAt = 0 } = state.publisher.record ?? {}
  expect(expiresAt - Date.now()).toBeGreaterThan(LIFE_MS / 2)
})

test('a relay that may have forgotten is told again, and a change of relays or of the set is a new record', () => {
  const state = publish()
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  const first = state.publisher.record?.seq
  state.publisher.lost(relays[0] as Uint8Array)
  vi.advanceTimersByTime(1_000)
  expect(state.told).toEqual([
    [0, first],
    [0, first]
  ])
  state.places = [1]
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  expect(state.publisher.record?.seq).toBeGreaterThan(first ?? 0)
  const second = state.publisher.record?.seq ?? 0
  state.set = null
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  expect(state.publisher.record?.seq).toBeGreaterThan(second)
  // Without a set the keys help nobody in the DHT.
  expect(state.inDht.length).toBe(2)
})

test('who is nowhere says nothing, and nothing is said after the end', () => {
  const state = publish()
  state.places = []
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  state.places = [0]
  state.publisher.changed()
  state.publisher.close()
  vi.advanceTimersByTime(LIFE_MS)
  state.publisher.changed()
  vi.advanceTimersByTime(LIFE_MS)
  expect([state.told, vi.getTimerCount()]).toEqual([[], 0])
})

test('a set that is too long for a record is left out', () => {
  const state = publish()
  state.set = new Uint8Array(900)
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  expect(state.publisher.record).toMatchObject({ set: null })
})
