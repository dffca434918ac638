import b4a from 'b4a'
import c from 'compact-encoding'
import sodium from 'sodium-universal'

/** First byte of what two devices say on a path before it is joined. PROTOCOL.md, "Greetings". */
const GREETING = { HELLO: 1, WELCOME: 2, JOIN: 3, JOINED: 4, REFUSE: 5, CALL: 6 } as const

/** Why a path is not joined; bytes on the wire. */
export const REFUSE = { KNOWN: 1, UNKNOWN: 2, UNWELCOME: 3 } as const

/** A greeting, read. */
export type Greeting =
  | { readonly type: 'hello' | 'welcome'; readonly noise: Uint8Array }
  | { readonly type: 'join'; readonly session: Uint8Array; readonly path: number; readonly mac: Uint8Array }
  | { readonly type: 'joined'; readonly path: number; readonly mac: Uint8Array }
  | { readonly type: 'refuse'; readonly code: number }
  | Call

/** The responder of a session has no path left, and has made this one: the initiator is asked to join it. */
export interface Call {
  readonly type: 'call'
  readonly session: Uint8Array
  /** Grows from call to call. */
  readonly number: number
  readonly mac: Uint8Array
}

/** Where a device can be reached without a relay; told to the other one only, encrypted. */
interface Candidates {
  /** `host:port`, an IPv6 host in brackets. */
  readonly tcp: readonly string[]
  /** Public key that it listens with in the DHT, 32 bytes; empty for none. */
  readonly udp: Uint8Array
}

/** Longer than the longest segment: a window that holds none would wait for ever. */
export const LEAST_WINDOW_BYTES: number = 128 * 1024

/** What each side tells the other of itself; encrypted. */
export interface Terms {
  /** Bytes of the stream that it holds at most before they are read: 128 KiB or more. */
  readonly windowBytes: number
  readonly candidates: Candidates
}

export const SESSION_ID_BYTES = 16
export const SESSION_SECRET_BYTES = 32
const MAC_BYTES = 32
const VERSION = 2
const MAX_CANDIDATES = 16
/** Of a `host:port`: that of an IPv6 address has 47 at most, a zone and all 64. */
const MAX_ADDRESS_CHARACTERS = 64
const MAX_WINDOW_BYTES = 2 ** 32 - 1

/** The initiator's first message. */
export function helloGreeting(noise: Uint8Array): Uint8Array {
  return b4a.concat([b4a.from([GREETING.HELLO]), noise])
}

/** The responder's answer to it. */
export function welcomeGreeting(noise: Uint8Array): Uint8Array {
  return b4a.concat([b4a.from([GREETING.WELCOME]), noise])
}

/** Another path of a session that is there. */
export function joinGreeting(session: Uint8Array, path: number, secret: Uint8Array): Uint8Array {
  const number = uint32(path)
  return b4a.concat([b4a.from([GREETING.JOIN]), session, number, joinMac('join', session, path, secret)])
}

/** The responder's yes to it. */
export function joinedGreeting(session: Uint8Array, path: number, secret: Uint8Array): Uint8Array {
  return b4a.concat([b4a.from([GREETING.JOINED]), uint32(path), joinMac('joined', session, path, secret)])
}

/** The responder's wish that this path be joined. @param number - one more than in the call before */
export function callGreeting(session: Uint8Array, number: number, secret: Uint8Array): Uint8Array {
  return b4a.concat([
    b4a.from([GREETING.CALL]),
    session,
    uint32(number),
    joinMac('call', session, number, secret)
  ])
}

/** No. Nothing in it is secret, and it is not signed: who is in between can close the path as well. */
export function refuseGreeting(code: number): Uint8Array {
  return b4a.from([GREETING.REFUSE, code])
}

/** Keyed BLAKE2b-256 (RFC 7693) that proves who joins, or calls, to be of the session, and that it is this path, or call, of it. */
export function joinMac(
  what: 'join' | 'joined' | 'call',
  session: Uint8Array,
  number: number,
  secret: Uint8Array
): Uint8Array {
  const mac = b4a.alloc(MAC_BYTES)
  const parts = [b4a.from(`cloudpal/relay/1/${what}\0`), session, uint32(number)]
  sodium.crypto_generichash_batch(mac, parts, secret)
  return mac
}

/** Compares in a time that does not depend on the bytes. */
export function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.sodium_memcmp(a, b)
}

/** @returns `null` for what is none. The parts are copies. */
export function readGreeting(bytes: Uint8Array): Greeting | null {
  const rest = b4a.from(bytes.subarray(1))
  switch (bytes[0]) {
    case GREETING.HELLO:
      return { type: 'hello', noise: rest }
    case GREETING.WELCOME:
      return { type: 'welcome', noise: rest }
    case GREETING.JOIN:
    case GREETING.CALL: {
      if (rest.length !== SESSION_ID_BYTES + 4 + MAC_BYTES) return null
      const [session, mac] = [rest.subarray(0, SESSION_ID_BYTES), rest.subarray(SESSION_ID_BYTES + 4)]
      const number = readUint32(rest, SESSION_ID_BYTES)
      if (bytes[0] === GREETING.CALL) return { type: 'call', session, number, mac }
      return { type: 'join', session, path: number, mac }
    }
    case GREETING.JOINED:
      if (rest.length !== 4 + MAC_BYTES) return null
      return { type: 'joined', path: readUint32(rest, 0), mac: rest.subarray(4) }
    case GREETING.REFUSE:
      return rest.length === 1 ? { type: 'refuse', code: rest[0] ?? 0 } : null
    default:
      return null
  }
}

/** Payload of the initiator's Noise message: the session, and its terms. */
export function encodeOffer(session: Uint8Array, terms: Terms): Uint8Array {
  return encodePayload(session, terms)
}

/** @returns `null` for what is none */
export function decodeOffer(
  payload: Uint8Array
): { readonly session: Uint8Array; readonly terms: Terms } | null {
  const read = decodePayload(payload, SESSION_ID_BYTES)
  return read === null ? null : { session: read.bytes, terms: read.terms }
}

/** Payload of the responder's: the session's secret, and its terms. */
export function encodeAnswer(secret: Uint8Array, terms: Terms): Uint8Array {
  return encodePayload(secret, terms)
}

/** @returns `null` for what is none */
export function decodeAnswer(
  payload: Uint8Array
): { readonly secret: Uint8Array; readonly terms: Terms } | null {
  const read = decodePayload(payload, SESSION_SECRET_BYTES)
  return read === null ? null : { secret: read.bytes, terms: read.terms }
}

function encodePayload(bytes: Uint8Array, { windowBytes, candidates: { tcp: all, udp } }: Terms): Uint8Array {
  const tcp = all.filter(({ length }) => length <= MAX_ADDRESS_CHARACTERS).slice(0, MAX_CANDIDATES)
  const state = c.state(0, 0, null)
  c.array(c.string).preencode(state, tcp)
  c.uint8array.preencode(state, udp)
  state.buffer = b4a.alloc(state.end)
  c.array(c.string).encode(state, tcp)
  c.uint8array.encode(state, udp)
  const window = uint32(Math.min(windowBytes, MAX_WINDOW_BYTES))
  return b4a.concat([b4a.from([VERSION]), bytes, window, state.buffer])
}

function decodePayload(
  payload: Uint8Array,
  length: number
): { readonly bytes: Uint8Array; readonly terms: Terms } | null {
  if (payload.length < 1 + length + 4 || payload[0] !== VERSION) return null
  const windowBytes = readUint32(payload, 1 + length)
  if (windowBytes < LEAST_WINDOW_BYTES) return null
  const rest = b4a.from(payload.subarray(1 + length + 4))
  try {
    const state = c.state(0, rest.length, rest)
    const tcp = c.array(c.string).decode(state)
    // The encoding gives null for none.
    const udp = (c.uint8array.decode(state) as Uint8Array | null) ?? new Uint8Array(0)
    if (udp.length !== 0 && udp.length !== 32) return null
    if (tcp.some(({ length }) => length > MAX_ADDRESS_CHARACTERS)) return null
    const candidates = { tcp: tcp.slice(0, MAX_CANDIDATES), udp: b4a.from(udp) }
    return { bytes: b4a.from(payload.subarray(1, 1 + length)), terms: { windowBytes, candidates } }
  } catch {
    return null
  }
}

function uint32(value: number): Uint8Array {
  const bytes = b4a.alloc(4)
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, value, true)
  return bytes
}

function readUint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true)
}
