import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeviceRecord, ReplicaSet } from '../../src/index.ts'
import { RecordShelf } from '../../src/records/record-shelf.ts'
import { keyPair, record, seedOf, uint } from '../replicas/records.ts'

const { hex } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/device-record-v1.json'), 'utf8')
) as { hex: string }

const device = keyPair(5)
const [owner, one, two] = [keyPair(0), keyPair(1).publicKey, keyPair(2).publicKey]
const set = ReplicaSet.sign([{ key: one, addresses: ['tcp://192.0.2.1:4000'] }], 9, owner).bytes
const relays = [one, two].sort((a, b) => Buffer.compare(a, b))
const fields = { seq: 300, expiresAt: 1_800_000_000_000, relays: [one, two], set }
const head = Buffer.concat([device.publicKey, uint(300, 8), uint(1_800_000_000, 8)])
const body = Buffer.concat([head, uint(2, 1), ...relays, uint(set.length, 2), set])

test('a device record has the bytes of PROTOCOL.md, and of the vector', () => {
  const { bytes } = DeviceRecord.sign(fields, device)
  expect(Buffer.from(bytes)).toEqual(record('device', body, seedOf(5)))
  expect(Buffer.from(bytes).toString('hex')).toBe(hex)
  const read = DeviceRecord.open(bytes, device.publicKey)
  expect(read).toMatchObject({ seq: 300, expiresAt: 1_800_000_000_000 })
  expect(read.relays.map((key) => Buffer.from(key))).toEqual(relays.map((key) => Buffer.from(key)))
  expect(ReplicaSet.open(read.set as Uint8Array, owner.publicKey).seq).toBe(9)
})

test('every bit of it counts, and so does every byte more or less', () => {
  const { bytes } = DeviceRecord.sign(fields, device)
  const open = (wrong: Uint8Array) => () => DeviceRecord.open(wrong, device.publicKey)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const wrong = Uint8Array.from(bytes)
    wrong[bit >> 3] = (wrong[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(open(wrong)).toThrow(/^RELAY_/)
  }
  for (let end = 0; end < bytes.length; end++) expect(open(bytes.subarray(0, end))).toThrow(/^RELAY_/)
  expect(open(Buffer.concat([bytes, uint(0, 1)]))).toThrow(/^RELAY_/)
})

test('any bytes at all are read, or refused with a code', () => {
  const start = fc.constantFrom<Uint8Array>(Buffer.from('D'), Buffer.from([0x44, 1]), Buffer.alloc(0))
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 1_200 }), (start, rest) => {
      expect(() => DeviceRecord.open(Buffer.concat([start, rest]), device.publicKey)).toThrow(/^RELAY_/)
    })
  )
})

test.each([
  ['of another device', Buffer.concat([keyPair(6).publicKey, body.subarray(32)]), 'BAD_SIGNATURE'],
  ['with a number that is too large', replaced(32, Buffer.alloc(8, 0xff)), 'MALFORMED'],
  ['with an expiry that no date has', replaced(40, uint(2 ** 52, 8)), 'MALFORMED'],
  ['with nine relays', Buffer.concat([head, uint(9, 1), Buffer.alloc(9 * 32), uint(0, 2)]), 'MALFORMED'],
  ['with fewer relays than it says', Buffer.concat([head, uint(8, 1), one, uint(0, 2)]), 'MALFORMED'],
  ['with a relay twice', Buffer.concat([head, uint(2, 1), one, one, uint(0, 2)]), 'MALFORMED'],
  [
    'with relays out of order',
    Buffer.concat([head, uint(2, 1), ...relays.toReversed(), uint(0, 2)]),
    'MALFORMED'
  ],
  ['with less of a set than it says', Buffer.concat([head, uint(0, 1), uint(2, 2), uint(1, 1)]), 'MALFORMED'],
  ['with more of a set than it says', Buffer.concat([head, uint(0, 1), uint(0, 2), uint(1, 1)]), 'MALFORMED'],
  ['without a length of a set', Buffer.concat([head, uint(0, 1)]), 'MALFORMED'],
  ['that is too long', Buffer.concat([head, uint(0, 1), uint(900, 2), Buffer.alloc(900)]), 'MALFORMED']
])('a device record %s is refused', (_, wrong, code) => {
  expect(() => DeviceRecord.open(record('device', wrong, seedOf(5)), device.publicKey)).toThrow(
    `RELAY_${code}`
  )
})

test('a device record of a later version says that it is newer', () => {
  const open = (): unknown => DeviceRecord.open(record('device', body, seedOf(5), 2), device.publicKey)
  expect(open).toThrow(/^RELAY_NEWER_FORMAT/)
})

test('whatever a record says comes out as it went in, to the second', () => {
  const said = fc.record({
    seq: fc.maxSafeNat(),
    expiresAt: fc.nat({ max: 4_102_444_800 }).map((seconds) => seconds * 1000),
    relays: fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), {
      maxLength: 8,
      selector: (key) => Buffer.from(key).toString('hex')
    }),
    set: fc.option(fc.uint8Array({ minLength: 1, maxLength: 580 }))
  })
  fc.assert(
    fc.property(said, (said) => {
      const read = DeviceRecord.open(DeviceRecord.sign(said, device).bytes, device.publicKey)
      const sorted = said.relays.map((key) => Buffer.from(key)).sort((a, b) => Buffer.compare(a, b))
      expect(read).toMatchObject({ seq: said.seq, expiresAt: said.expiresAt })
      expect(read.relays.map((key) => Buffer.from(key))).toEqual(sorted)
      expect(read.set === null ? null : [...read.set]).toEqual(said.set === null ? null : [...said.set])
    })
  )
})

test('wrong arguments are refused', () => {
  const bad = /^RELAY_BAD_ARGUMENT/
  const sign = (change: object) => () => DeviceRecord.sign({ ...fields, ...change }, device)
  expect(sign({ seq: -1 })).toThrow(bad)
  expect(sign({ expiresAt: 0.5 })).toThrow(bad)
  expect(sign({ relays: [new Uint8Array(31)] })).toThrow(bad)
  expect(sign({ relays: [one, one] })).toThrow(bad)
  expect(sign({ relays: Array.from({ length: 9 }, (_, i) => keyPair(i).publicKey) })).toThrow(bad)
  expect(sign({ set: new Uint8Array(900) })).toThrow(bad)
  expect(() => DeviceRecord.open(new Uint8Array(200), new Uint8Array(3))).toThrow(bad)
})

test('a shelf keeps the last record of a device until it expires, and no more than it should', () => {
  let now = 1_000
  const shelf = new RecordShelf({ now: () => now, steady: () => now, most: 2 })
  const made = (seq: number, expiresAt: number, of = device): Uint8Array =>
    DeviceRecord.sign({ seq, expiresAt, relays: [], set: null }, of).bytes
  expect(shelf.put(made(2, 10_000), device.publicKey)).toBe(true)
  expect(shelf.has(made(2, 10_000), device.publicKey)).toBe(true)
  expect(shelf.has(made(1, 10_000), device.publicKey)).toBe(false)
  expect(shelf.put(made(3, 1_000), device.publicKey)).toBe(false)
  expect(() => shelf.put(made(9, 10_000), one)).toThrow(/^RELAY_BAD_SIGNATURE/)
  expect(shelf.get(device.publicKey)?.seq).toBe(2)
  const [six, seven] = [keyPair(6), keyPair(7)]
  shelf.put(made(1, 30_000, six), six.publicKey)
  shelf.put(made(3, 10_000), device.publicKey)
  shelf.put(made(1, 30_000, seven), seven.publicKey)
  expect([shelf.get(six.publicKey), shelf.get(device.publicKey)?.seq]).toEqual([null, 3])
  now = 10_000
  expect([shelf.get(device.publicKey), shelf.size]).toEqual([null, 2])
  shelf.sweep()
  expect(shelf.size).toBe(1)
})

test('a shelf believes the last word of a device, whatever its clock has said before, and for two hours at most', () => {
  let now = 1_000
  const shelf = new RecordShelf({ now: () => now, steady: () => now, most: 2 })
  const made = (seq: number, expiresAt: number): Uint8Array =>
    DeviceRecord.sign({ seq, expiresAt, relays: [], set: null }, device).bytes
  shelf.put(made(1e12, 2e12), device.publicKey)
  shelf.put(made(1, 1e12), device.publicKey)
  expect(shelf.get(device.publicKey)?.seq).toBe(1)
  now += 2 * 3_600_000
  expect(shelf.get(device.publicKey)).toBe(null)
})

function replaced(at: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(body)
  copy.set(bytes, at)
  return copy
}
