import b4a from 'b4a'
import { badArgument, checkCount, checkKey, checkOptions, isBytes } from './arguments.ts'
import { HASH_BYTES } from './crypto/crypto.ts'
import { KeyRotationError } from './errors.ts'
import { decodeChain, MAX_EVENTS, tooManyEvents } from './format/chain.ts'
import { malformed } from './format/codecs.ts'
import { type DecodedEvent, decodeEvent } from './format/event.ts'
import { advance } from './state/apply.ts'
import { type Draft, type IdentityState } from './state/state.ts'
import { weigh, type WitnessOptions, type Witnesses } from './witnesses.ts'

/** How far a signer's clock may be ahead of the verifier's: a day, in ms. */
export const CLOCK_SKEW_MS: number = 24 * 3600 * 1000

/**
 * What is known of an identity from before: at least who it is. An `IdentityState` fits. With an event it refuses every chain that has another one in that place, also a stronger
 * history that came since: which one counts, an `IdentityMemory` weighs.
 */
export interface Pin {
  /** Hash of the inception, 32 bytes. */
  readonly identity: Uint8Array
  /** Number of the highest event that was seen. Goes with `hash`. */
  readonly seq?: number
  readonly hash?: Uint8Array
}

/** A state is a pin, too; anything else beside them would be one that is misspelt. */
const PIN_FIELDS: readonly (keyof Pin | keyof IdentityState)[] = [
  'identity',
  'seq',
  'hash',
  'time',
  'control',
  'next',
  'recovery',
  'pending',
  'devices',
  'deviceIndex',
  'cores',
  'places',
  'cutOffs',
  'adminEnds',
  'named'
]

export interface VerifyOptions {
  /** Whose chain it must be: an identity, or also the highest event that was seen of it, without which a shorter chain is believed. */
  trusted: Uint8Array | Pin
  /** What others have seen. */
  witnesses?: WitnessOptions
  /**
   * The verifier's clock, in ms since 1970. Then events of a time more than a day ahead are refused; without it a thief can state times that
   * nobody can go on from.
   */
  now?: number
}

export interface Verified {
  readonly state: IdentityState
  /** Up to where this is known. Whether there is more, nobody can tell who is offline. */
  readonly asOf: { readonly seq: number; readonly hash: Uint8Array; readonly time: number }
  readonly witnesses: Witnesses
}

/**
 * Checks a chain from its inception to its end. Offline, pure, in time and memory that grow with the bytes.
 *
 * @param chain - as `encodeChain` makes it, or its events
 * @throws KeyRotationError, and nothing else: KEY_ROTATION_EMPTY, KEY_ROTATION_WRONG_IDENTITY, KEY_ROTATION_ROLLBACK when it is shorter than what
 *   was seen, KEY_ROTATION_FORKED when it differs from that, KEY_ROTATION_NOT_WITNESSED, KEY_ROTATION_BAD_ARGUMENT also for an option
 *   that there is not, and what is wrong with an event
 */
export function verify(chain: Uint8Array | readonly Uint8Array[], options: VerifyOptions): Verified {
  checkOptions(options, ['trusted', 'witnesses', 'now'])
  const { witnesses = null, now = null } = options
  if (now !== null) checkCount(now, '`now`')
  const pin = pinOf(options.trusted)
  const events = eventsOf(chain)
  let state: Draft | null = null
  const hashes: Uint8Array[] = []
  for (const bytes of events) {
    const event = decodeEvent(bytes)
    if (hashes.length === 0 && event.change.kind === 'inception' && !b4a.equals(event.hash, pin.identity))
      throw new KeyRotationError('KEY_ROTATION_WRONG_IDENTITY', 'this is the chain of another identity')
    checkClock(event, now)
    state = advance(state, event)
    hashes.push(event.hash)
  }
  if (state === null)
    throw new KeyRotationError('KEY_ROTATION_EMPTY', 'a chain without events proves nothing')
  if (pin.seq !== undefined) checkPin(pin, hashes[pin.seq], hashes.length)
  return {
    state,
    asOf: { seq: state.seq, hash: state.hash, time: state.time },
    witnesses: weigh(state, hashes, witnesses, now)
  }
}

/** @throws KEY_ROTATION_BAD_TIME for an event of a time more than a day ahead */
export function checkClock(event: DecodedEvent, now: number | null): void {
  const ahead = now === null ? null : aheadOf(event, now)
  if (ahead !== null) throw ahead
}

/** What is to be said of an event more than a day ahead; `null` of any other. */
export function aheadOf({ seq, time }: DecodedEvent, now: number): KeyRotationError | null {
  if (time <= now + CLOCK_SKEW_MS) return null
  return new KeyRotationError('KEY_ROTATION_BAD_TIME', `event ${seq} is of a time that is still to come`)
}

/** The events of a chain in either form. @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_TOO_LARGE, KEY_ROTATION_BAD_ARGUMENT */
export function eventsOf(chain: Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  if (chain instanceof Uint8Array) return decodeChain(chain)
  if (!Array.isArray(chain)) throw badArgument('a chain is bytes, or an array of events')
  if (chain.length > MAX_EVENTS) throw tooManyEvents()
  // Holes, too, which `map` leaves out.
  return Array.from(chain, (event: unknown) => {
    if (!(event instanceof Uint8Array)) throw malformed('an event is bytes')
    // What is kept stays, whatever the caller does with its own.
    return b4a.from(event)
  })
}

export function pinOf(trusted: Uint8Array | Pin): Pin {
  if (trusted instanceof Uint8Array) {
    checkKey(trusted, 'a trusted identity')
    return { identity: trusted }
  }
  if (typeof trusted !== 'object' || trusted === null)
    throw badArgument('`trusted` must say whose chain this is: without it anybody’s is as good')
  checkOptions(trusted, PIN_FIELDS)
  const { identity, seq, hash } = trusted
  checkKey(identity, 'a trusted identity')
  if ((seq === undefined) !== (hash === undefined))
    throw badArgument('a pin has both `seq` and `hash`, or neither')
  if (seq !== undefined) checkCount(seq, 'the `seq` of a pin')
  if (hash !== undefined && !isBytes(hash, HASH_BYTES))
    throw badArgument('the `hash` of a pin must be 32 bytes')
  return trusted
}

/**
 * @param found - hash of the event with the pin's number, if there is one
 * @throws KEY_ROTATION_ROLLBACK, KEY_ROTATION_FORKED
 */
export function checkPin({ seq, hash }: Pin, found: Uint8Array | undefined, length: number): void {
  if (seq === undefined || hash === undefined) return
  if (found === undefined) {
    const message = `event ${seq} was seen before, and this chain ends with event ${length - 1}`
    throw new KeyRotationError('KEY_ROTATION_ROLLBACK', message)
  }
  if (!b4a.equals(found, hash))
    throw new KeyRotationError('KEY_ROTATION_FORKED', `event ${seq} is another one than was seen before`)
}
