import b4a from 'b4a'
import { hash } from '../crypto/crypto.ts'
import { decodeChain, encodeChain } from '../format/chain.ts'
import {
  byte,
  type Codec,
  decodeFrom,
  encode,
  fixed32,
  frame,
  list,
  malformed,
  optional,
  record,
  uint,
  uint32
} from '../format/codecs.ts'
import { KeyRotationError } from '../errors.ts'
import { checkVersion, FORMAT_VERSION } from '../format/version.ts'
import type { Decisions } from './decisions.ts'
import { MAX_SIGHTINGS, type Sighting } from './recovery-watch.ts'

// FORMAT.md, "Memory".

const CHECK_BYTES = 8
const HEAD_BYTES: number = 4 + CHECK_BYTES
/** So many make a memory slow to open: it is then written whole again. */
export const MAX_ADDITIONS = 1024

/** All that is kept of an identity. */
export interface Remembered {
  readonly events: readonly Uint8Array[]
  /** A second history, as strong, which has frozen it. */
  readonly other: readonly Uint8Array[] | null
  /** What counted till a stronger history came. */
  readonly superseded: readonly Uint8Array[] | null
  readonly decided: Decisions
  readonly sightings: readonly Sighting[]
}

interface Whole {
  chain: Uint8Array
  other: Uint8Array | null
  superseded: Uint8Array | null
  decidedPlain: number
  decidedOwn: number
  decidedCommitted: number
  sightings: readonly Sighting[]
}

interface Addition {
  chain: Uint8Array
  sightings: readonly Sighting[]
}

const version: Codec<{ version: number }> = record({ version: byte })
const sightings: Codec<readonly Sighting[]> = list(
  record<Sighting>({ announcement: fixed32, time: uint }),
  MAX_SIGHTINGS
)
const whole: Codec<Whole> = record({
  chain: frame,
  other: optional(frame),
  superseded: optional(frame),
  decidedPlain: uint,
  decidedOwn: uint,
  decidedCommitted: uint,
  sightings
})
const addition: Codec<Addition> = record({ chain: frame, sightings })

/** All of it, to be written in place of what was there. */
export function encodeMemory({ events, other, superseded, decided, sightings }: Remembered): Uint8Array {
  const fields = encode(whole, {
    chain: encodeChain(events),
    other: other && encodeChain(other),
    superseded: superseded && encodeChain(superseded),
    decidedPlain: decided[0],
    decidedOwn: decided[1],
    decidedCommitted: decided[2],
    sightings
  })
  return b4a.concat([encode(version, { version: FORMAT_VERSION }), encode(frame, fields)])
}

/** More events, to be written after what is there. @param sightings - all, as they are from then on */
export function encodeAddition(events: readonly Uint8Array[], sightings: readonly Sighting[]): Uint8Array {
  const fields = encode(addition, { chain: encodeChain(events), sightings })
  const length = encode(uint32, fields.length)
  return b4a.concat([length, checkOf(length), fields, checkOf(fields)])
}

/**
 * @returns what was kept; and how many additions may be written after it: none where it ends within one that was being written when the machine stopped
 * @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_NEWER_FORMAT, and what `decodeChain` throws
 */
export function decodeMemory(bytes: Uint8Array): Remembered & { room: number } {
  const head = decodeFrom(version, bytes, 0)
  checkVersion(head.value.version, 'a memory')
  const first = decodeFrom(frame, bytes, head.end)
  const base = rememberedOf(decodeWhole(whole, first.value))
  const events = [...base.events]
  let { sightings } = base
  let count = 0
  let at = first.end
  for (; at < bytes.length; count++) {
    const next = readAddition(bytes, at)
    if (next === null) break
    events.push(...decodeChain(next.value.chain))
    sightings = next.value.sightings
    at = next.end
  }
  return { ...base, events, sightings, room: at === bytes.length ? Math.max(0, MAX_ADDITIONS - count) : 0 }
}

/**
 * `null` for the last one where it was not written to its end: what is there of it, and perhaps zeros, also in the midst of it, since a disk may have the end before the
 * beginning. Nothing else may be wrong, or a change would take back more than that, and nobody would notice.
 */
function readAddition(bytes: Uint8Array, at: number): { value: Addition; end: number } | null {
  const written = lengthWithoutZeros(bytes)
  if (written < at + HEAD_BYTES) return null
  if (!isHead(bytes, at)) {
    if (bytes[at] === 0 && !hasHeadAfter(bytes, at)) return null
    throw changed()
  }
  const head = bytes.subarray(at, at + 4)
  const length = decodeFrom(uint32, head, 0).value
  const end = at + HEAD_BYTES + length + CHECK_BYTES
  if (end > bytes.length) return null
  const fields = bytes.subarray(at + HEAD_BYTES, end - CHECK_BYTES)
  if (b4a.equals(checkOf(fields), bytes.subarray(end - CHECK_BYTES, end)))
    return { value: decodeWhole(addition, fields), end }
  if (end === bytes.length || written < end) return null
  throw changed()
}

function isHead(bytes: Uint8Array, at: number): boolean {
  const length = bytes.subarray(at, at + 4)
  return b4a.equals(checkOf(length), bytes.subarray(at + 4, at + HEAD_BYTES))
}

/** Then what stands before it was written to its end once. */
function hasHeadAfter(bytes: Uint8Array, at: number): boolean {
  for (let i = at + 1; i + HEAD_BYTES <= bytes.length; i++) if (isHead(bytes, i)) return true
  return false
}

function lengthWithoutZeros(bytes: Uint8Array): number {
  let { length } = bytes
  while (length > 0 && bytes[length - 1] === 0) length--
  return length
}

function changed(): KeyRotationError {
  return malformed('a record of a memory was changed')
}

function checkOf(fields: Uint8Array): Uint8Array {
  return hash('memory', [fields]).subarray(0, CHECK_BYTES)
}

function decodeWhole<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const { value, end } = decodeFrom(codec, bytes, 0)
  if (end !== bytes.length) throw malformed('something follows a part of a memory')
  return value
}

function rememberedOf({ chain, other, superseded, sightings, ...decided }: Whole): Remembered {
  return {
    events: decodeChain(chain),
    other: other && decodeChain(other),
    superseded: superseded && decodeChain(superseded),
    decided: [decided.decidedPlain, decided.decidedOwn, decided.decidedCommitted],
    sightings
  }
}
