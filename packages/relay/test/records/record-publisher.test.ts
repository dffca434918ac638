import { testnet, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DeviceRecord, ReplicaSet } from '../../src/index.ts'
import { RecordFinder } from '../../src/records/record-finder.ts'
import { RecordPublisher } from '../../src/records/record-publisher.ts'

const [keyPair, owner] = [crypto.keyPair(), crypto.keyPair()]
const relays = [crypto.keyPair().publicKey, crypto.keyPair().publicKey]
const set = ReplicaSet.sign([{ key: relays[0] as Uint8Array, addresses: [] }], 1, owner).bytes
const address = { key: relays[0] as Uint8Array, addresses: ['tcp://127.0.0.1:1'] }
const reachable = ReplicaSet.sign([address], 1, owner).bytes
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
  /** What stands in the DHT; null for nothing, undefined where nobody answers. */
  before: { seq: number; value: Uint8Array } | null | undefined
}

function publish(): Published {
  const state = { told: [], inDht: [], places: [0], set, before: null } as unknown as Published
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
      mutableGet: async (publicKey) => {
        expect(publicKey).toEqual(keyPair.publicKey)
        if (state.before === undefined) throw new Error('no network')
        return state.before
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

test('changes that come together are one record, which each relay is told once', async () => {
  const state = publish()
  state.publisher.changed()
  state.places = [0, 1]
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  const seq = state.publisher.record?.seq ?? 0
  expect(state.told).toEqual([
    [0, seq],
    [1, seq]
  ])
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect([state.told.length, state.inDht]).toEqual([2, [seq]])
})

test('at half of its life a record is said anew, with a higher seq', async () => {
  const state = publish()
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000 + 3 * (LIFE_MS / 2))
  const seqs = state.told.map(([, seq]) => seq)
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
  expect([seqs.length, state.inDht]).toEqual([4, seqs])
  const { expiresAt = 0 } = state.publisher.record ?? {}
  expect(expiresAt - Date.now()).toBeGreaterThan(LIFE_MS / 2)
})

test('a relay that may have forgotten is told again, and a change of relays or of the set is a new record', async () => {
  const state = publish()
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  const first = state.publisher.record?.seq
  state.publisher.lost(relays[0] as Uint8Array)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(state.told).toEqual([
    [0, first],
    [0, first]
  ])
  state.places = [1]
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(state.publisher.record?.seq).toBeGreaterThan(first ?? 0)
  const second = state.publisher.record?.seq ?? 0
  state.set = null
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
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

test('a device that was nowhere when its record was to be renewed renews it when it is back', () => {
  const state = publish()
  state.set = null
  state.publisher.changed()
  vi.advanceTimersByTime(1_000 + LIFE_MS / 6)
  const first = state.publisher.record?.seq ?? 0
  state.places = []
  state.publisher.lost(relays[0] as Uint8Array)
  vi.advanceTimersByTime((2 * LIFE_MS) / 3)
  state.places = [0]
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  expect(state.told.map(([, seq]) => seq > first)).toEqual([false, true])
  // And again, in time.
  vi.advanceTimersByTime(5 * LIFE_MS)
  expect(state.publisher.record?.expiresAt).toBeGreaterThan(Date.now())
  state.publisher.close()
})

test('a clock that is set back makes a new record, and no other one until it is due', () => {
  const state = publish()
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  vi.setSystemTime(Date.now() - 24 * LIFE_MS)
  state.publisher.changed()
  vi.advanceTimersByTime(1_000)
  const { expiresAt = 0, seq } = state.publisher.record ?? {}
  expect([state.told.length, expiresAt - Date.now() <= LIFE_MS]).toEqual([2, true])
  state.publisher.changed()
  vi.advanceTimersByTime(LIFE_MS / 4)
  expect(state.publisher.record?.seq).toBe(seq)
})

test('a device whose clock was ahead once goes on above what it has left in the DHT', async () => {
  const state = publish()
  const seq = Date.now() + 1_000_000_000
  state.before = { seq, value: new Uint8Array(0) }
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(state.inDht).toEqual([seq + 1])
  // What relays have is the same record.
  expect(state.told.at(-1)).toEqual([0, seq + 1])
  await vi.advanceTimersByTimeAsync(LIFE_MS / 2)
  expect(state.inDht).toEqual([seq + 1, seq + 2])
})

test('where the DHT does not answer, it is told all the same, and asked again with the next record', async () => {
  const state = publish()
  state.before = undefined
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(state.inDht).toHaveLength(1)
  const seq = Date.now() + 1_000_000_000
  state.before = { seq, value: new Uint8Array(0) }
  await vi.advanceTimersByTimeAsync(LIFE_MS / 2)
  expect(state.inDht.at(-1)).toBe(seq + 1)
})

test('a seq after which there is none is not followed', async () => {
  const state = publish()
  state.before = { seq: Number.MAX_SAFE_INTEGER, value: new Uint8Array(0) }
  state.publisher.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(state.inDht).toEqual([state.publisher.record?.seq])
})

test('a device whose clock was ahead once is found in the DHT after it was set right', async () => {
  vi.useRealTimers()
  const network = await testnet()
  const device = crypto.keyPair()
  const dht = network.createNode()
  const leaveAt = async (now: number): Promise<void> => {
    const put = vi.spyOn(dht, 'mutablePut')
    const publisher = new RecordPublisher({
      keyPair: device,
      now: () => now,
      lifeMs: LIFE_MS,
      pauseMs: 0,
      places: () => [{ relay: relays[0] as Uint8Array, publish: () => {} }],
      set: () => reachable,
      dht
    })
    publisher.changed()
    await until(() => put.mock.results.length > 0)
    await put.mock.results[0]?.value
    put.mockRestore()
    publisher.close()
  }
  await leaveAt(Date.now() + 365 * 24 * LIFE_MS)
  // The program is started anew, and the clock is right.
  await leaveAt(Date.now())
  const finder = new RecordFinder({
    owners: [{ owner: owner.publicKey }],
    now: Date.now,
    askMs: 0,
    ask: () => ({ asked: 0, stop: () => {} }),
    dht: network.createNode(),
    onset: () => {}
  })
  const found = await finder.find(device.publicKey, new Promise(() => {}))
  expect(found.map(({ publicKey }) => publicKey)).toEqual([relays[0]])
})
