import b4a from 'b4a'
import { badArgument } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { byte, type Codec, decodeFrom, encode, malformed, record, uint } from './codecs.ts'
import { MAX_EVENT_BYTES } from './event.ts'
import { checkVersion, FORMAT_VERSION } from './version.ts'

/** Events that a chain can have: at ten a day, for seventeen years. The last of them are for what brings an identity back: state/room.ts. */
export const MAX_EVENTS = 69_632

const header: Codec<{ version: number; count: number }> = record({ version: byte, count: uint })

/** A chain as bytes that can be sent, stored and printed. FORMAT.md, "Chain". @throws KEY_ROTATION_BAD_ARGUMENT */
export function encodeChain(events: readonly Uint8Array[]): Uint8Array {
  if (!Array.isArray(events) || !events.every((event) => event instanceof Uint8Array))
    throw badArgument('a chain is an array of events, which are bytes')
  const parts = events.flatMap((event) => [encode(uint, event.length), event])
  return b4a.concat([encode(header, { version: FORMAT_VERSION, count: events.length }), ...parts])
}

/**
 * The events of a chain; whether they are right, only `verify` says.
 *
 * @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_NEWER_FORMAT, KEY_ROTATION_NOT_CANONICAL, KEY_ROTATION_TOO_LARGE
 */
export function decodeChain(given: Uint8Array): Uint8Array[] {
  if (!(given instanceof Uint8Array)) throw malformed('a chain is bytes')
  // One copy; the events are views of it.
  const bytes = b4a.from(given)
  const { value, end } = decodeFrom(header, bytes, 0)
  checkVersion(value.version, 'a chain')
  if (value.count > MAX_EVENTS) throw tooManyEvents()
  const events: Uint8Array[] = []
  let at = end
  for (let i = 0; i < value.count; i++) {
    const length = decodeFrom(uint, bytes, at)
    if (length.value > MAX_EVENT_BYTES)
      throw new KeyRotationError('KEY_ROTATION_TOO_LARGE', 'an event is too large')
    at = length.end + length.value
    if (at > bytes.length) throw malformed('a chain ends within an event')
    events.push(bytes.subarray(length.end, at))
  }
  if (at !== bytes.length) throw malformed('something follows the last event of a chain')
  if (b4a.equals(encodeChain(events), bytes)) return events
  throw new KeyRotationError('KEY_ROTATION_NOT_CANONICAL', 'a chain is not as this format writes it')
}

export function tooManyEvents(): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_TOO_LARGE', `a chain has at most ${MAX_EVENTS} events`)
}
