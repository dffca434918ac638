import b4a from 'b4a'
import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'
import { checkKey, checkWhole } from '../arguments.ts'
import { KEY_BYTES } from '../keys.ts'
import { monotonic } from '../monotonic.ts'
import { epochClock } from './epoch-clock.ts'
import { bodyOf, checkSignature, decodeCount, malformed, sealRecord } from './signed-record.ts'

/** What a replica says of itself in one beat. */
export interface HeartbeatFields {
  /** 32 bytes: the owner of the replica set. */
  readonly owner: Uint8Array
  /** Which life of the replica: higher after every start. A whole number. */
  readonly epoch: number
  /** Which beat of that life. A whole number. */
  readonly seq: number
  /** Milliseconds to the next beat, 100 to 3,600,000. There is no date: every clock may be wrong. */
  readonly intervalMs: number
  /** What is in use of what it can bear: 0 is idle, 1 is full. Written in ten-thousandths, up to 6.5535. */
  readonly load: number
  /** It is about to stop, and asks everyone to move. */
  readonly draining: boolean
}

/** So many beats a replica may miss; with the third one it is dead. */
export const BEATS_TO_MISS = 3
/** A beat is so long, always. */
const HEARTBEAT_BYTES = 153
const MIN_INTERVAL_MS = 100
const MAX_INTERVAL_MS = 3_600_000
const LOAD_UNIT = 10_000
const MAX_LOAD = 0xffff

/** A replica's word on how it is, in PROTOCOL.md's bytes. There is none whose signature was not made or checked here. */
export class Heartbeat {
  readonly owner: Uint8Array
  /** 32 bytes: the replica, which signed it. */
  readonly replica: Uint8Array
  readonly epoch: number
  readonly seq: number
  readonly intervalMs: number
  readonly load: number
  readonly draining: boolean
  /** What goes over the wire. */
  readonly bytes: Uint8Array

  private constructor(replica: Uint8Array, fields: HeartbeatFields, bytes: Uint8Array) {
    this.replica = replica
    this.owner = fields.owner
    this.epoch = fields.epoch
    this.seq = fields.seq
    this.intervalMs = fields.intervalMs
    this.load = fields.load
    this.draining = fields.draining
    this.bytes = bytes
  }

  /**
   * Makes one. A load above 6.5535 is said as that; one that is no number as full: who cannot tell how it is should not be chosen for that.
   *
   * @param replica - the key pair of the replica: Ed25519, 32 and 64 bytes
   * @throws RelayError `RELAY_BAD_ARGUMENT`
   */
  static sign(fields: HeartbeatFields, replica: KeyPair): Heartbeat {
    checkKey(fields.owner, 'the owner')
    checkWhole(fields.epoch, 'an epoch')
    checkWhole(fields.seq, 'a seq')
    checkWhole(fields.intervalMs, 'an interval', MIN_INTERVAL_MS, MAX_INTERVAL_MS)
    const load = Number.isNaN(fields.load) ? 1 : fields.load
    const units = Math.min(MAX_LOAD, Math.max(0, Math.round(load * LOAD_UNIT)))
    const body = b4a.concat([
      fields.owner,
      replica.publicKey,
      c.encode(c.uint64, fields.epoch),
      c.encode(c.uint64, fields.seq),
      c.encode(c.uint32, fields.intervalMs),
      c.encode(c.uint16, units),
      Uint8Array.of(fields.draining ? 1 : 0)
    ])
    const said = { ...fields, owner: b4a.from(fields.owner), load: units / LOAD_UNIT }
    return new Heartbeat(b4a.from(replica.publicKey), said, sealRecord('heartbeat', body, replica))
  }

  /**
   * Reads one. Costs a signature check, some 0.1 ms. Whether the replica is in the owner's set is for {@link ReplicaView} to say.
   *
   * @throws RelayError `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`, `RELAY_BAD_SIGNATURE`
   */
  static open(bytes: Uint8Array): Heartbeat {
    const body = bodyOf('heartbeat', bytes, Number.MAX_SAFE_INTEGER)
    if (bytes.length !== HEARTBEAT_BYTES) throw malformed('heartbeat', 'its length')
    const copy = b4a.from(bytes)
    const state = { start: 0, end: body.length, buffer: b4a.from(body) }
    const owner = c.fixed32.decode(state)
    const replica = c.fixed32.decode(state)
    const epoch = decodeCount('heartbeat', state)
    const seq = decodeCount('heartbeat', state)
    const intervalMs = c.uint32.decode(state)
    const load = c.uint16.decode(state) / LOAD_UNIT
    const flags = c.uint8.decode(state)
    if (intervalMs < MIN_INTERVAL_MS || intervalMs > MAX_INTERVAL_MS) {
      throw malformed('heartbeat', 'its interval')
    }
    if (flags > 1) throw malformed('heartbeat', 'its flags')
    checkSignature('heartbeat', copy, replica)
    return new Heartbeat(replica, { owner, epoch, seq, intervalMs, load, draining: flags === 1 }, copy)
  }

  /**
   * Whose it would be, and which beat, before the signature is checked.
   *
   * @throws RelayError `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`
   */
  static peek(bytes: Uint8Array): LastBeat {
    const body = bodyOf('heartbeat', bytes, Number.MAX_SAFE_INTEGER)
    if (bytes.length !== HEARTBEAT_BYTES) throw malformed('heartbeat', 'its length')
    const state = { start: KEY_BYTES, end: body.length, buffer: b4a.from(body) }
    const replica = c.fixed32.decode(state)
    return { replica, epoch: decodeCount('heartbeat', state), seq: decodeCount('heartbeat', state) }
  }
}

/** Which beat of which life. */
export interface Moment {
  readonly epoch: number
  readonly seq: number
}

/** Which beat of a replica was the last one that somebody has heard. */
export interface LastBeat extends Moment {
  /** 32 bytes. */
  readonly replica: Uint8Array
}

/** Whether one beat was said after another one of the same replica. */
export function isAfter(beat: Moment, before: Moment): boolean {
  return beat.epoch > before.epoch || (beat.epoch === before.epoch && beat.seq > before.seq)
}

/** What a {@link HeartbeatSource} is made with. */
export interface HeartbeatSourceOptions {
  /**
   * Must be higher than that of every earlier life of this replica.
   *
   * @defaultValue milliseconds since 1970, and anew where the clock turns out to have been behind; a replica whose clock may go back keeps a counter on disk
   */
  epoch?: number
  /** Where there is no `epoch`: the first one is not below this. @defaultValue 0 */
  leastEpoch?: number
  /** @defaultValue 1000 */
  intervalMs?: number
  /** Milliseconds since 1970. @defaultValue Date.now */
  clock?: () => number
  /** Milliseconds since some moment. @defaultValue a clock that nobody sets */
  steady?: () => number
}

/** Numbers a replica's beats. It has no timer: whoever has one asks for the next beat, and sends it. */
export class HeartbeatSource {
  readonly intervalMs: number
  readonly #owner: Uint8Array
  readonly #replica: KeyPair
  readonly #epochNow: () => number
  #epoch: number
  #seq = 0

  /** @throws RelayError `RELAY_BAD_ARGUMENT` */
  constructor(
    owner: Uint8Array,
    replica: KeyPair,
    {
      epoch,
      leastEpoch,
      intervalMs = 1000,
      clock = Date.now,
      steady = monotonic
    }: HeartbeatSourceOptions = {}
  ) {
    checkKey(owner, 'the owner')
    this.#epochNow = epoch === undefined ? epochClock(clock, steady, leastEpoch) : () => epoch
    this.#epoch = this.#epochNow()
    checkWhole(this.#epoch, 'an epoch')
    checkWhole(intervalMs, 'an interval', MIN_INTERVAL_MS, MAX_INTERVAL_MS)
    if (replica.publicKey.length !== KEY_BYTES || !crypto.validateKeyPair(replica)) {
      checkKey(null, 'the replica')
    }
    this.#owner = owner
    this.#replica = replica
    this.intervalMs = intervalMs
  }

  /** The next beat, signed. */
  next({ load, draining = false }: { load: number; draining?: boolean }): Heartbeat {
    const epoch = this.#epochNow()
    this.#seq = epoch === this.#epoch ? this.#seq + 1 : 1
    this.#epoch = epoch
    const { intervalMs } = this
    const fields = { owner: this.#owner, epoch, seq: this.#seq, intervalMs, load, draining }
    return Heartbeat.sign(fields, this.#replica)
  }
}
