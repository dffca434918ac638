import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { DeviceRecord } from '../../src/index.ts'
import { RecordShelf } from '../../src/records/record-shelf.ts'

test('a record of a device whose clock was once far ahead does not hide the later ones', () => {
  const device = crypto.keyPair()
  const now = Date.now()
  const year = 365 * 86_400_000
  const shelf = new RecordShelf({ now: () => now, steady: () => now, most: 10 })
  const said = (seq: number): Uint8Array =>
    DeviceRecord.sign({ seq, expiresAt: seq + 3_600_000, relays: [], set: null }, device).bytes
  shelf.hear(said(now + year), device.publicKey)
  // Its clock is right again, and it was started anew.
  shelf.hear(said(now), device.publicKey)
  expect(shelf.get(device.publicKey)?.seq).toBe(now)
  // And an older one that somebody has kept does not come back.
  expect([shelf.hear(said(now - 1), device.publicKey), shelf.hear(said(now), device.publicKey)]).toEqual([
    false,
    false
  ])
  expect(shelf.get(device.publicKey)?.seq).toBe(now)
})

test('what a device left before the clock of its relay was set right is still there, and for two hours in all', () => {
  const device = crypto.keyPair()
  const today = Date.now()
  let [clock, steady] = [0, 0]
  const shelf = new RecordShelf({ now: () => clock, steady: () => steady, most: 10 })
  const said = {
    seq: today,
    expiresAt: today + 10 * 3_600_000,
    relays: [crypto.keyPair().publicKey],
    set: null
  }
  const { bytes } = DeviceRecord.sign(said, device)
  // A machine without a clock of its own begins in 1970, until it has asked for the time.
  shelf.put(bytes, device.publicKey)
  clock = today + 1_000
  shelf.sweep()
  expect(shelf.get(device.publicKey)?.bytes).toEqual(bytes)
  steady += 2 * 3_600_000
  expect(shelf.get(device.publicKey)).toBe(null)
  shelf.sweep()
  expect(shelf.size).toBe(0)
})

test('a record that has expired is not taken from its own device either', () => {
  const device = crypto.keyPair()
  const now = Date.now()
  const shelf = new RecordShelf({ now: () => now, steady: () => now, most: 10 })
  const { bytes } = DeviceRecord.sign({ seq: 1, expiresAt: now - 1_000, relays: [], set: null }, device)
  expect([shelf.put(bytes, device.publicKey), shelf.size]).toEqual([false, 0])
})

test('a record that has expired changes nothing, whoever says it', () => {
  const device = crypto.keyPair()
  const now = Date.now()
  const shelf = new RecordShelf({ now: () => now, steady: () => now, most: 10 })
  const said = (seq: number, expiresAt: number): Uint8Array =>
    DeviceRecord.sign({ seq, expiresAt, relays: [], set: null }, device).bytes
  // A record counts whole seconds.
  const second = Math.floor(now / 1_000) * 1_000
  expect(shelf.put(said(1, second + 60_000), device.publicKey)).toBe(true)
  const late = said(2, second)
  expect([shelf.put(late, device.publicKey), shelf.hear(late, device.publicKey)]).toEqual([false, false])
  expect(shelf.get(device.publicKey)?.seq).toBe(1)
})

test('a shelf that is full forgets the oldest, and whoever repeats itself is no newcomer', () => {
  const devices = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()] as const
  const now = Date.now()
  const shelf = new RecordShelf({ now: () => now, steady: () => now, most: 2 })
  const leave = (device: (typeof devices)[number], seq: number): void => {
    const fields = { seq, expiresAt: now + 3_600_000, relays: [], set: null }
    shelf.put(DeviceRecord.sign(fields, device).bytes, device.publicKey)
  }
  const [first, second, third] = devices
  leave(first, 1)
  leave(second, 1)
  leave(first, 2)
  leave(third, 1)
  expect(shelf.size).toBe(2)
  expect(devices.map(({ publicKey }) => shelf.get(publicKey)?.seq)).toEqual([2, undefined, 1])
})
