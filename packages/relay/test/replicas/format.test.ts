import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heartbeat, HeartbeatSource, ReplicaSet } from '../../src/index.ts'
import { keyPair, record, seedOf, uint } from './records.ts'

interface Vectors {
  heartbeat: { hex: string }
  replicaSet: { hex: string }
}

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/replicas-v1.json'), 'utf8')
) as Vectors

const owner = keyPair(0)
const replica = keyPair(1)
const fields = { owner: owner.publicKey, epoch: 7, seq: 300, intervalMs: 500, load: 0.4321, draining: true }
const heartbeatBody = Buffer.concat([
  owner.publicKey,
  replica.publicKey,
  uint(7, 8),
  uint(300, 8),
  uint(500, 4),
  uint(4321, 2),
  uint(1, 1)
])
const members = [
  { key: keyPair(1).publicKey, addresses: ['wss://a.example/', 'tcp://192.0.2.1:4000'] },
  { key: keyPair(2).publicKey, addresses: [] }
]
const ordered = [...members].sort((a, b) => Buffer.compare(a.key, b.key))
const setBody = Buffer.concat([
  owner.publicKey,
  uint(9, 8),
  uint(2, 1),
  ...ordered.flatMap(({ key, addresses }) => [
    key,
    uint(addresses.length, 1),
    ...addresses.flatMap((address) => [uint(address.length, 1), Buffer.from(address)])
  ])
])

test('a heartbeat has the bytes of PROTOCOL.md, and of the vector', () => {
  const beat = Heartbeat.sign(fields, replica)
  expect(beat.bytes.length).toBe(153)
  expect(Buffer.from(beat.bytes)).toEqual(record('heartbeat', heartbeatBody, seedOf(1)))
  expect(Buffer.from(beat.bytes).toString('hex')).toBe(vectors.heartbeat.hex)
})

test('a replica set has the bytes of PROTOCOL.md, and of the vector', () => {
  const set = ReplicaSet.sign(members, 9, owner)
  expect(Buffer.from(set.bytes)).toEqual(record('replica-set', setBody, seedOf(0)))
  expect(Buffer.from(set.bytes).toString('hex')).toBe(vectors.replicaSet.hex)
  expect(ReplicaSet.open(set.bytes, owner.publicKey).replicas).toEqual(set.replicas)
})

test('every bit of a record counts', () => {
  const beat = Heartbeat.sign(fields, replica).bytes
  const set = ReplicaSet.sign(members, 9, owner).bytes
  for (let bit = 0; bit < beat.length * 8; bit++) {
    expect(() => Heartbeat.open(flipped(beat, bit))).toThrow(/^RELAY_/)
  }
  for (let bit = 0; bit < set.length * 8; bit++) {
    expect(() => ReplicaSet.open(flipped(set, bit), owner.publicKey)).toThrow(/^RELAY_/)
  }
})

test('what is cut, lengthened, or is any bytes at all, is refused with a code', () => {
  const beat = Heartbeat.sign(fields, replica).bytes
  const set = ReplicaSet.sign(members, 9, owner).bytes
  for (let length = 0; length < set.length; length++) {
    expect(() => Heartbeat.open(beat.subarray(0, length % beat.length))).toThrow(/^RELAY_/)
    expect(() => ReplicaSet.open(set.subarray(0, length), owner.publicKey)).toThrow(/^RELAY_/)
  }
  expect(() => Heartbeat.open(Buffer.concat([beat, uint(0, 1)]))).toThrow(/^RELAY_MALFORMED/)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(() => Heartbeat.open(bytes)).toThrow(/^RELAY_/)
      expect(() => ReplicaSet.open(bytes, owner.publicKey)).toThrow(/^RELAY_/)
    })
  )
})

/** Bodies that are well signed, and wrong. */
test.each([
  ['heartbeat', 'an epoch beyond 2^53', replaced(heartbeatBody, 64, Buffer.alloc(8, 0xff)), 'MALFORMED'],
  ['heartbeat', 'an interval of 99 ms', replaced(heartbeatBody, 80, uint(99, 4)), 'MALFORMED'],
  ['heartbeat', 'an interval above an hour', replaced(heartbeatBody, 80, uint(3_600_001, 4)), 'MALFORMED'],
  ['heartbeat', 'an unknown flag', replaced(heartbeatBody, 86, uint(2, 1)), 'MALFORMED'],
  [
    'heartbeat',
    'the signature of another',
    replaced(heartbeatBody, 32, keyPair(5).publicKey),
    'BAD_SIGNATURE'
  ],
  ['replica-set', 'a count of none', replaced(setBody, 40, uint(0, 1)), 'MALFORMED'],
  ['replica-set', 'a count too many', replaced(setBody, 40, uint(3, 1)), 'MALFORMED'],
  ['replica-set', 'a count too few', replaced(setBody, 40, uint(1, 1)), 'MALFORMED'],
  ['replica-set', 'one replica twice', twice(), 'MALFORMED'],
  ['replica-set', 'a space in an address', setWithAddress(Buffer.from(' ')), 'MALFORMED'],
  ['replica-set', 'a byte above ASCII in an address', setWithAddress(Buffer.from([0xe1])), 'MALFORMED'],
  ['replica-set', 'an empty address', setWithAddress(Buffer.alloc(0)), 'MALFORMED'],
  ['replica-set', 'another owner', replaced(setBody, 0, keyPair(5).publicKey), 'BAD_SIGNATURE']
] as const)('a %s with %s is refused', (kind, _, body, code) => {
  const signed = record(kind, body, seedOf(kind === 'heartbeat' ? 1 : 0))
  const open = (): unknown =>
    kind === 'heartbeat' ? Heartbeat.open(signed) : ReplicaSet.open(signed, owner.publicKey)
  expect(open).toThrow(`RELAY_${code}`)
})

test('a record of a later version says that it is newer, and one kind is not taken for another', () => {
  expect(() => Heartbeat.open(record('heartbeat', heartbeatBody, seedOf(1), 2))).toThrow(
    /^RELAY_NEWER_FORMAT/
  )
  const set = record('replica-set', setBody, seedOf(0), 2)
  expect(() => ReplicaSet.open(set, owner.publicKey)).toThrow(/^RELAY_NEWER_FORMAT/)
  expect(() => Heartbeat.open(ReplicaSet.sign(members, 9, owner).bytes)).toThrow(/^RELAY_MALFORMED/)
})

test('whatever a heartbeat says comes out as it went in, a load to four places', () => {
  const said = fc.record({
    epoch: fc.maxSafeNat(),
    seq: fc.maxSafeNat(),
    intervalMs: fc.integer({ min: 100, max: 3_600_000 }),
    load: fc.double({ min: 0, max: 6.5, noNaN: true }),
    draining: fc.boolean()
  })
  fc.assert(
    fc.property(said, (said) => {
      const beat = Heartbeat.open(Heartbeat.sign({ ...said, owner: owner.publicKey }, replica).bytes)
      expect(beat).toMatchObject({ ...said, load: expect.closeTo(said.load, 4) as number })
      expect(beat.owner).toEqual(owner.publicKey)
      expect(beat.replica).toEqual(replica.publicKey)
    })
  )
})

test('a load that is none is said as idle or as full, and never breaks the beat', () => {
  const source = new HeartbeatSource(owner.publicKey, replica, { epoch: 1 })
  const loads = [-1, Number.NaN, 70, Number.POSITIVE_INFINITY].map((load) => source.next({ load }).load)
  expect(loads).toEqual([0, 1, 6.5535, 6.5535])
})

test('wrong arguments are refused', () => {
  const bad = /^RELAY_BAD_ARGUMENT/
  expect(() => Heartbeat.sign({ ...fields, seq: 0.5 }, replica)).toThrow(bad)
  expect(() => Heartbeat.sign({ ...fields, intervalMs: 99 }, replica)).toThrow(bad)
  expect(() => new HeartbeatSource(new Uint8Array(31), replica)).toThrow(bad)
  expect(() => new HeartbeatSource(owner.publicKey, { ...replica, publicKey: owner.publicKey })).toThrow(bad)
  expect(() => ReplicaSet.sign([], 1, owner)).toThrow(bad)
  expect(() => ReplicaSet.sign([...members, ...members], 1, owner)).toThrow(bad)
  expect(() => ReplicaSet.sign([{ key: replica.publicKey, addresses: ['ä'] }], 1, owner)).toThrow(bad)
  expect(() => ReplicaSet.open(new Uint8Array(200), new Uint8Array(3))).toThrow(bad)
})

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}

function replaced(body: Buffer, at: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(body)
  copy.set(bytes, at)
  return copy
}

function twice(): Buffer {
  const one = Buffer.concat([keyPair(1).publicKey, uint(0, 1)])
  return Buffer.concat([owner.publicKey, uint(1, 8), uint(2, 1), one, one])
}

function setWithAddress(address: Buffer): Buffer {
  const one = Buffer.concat([keyPair(1).publicKey, uint(1, 1), uint(address.length, 1), address])
  return Buffer.concat([owner.publicKey, uint(1, 8), uint(1, 1), one])
}
