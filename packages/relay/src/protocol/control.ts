import b4a from 'b4a'
import { KEY_BYTES } from '../keys.ts'
import { type Refusal, refusal, refusalByte, refusalCode } from './refusal.ts'

/** What is said in CONTROL frames, sealed. PROTOCOL.md, "Control messages". */
export type ControlMessage =
  | {
      readonly type: 'register'
      readonly keepAliveMs: number
      readonly insists: boolean
      readonly setSeq: number
    }
  | { readonly type: 'open'; readonly target: Uint8Array }
  | { readonly type: 'ping'; readonly keepAliveMs: number }
  | { readonly type: 'watch'; readonly keepAliveMs: number; readonly setSeq: number }
  | { readonly type: 'publish'; readonly record: Uint8Array }
  | { readonly type: 'lookup'; readonly target: Uint8Array }
  | { readonly type: 'registered' }
  | { readonly type: 'incoming'; readonly from: Uint8Array }
  | { readonly type: 'opened' }
  | { readonly type: 'pong' }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'gone' }
  | { readonly type: 'draining' }
  | { readonly type: 'beat'; readonly record: Uint8Array }
  | { readonly type: 'set'; readonly record: Uint8Array }
  | { readonly type: 'missing'; readonly replica: Uint8Array; readonly epoch: number; readonly seq: number }
  | { readonly type: 'found'; readonly target: Uint8Array; readonly record: Uint8Array }

const BYTES = {
  register: 1,
  open: 2,
  ping: 3,
  watch: 4,
  publish: 5,
  lookup: 6,
  registered: 16,
  incoming: 17,
  opened: 18,
  pong: 19,
  refused: 20,
  gone: 21,
  draining: 22,
  beat: 23,
  found: 24,
  set: 25,
  missing: 26
} as const

const REFUSAL_BYTES = 5
const HEARTBEAT_BYTES = 153
/** Keep-alive, and which set is known. */
const STANDING_BYTES = 12

/** The version of the protocol that HELLO and WELCOME begin with. */
export const PROTOCOL_VERSION = 1

/** Encodes a control message, to be sealed. */
export function encodeControl(message: ControlMessage): Uint8Array {
  const type = b4a.from([BYTES[message.type]])
  return b4a.concat([type, ...parametersOf(message)])
}

function parametersOf(message: ControlMessage): Uint8Array[] {
  switch (message.type) {
    case 'register':
      return [uint32(message.keepAliveMs), uint64(message.setSeq), b4a.from([message.insists ? 1 : 0])]
    case 'watch':
      return [uint32(message.keepAliveMs), uint64(message.setSeq)]
    case 'ping':
      return [uint32(message.keepAliveMs)]
    case 'open':
    case 'lookup':
      return [message.target]
    case 'incoming':
      return [message.from]
    case 'missing':
      return [message.replica, uint64(message.epoch), uint64(message.seq)]
    case 'refused':
      return [encodeRefusal(message.refusal)]
    case 'publish':
    case 'beat':
    case 'set':
      return [message.record]
    case 'found':
      return [message.target, message.record]
    default:
      return []
  }
}

/** @returns `null` for what is none: an unknown type, or another length */
export function decodeControl(bytes: Uint8Array): ControlMessage | null {
  const rest = b4a.from(bytes.subarray(1))
  switch (bytes[0]) {
    case BYTES.register:
      return rest.length === STANDING_BYTES + 1 && (rest[STANDING_BYTES] ?? 2) < 2
        ? { type: 'register', ...readStanding(rest), insists: rest[STANDING_BYTES] === 1 }
        : null
    case BYTES.watch:
      return rest.length === STANDING_BYTES ? { type: 'watch', ...readStanding(rest) } : null
    case BYTES.ping:
      return rest.length === 4 ? { type: 'ping', keepAliveMs: readUint32(rest, 0) } : null
    case BYTES.open:
      return rest.length === KEY_BYTES ? { type: 'open', target: rest } : null
    case BYTES.lookup:
      return rest.length === KEY_BYTES ? { type: 'lookup', target: rest } : null
    case BYTES.publish:
      return rest.length > 0 ? { type: 'publish', record: rest } : null
    case BYTES.set:
      return rest.length > 0 ? { type: 'set', record: rest } : null
    case BYTES.beat:
      return rest.length === HEARTBEAT_BYTES ? { type: 'beat', record: rest } : null
    case BYTES.found:
      return rest.length >= KEY_BYTES
        ? { type: 'found', target: rest.subarray(0, KEY_BYTES), record: rest.subarray(KEY_BYTES) }
        : null
    case BYTES.missing:
      return rest.length === KEY_BYTES + 16
        ? {
            type: 'missing',
            replica: rest.subarray(0, KEY_BYTES),
            epoch: readUint64(rest, KEY_BYTES),
            seq: readUint64(rest, KEY_BYTES + 8)
          }
        : null
    case BYTES.incoming:
      return rest.length === KEY_BYTES ? { type: 'incoming', from: rest } : null
    case BYTES.refused: {
      const refused = decodeRefusal(rest)
      return refused === null ? null : { type: 'refused', refusal: refused }
    }
    default:
      return rest.length === 0 ? bare(bytes[0]) : null
  }
}

/** Payload of HELLO: version, then the grant, if there is one. */
export function encodeHello(grant: Uint8Array | null): Uint8Array {
  return b4a.concat([b4a.from([PROTOCOL_VERSION]), grant ?? b4a.alloc(0)])
}

/** Payload of WELCOME: version, then nothing for a yes, or the refusal. */
export function encodeWelcome(refused: Refusal | null): Uint8Array {
  const version = b4a.from([PROTOCOL_VERSION])
  return refused === null ? version : b4a.concat([version, encodeRefusal(refused)])
}

/** @returns `'welcome'`, the refusal, or `null` for what is neither */
export function decodeWelcome(payload: Uint8Array): 'welcome' | Refusal | null {
  if (payload[0] !== PROTOCOL_VERSION) return null
  return payload.length === 1 ? 'welcome' : decodeRefusal(payload.subarray(1))
}

function bare(byte: number | undefined): ControlMessage | null {
  for (const type of ['registered', 'opened', 'pong', 'gone', 'draining'] as const)
    if (BYTES[type] === byte) return { type }
  return null
}

function encodeRefusal(refused: Refusal): Uint8Array {
  const head = b4a.concat([b4a.from([refusalByte(refused)]), uint32(refused.retryAfterMs)])
  return refused.redirect === null ? head : b4a.concat([head, refused.redirect])
}

function decodeRefusal(bytes: Uint8Array): Refusal | null {
  if (bytes.length !== REFUSAL_BYTES && bytes.length !== REFUSAL_BYTES + KEY_BYTES) return null
  const redirect = bytes.length === REFUSAL_BYTES ? null : b4a.from(bytes.subarray(REFUSAL_BYTES))
  return refusal(refusalCode(bytes[0] ?? 0), { retryAfterMs: readUint32(bytes, 1), redirect })
}

function readStanding(bytes: Uint8Array): { readonly keepAliveMs: number; readonly setSeq: number } {
  return { keepAliveMs: readUint32(bytes, 0), setSeq: readUint64(bytes, 4) }
}

/** Above 2^53 it is inexact, and as good: no set and no beat has such a seq. */
function readUint64(bytes: Uint8Array, at: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(at, true))
}

function uint64(value: number): Uint8Array {
  const bytes = b4a.alloc(8)
  new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, BigInt(value), true)
  return bytes
}

function uint32(value: number): Uint8Array {
  const bytes = b4a.alloc(4)
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, value, true)
  return bytes
}

function readUint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true)
}
