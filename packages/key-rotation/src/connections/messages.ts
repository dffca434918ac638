import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import { hash, KEY_BYTES, sign, SIGNATURE_BYTES, verifySignature } from '../crypto/crypto.ts'
import {
  byte,
  type Codec,
  decodeFrom,
  encode,
  fixed32,
  fixed64,
  frame,
  malformed,
  oneOf,
  record,
  uint
} from '../format/codecs.ts'
import { FORMAT_VERSION } from '../format/version.ts'
import type { KeyPair } from '../types.ts'

/** Events of one message: some are sent, and more when the other side has told that it has them. */
export const MAX_MESSAGE_BYTES: number = 256 * 1024

/** What each side says first. FORMAT.md, "Connection". */
export interface Hello {
  readonly device: Uint8Array
  /** Its newest event. */
  readonly seq: number
  readonly hash: Uint8Array
}

/** Where a hello is said. */
export interface HelloPlace {
  readonly identity: Uint8Array
  /** Of the Noise handshake: a hello is good on one connection only. */
  readonly handshakeHash: Uint8Array
  /** Of who says it. */
  readonly isInitiator: boolean
}

const fields: Codec<Hello & { version: number }> = record({
  version: byte,
  device: fixed32,
  seq: uint,
  hash: fixed32
})

const eventsHead: Codec<Pick<EventsMessage, 'from' | 'part'>> = record({
  from: uint,
  part: oneOf(['more', 'last'] as const)
})

export function encodeHello(hello: Hello, place: HelloPlace, device: KeyPair): Uint8Array {
  const body = encode(fields, { ...hello, version: FORMAT_VERSION })
  return b4a.concat([body, sign('connection', signable(body, place), device)])
}

/** @returns `null` for what is none, or was not signed by the device it names for this connection and side */
export function decodeHello(bytes: Uint8Array, place: HelloPlace): Hello | null {
  try {
    const { value, end } = decodeFrom(fields, bytes, 0)
    const signature = decodeFrom(fixed64, bytes, end)
    if (value.version !== FORMAT_VERSION || bytes.length !== end + SIGNATURE_BYTES) return null
    const isSigned = verifySignature(
      'connection',
      signable(bytes.subarray(0, end), place),
      signature.value,
      value.device
    )
    return isSigned ? value : null
  } catch {
    return null
  }
}

/** Who knows an identity finds others that do; nobody else learns which it is. */
export function channelId(identity: Uint8Array): Uint8Array {
  return hash('connection', [identity]).subarray(0, KEY_BYTES)
}

/** From an event on, as many as fit. @param events - a whole history */
export function encodeEvents(
  from: number,
  events: readonly Uint8Array[]
): { message: Uint8Array; next: number } {
  const parts: Uint8Array[] = []
  let size = 0
  let next = from
  for (const event of events.slice(from)) {
    if (size > 0 && size + event.length > MAX_MESSAGE_BYTES) break
    parts.push(encode(frame, event))
    size += event.length
    next++
  }
  const head = encode(eventsHead, { from, part: next === events.length ? 'last' : 'more' })
  return { message: b4a.concat([head, ...parts]), next }
}

/** Some events of a history: from a number on; and whether its last one is among them. */
export interface EventsMessage {
  readonly from: number
  readonly part: 'more' | 'last'
  readonly events: readonly Uint8Array[]
}

/** @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_NOT_CANONICAL, KEY_ROTATION_OUT_OF_ORDER for one without events */
export function decodeEvents(bytes: Uint8Array): EventsMessage {
  if (bytes.length > 2 * MAX_MESSAGE_BYTES) throw malformed('a message is too large')
  const head = decodeFrom(eventsHead, bytes, 0)
  const events: Uint8Array[] = []
  for (let at = head.end; at < bytes.length;) {
    const { value, end } = decodeFrom(frame, bytes, at)
    events.push(value)
    at = end
  }
  if (events.length === 0)
    throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'a message of events has none')
  return { ...head.value, events }
}

function signable(body: Uint8Array, { identity, handshakeHash, isInitiator }: HelloPlace): Uint8Array {
  return b4a.concat([identity, handshakeHash, Uint8Array.of(isInitiator ? 1 : 0), body])
}
