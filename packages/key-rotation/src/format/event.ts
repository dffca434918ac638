import b4a from 'b4a'
import { hash } from '../crypto/crypto.ts'
import { badArgument } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import type { CoreRoll, CutOff, KeySet, RecoveryPolicy, RevocationReason, Role } from '../types.ts'
import {
  byte,
  type Codec,
  decodeFrom,
  encode,
  fixed16,
  fixed32,
  fixed64,
  list,
  malformed,
  oneOf,
  optional,
  record,
  text,
  uint
} from './codecs.ts'
import { checkVersion, FORMAT_VERSION } from './version.ts'

// FORMAT.md, byte by byte.

/** Of one event, with its signatures. */
export const MAX_EVENT_BYTES = 8192
export const MAX_KEYS = 16
/** What an event can name at once. */
export const MAX_CUT_OFFS = 48
export const MAX_ROLLS = 8
export const MAX_NAME_BYTES = 64
const MAX_SIGNATURES = 64

/** What an event changes. Times, places and signatures are around it. */
export type Change =
  | {
      readonly kind: 'inception'
      /** 16 random bytes: two identities with the same keys are still two. */
      readonly salt: Uint8Array
      readonly control: KeySet
      readonly next: KeySet
      readonly recovery: RecoveryPolicy | null
    }
  | {
      readonly kind: 'rotate'
      /** The keys that `next` was about. */
      readonly control: KeySet
      readonly next: KeySet
      /** In place of the policy so far; then its quorum signs, too. `null` leaves it. */
      readonly recovery: RecoveryPolicy | null
    }
  | {
      readonly kind: 'addDevice'
      readonly key: Uint8Array
      readonly role: Role
      /** In ms since 1970; 0 for never. */
      readonly expires: number
      /** For people. */
      readonly name: string
      readonly possession: Uint8Array
    }
  | {
      readonly kind: 'revokeDevice'
      readonly device: Uint8Array
      readonly reason: RevocationReason
      readonly cutOffs: readonly CutOff[]
    }
  | {
      readonly kind: 'announceRecovery'
      readonly control: KeySet
      readonly next: KeySet
      /** The keys that the identity's `next` was about: with their signatures nobody can object. */
      readonly revealed: KeySet | null
    }
  | { readonly kind: 'vetoRecovery'; readonly announcement: Uint8Array }
  | { readonly kind: 'recover'; readonly announcement: Uint8Array }
  | {
      readonly kind: 'rollCore'
      /** Whose core it is; `null` for one that no single device writes. */
      readonly device: Uint8Array | null
      readonly rolls: readonly CoreRoll[]
    }

export type EventKind = Change['kind']

/** In the order of their numbers, from 1. */
const KINDS = [
  'inception',
  'rotate',
  'addDevice',
  'revokeDevice',
  'announceRecovery',
  'vetoRecovery',
  'recover',
  'rollCore'
] as const satisfies readonly EventKind[]

/** In the order of their numbers, from 1. */
export const SIGNER_CLASSES = ['control', 'next', 'recovery', 'device', 'incoming'] as const

/**
 * As what somebody signs: `control`, by the present keys; `next`, by those that were committed to; `recovery`, by the quorum's; `device`;
 * `incoming`, by the keys that a recovery brings.
 */
export type SignerClass = (typeof SIGNER_CLASSES)[number]

export interface EventSignature {
  readonly signer: SignerClass
  /** Which of that class's keys; of devices, in the order they were added. */
  readonly index: number
  readonly signature: Uint8Array
}

/** Where an event stands. Of an inception only the time counts. */
interface EventPlace {
  readonly identity: Uint8Array | null
  readonly seq: number
  readonly previous: Uint8Array | null
  /** In ms since 1970, as its signers say. */
  readonly time: number
  /** Place of the device that acts as admin, among those ever added; `null`: the identity's own keys act. Only of events that an admin may make. */
  readonly admin: number | null
}

export interface EventBody extends EventPlace {
  readonly change: Change
}

export interface DecodedEvent extends EventBody {
  /** Of the body: which event this is, whoever signed it. */
  readonly hash: Uint8Array
  readonly signatures: readonly EventSignature[]
}

const keySet: Codec<KeySet> = record({ threshold: byte, keys: list(fixed32, MAX_KEYS) })
const policy: Codec<RecoveryPolicy> = record({ quorum: keySet, delayMs: uint })
const cutOff: Codec<CutOff> = record({ core: fixed32, fork: uint, length: uint, treeHash: fixed32 })
const name: Codec<string> = text(MAX_NAME_BYTES)
const roll: Codec<CoreRoll> = record({ name, core: fixed32, previous: optional(cutOff) })

const ROLES: readonly Role[] = ['reader', 'writer', 'admin']
const REASONS: readonly RevocationReason[] = ['lost', 'retired', 'compromised']

/** What a device signs to say that it has its key, and agrees to be let in so. */
export interface DeviceTerms {
  readonly identity: Uint8Array
  readonly key: Uint8Array
  readonly role: Role
  readonly expires: number
  readonly name: string
}

const role: Codec<Role> = oneOf(ROLES)
const terms: Codec<DeviceTerms> = record({ identity: fixed32, key: fixed32, role, expires: uint, name })

const FIELDS: { readonly [K in EventKind]: Codec<Omit<Extract<Change, { kind: K }>, 'kind'>> } = {
  inception: record({ salt: fixed16, control: keySet, next: keySet, recovery: optional(policy) }),
  rotate: record({ control: keySet, next: keySet, recovery: optional(policy) }),
  addDevice: record({ key: fixed32, role, expires: uint, name, possession: fixed64 }),
  revokeDevice: record({ device: fixed32, reason: oneOf(REASONS), cutOffs: list(cutOff, MAX_CUT_OFFS) }),
  announceRecovery: record({ control: keySet, next: keySet, revealed: optional(keySet) }),
  vetoRecovery: record({ announcement: fixed32 }),
  recover: record({ announcement: fixed32 }),
  rollCore: record({ device: optional(fixed32), rolls: list(roll, MAX_ROLLS) })
}

interface Header {
  readonly version: number
  readonly kind: number
}
const header: Codec<Header> = record({ version: byte, kind: byte })
const first: Codec<{ time: number }> = record({ time: uint })
const later: Codec<{ identity: Uint8Array; seq: number; previous: Uint8Array; time: number }> = record({
  identity: fixed32,
  seq: uint,
  previous: fixed32,
  time: uint
})
/** Kinds that an admin may make in place of the identity's keys. */
const BY_ADMIN: readonly EventKind[] = ['addDevice', 'revokeDevice', 'rollCore']
const actor: Codec<{ admin: number | null }> = record({ admin: optional(uint) })
const signatureList: Codec<readonly EventSignature[]> = list(
  record({ signer: oneOf(SIGNER_CLASSES), index: uint, signature: fixed64 }),
  MAX_SIGNATURES
)

/** The part of an event that is hashed and signed. */
export function encodeBody({ change, identity, seq, previous, time, admin }: EventBody): Uint8Array {
  const { kind, ...given } = change
  if (admin !== null && !mayBeByAdmin(kind)) throw badArgument('an admin does not make such an event')
  const fields = FIELDS[kind] as Codec<object>
  return b4a.concat([
    encode(header, { version: FORMAT_VERSION, kind: KINDS.indexOf(kind) + 1 }),
    identity === null || previous === null
      ? encode(first, { time })
      : encode(later, { identity, seq, previous, time }),
    mayBeByAdmin(kind) ? encode(actor, { admin }) : new Uint8Array(0),
    encode(fields, given)
  ])
}

/** Which event a body is. Of an inception, which identity. */
export function eventHash(body: Uint8Array): Uint8Array {
  return hash('event', [body])
}

export function encodeEvent(body: Uint8Array, signatures: readonly EventSignature[]): Uint8Array {
  return b4a.concat([body, encode(signatureList, signatures)])
}

/**
 * Reads an event, and says nothing of whether it is right.
 *
 * @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_TOO_LARGE, KEY_ROTATION_NEWER_FORMAT, KEY_ROTATION_UNKNOWN_EVENT, and
 *   KEY_ROTATION_NOT_CANONICAL for what could have been written in another way
 */
export function decodeEvent(given: Uint8Array): DecodedEvent {
  if (!(given instanceof Uint8Array)) throw malformed('an event is bytes')
  if (given.length > MAX_EVENT_BYTES)
    throw new KeyRotationError('KEY_ROTATION_TOO_LARGE', `an event has at most ${MAX_EVENT_BYTES} bytes`)
  // What is read from it stays, whatever becomes of the caller's buffer.
  const bytes = b4a.from(given)
  const { value: head, end: headEnd } = decodeFrom(header, bytes, 0)
  const kind = kindOf(head)
  const place = kind === 'inception' ? readFirst(bytes, headEnd) : decodeFrom(later, bytes, headEnd)
  const by = mayBeByAdmin(kind)
    ? decodeFrom(actor, bytes, place.end)
    : { value: { admin: null }, end: place.end }
  const fields = decodeFrom<object>(FIELDS[kind], bytes, by.end)
  const signatures = decodeFrom(signatureList, bytes, fields.end)
  const body: EventBody = { ...place.value, ...by.value, change: { kind, ...fields.value } as Change }
  const encodedBody = encodeBody(body)
  if (!b4a.equals(encodeEvent(encodedBody, signatures.value), bytes)) {
    throw new KeyRotationError('KEY_ROTATION_NOT_CANONICAL', 'an event is not as this format writes it')
  }
  return { ...body, hash: eventHash(encodedBody), signatures: signatures.value }
}

/** Whether an event of a kind says who makes it: an admin, or the identity's keys. */
export function mayBeByAdmin(kind: EventKind): boolean {
  return BY_ADMIN.includes(kind)
}

/** What a device's proof of possession is a signature of. */
export function encodeTerms(value: DeviceTerms): Uint8Array {
  return encode(terms, value)
}

function kindOf({ version, kind }: Header): EventKind {
  checkVersion(version, 'an event')
  const name = KINDS[kind - 1]
  if (name === undefined)
    throw new KeyRotationError(
      'KEY_ROTATION_UNKNOWN_EVENT',
      `no event of this version has the number ${kind}`
    )
  return name
}

function readFirst(bytes: Uint8Array, start: number): { value: Omit<EventPlace, 'admin'>; end: number } {
  const { value, end } = decodeFrom(first, bytes, start)
  return { value: { identity: null, seq: 0, previous: null, time: value.time }, end }
}
