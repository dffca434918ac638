import b4a from 'b4a'
import c from 'compact-encoding'
import { RelayError } from '../errors.ts'
import { checkKey, checkWhole } from '../arguments.ts'
import { KEY_BYTES } from '../keys.ts'
import { bodyOf, checkSignature, decodeCount, malformed, sealRecord } from '../replicas/signed-record.ts'
import type { KeyPair } from '../types.ts'

/** What a device says of where it can be reached. */
export interface DeviceRecordFields {
  /** Of two records of a device the one with the higher seq counts. A whole number. */
  readonly seq: number
  /** Milliseconds since 1970; written in whole seconds. */
  readonly expiresAt: number
  /** Public keys of the relays where it is registered, 32 bytes each; at most 8. */
  readonly relays: readonly Uint8Array[]
  /** Bytes of the replica set that has their addresses; `null` where there is none, or it is too long. */
  readonly set: Uint8Array | null
}

/** A record holds for an hour: one that expires later than this was signed by a clock that was ahead, and would hide all that are signed once it is right. */
export const MOST_LIFE_MS: number = 2 * 3_600_000
/** As long as a record may be: it fits into a control message, and into a mutable record of the DHT, which has 1,000 bytes. */
const MAX_RECORD_BYTES = 960
const MAX_RELAYS = 8
/** Kind, version, device, seq, expiry, count; length of the set; signature. */
const FIXED_BYTES = 2 + 32 + 8 + 8 + 1 + 2 + 64

/**
 * A device's word on where it can be reached: keys of relays, never an address. Addresses stand in the replica set that comes with it, which the relays' owner
 * has signed. There is none whose signature was not made or checked here; whether the set is one to be trusted is another question.
 */
export class DeviceRecord {
  /** 32 bytes: who signed it. */
  readonly device: Uint8Array
  readonly seq: number
  readonly expiresAt: number
  /** In the order of their bytes. */
  readonly relays: readonly Uint8Array[]
  /** Unchecked. */
  readonly set: Uint8Array | null
  /** What is published. */
  readonly bytes: Uint8Array

  private constructor(device: Uint8Array, fields: DeviceRecordFields, bytes: Uint8Array) {
    this.device = device
    this.seq = fields.seq
    this.expiresAt = fields.expiresAt
    this.relays = fields.relays
    this.set = fields.set
    this.bytes = bytes
  }

  /** Whether a set of so many bytes fits beside so many relays. */
  static hasRoom(relays: number, setBytes: number): boolean {
    return FIXED_BYTES + relays * KEY_BYTES + setBytes <= MAX_RECORD_BYTES
  }

  /**
   * Makes one.
   *
   * @param device - Ed25519, 32 and 64 bytes
   * @throws RelayError `RELAY_BAD_ARGUMENT` also when a relay is there twice, or the whole is too long
   */
  static sign({ seq, expiresAt, relays, set }: DeviceRecordFields, device: KeyPair): DeviceRecord {
    checkWhole(seq, 'a seq')
    checkWhole(expiresAt, 'an expiry')
    for (const key of relays) checkKey(key, 'a relay')
    const ordered = relays.map((key) => b4a.from(key)).sort((a, b) => b4a.compare(a, b))
    const twice = ordered.some((key, i) => i > 0 && b4a.equals(key, ordered[i - 1] as Uint8Array))
    const setBytes = set?.length ?? 0
    if (twice || ordered.length > MAX_RELAYS || !DeviceRecord.hasRoom(ordered.length, setBytes)) {
      const help = `a device record has up to ${MAX_RELAYS} relays, each once, and up to ${MAX_RECORD_BYTES} bytes`
      throw new RelayError('RELAY_BAD_ARGUMENT', help)
    }
    const seconds = Math.floor(expiresAt / 1000)
    const body = b4a.concat([
      device.publicKey,
      c.encode(c.uint64, seq),
      c.encode(c.uint64, seconds),
      Uint8Array.of(ordered.length),
      ...ordered,
      c.encode(c.uint16, setBytes),
      set ?? new Uint8Array(0)
    ])
    const said = { seq, expiresAt: seconds * 1000, relays: ordered, set: set === null ? null : b4a.from(set) }
    return new DeviceRecord(b4a.from(device.publicKey), said, sealRecord('device', body, device))
  }

  /**
   * Reads one. Costs a signature check, some 0.1 ms. That it has not expired is for the reader to see, by its own clock.
   *
   * @param device - whose it must be
   * @throws RelayError `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`, `RELAY_BAD_SIGNATURE` also when it is of another device
   */
  static open(bytes: Uint8Array, device: Uint8Array): DeviceRecord {
    checkKey(device, 'the device')
    const copy = b4a.from(bodyOf('device', bytes, MAX_RECORD_BYTES))
    if (copy.length < FIXED_BYTES - 66) throw malformed('device', 'its length')
    if (!b4a.equals(copy.subarray(0, KEY_BYTES), device))
      throw new RelayError('RELAY_BAD_SIGNATURE', 'a device record is of another device')
    const fields = decodeBody(copy)
    checkSignature('device', bytes, device)
    return new DeviceRecord(b4a.from(device), fields, b4a.from(bytes))
  }
}

function decodeBody(body: Uint8Array): DeviceRecordFields {
  const state = { start: KEY_BYTES, end: body.length, buffer: b4a.from(body) }
  const seq = decodeCount('device', state)
  const seconds = decodeCount('device', state)
  if (seconds * 1000 > Number.MAX_SAFE_INTEGER) throw malformed('device', 'its expiry')
  const count = c.uint8.decode(state)
  if (count > MAX_RELAYS || state.end - state.start < count * KEY_BYTES + 2)
    throw malformed('device', 'how many relays there are')
  const relays: Uint8Array[] = []
  for (let left = count; left > 0; left--) {
    const key = c.fixed32.decode(state)
    const before = relays.at(-1)
    if (before && b4a.compare(before, key) >= 0) throw malformed('device', 'the order of its relays')
    relays.push(b4a.from(key))
  }
  const length = c.uint16.decode(state)
  if (state.end - state.start !== length) throw malformed('device', 'the length of its set')
  const set = length === 0 ? null : b4a.from(state.buffer.subarray(state.start))
  return { seq, expiresAt: seconds * 1000, relays, set }
}
