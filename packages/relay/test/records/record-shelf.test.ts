import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { DeviceRecord } from '../../src/index.ts'
import { RecordShelf } from '../../src/records/record-shelf.ts'

test('a record of a device whose clock was once far ahead does not hide the later ones', () => {
  const device = crypto.keyPair()
  const now = Date.now()
  const year = 365 * 86_400_000
  const shelf = new RecordShelf({ now: () => now, most: 10 })
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
