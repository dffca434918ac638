import { concat } from '../bytes.ts'
import { equal, hash } from '../crypto/crypto.ts'
import { SecretShareError } from '../errors.ts'

/** The format that this version writes, and the only one it reads. */
const FORMAT_VERSION = 1

/** What the second byte says an envelope holds: FORMAT.md. */
export const KIND = {
  share: 1,
  sheet: 2,
  sealed: 3,
  challenge: 4,
  answer: 5,
  request: 6,
  reply: 7,
  reveal: 8,
  help: 9,
  refusal: 10,
  recovery: 11,
  helping: 12,
  dealerKeys: 13,
  holderKeys: 14
} as const

export type Kind = (typeof KIND)[keyof typeof KIND]

const CHECK_BYTES = 4

/** Nothing is longer, but what an app has saved of a recovery: what is not read is not hashed either. */
const ENVELOPE_BYTES = 75_000
const SAVED_BYTES = 50_000_000

/** version, kind, body, checksum. */
export function wrap(kind: Kind, body: Uint8Array): Uint8Array {
  const bytes = concat([Uint8Array.from([FORMAT_VERSION, kind]), body])
  return concat([bytes, checksum(bytes)])
}

/**
 * The body of an envelope.
 *
 * @throws SECRET_SHARE_DAMAGED when the checksum is another, SECRET_SHARE_NEWER_FORMAT, and SECRET_SHARE_NOT_A_SHARE
 *   when it is whole and holds something else
 */
export function unwrap(kind: Kind, bytes: Uint8Array): Uint8Array {
  const found = kindOf(bytes, kind === KIND.recovery || kind === KIND.helping ? SAVED_BYTES : ENVELOPE_BYTES)
  if (found === kind) return bytes.subarray(2, bytes.length - CHECK_BYTES)
  throw new SecretShareError('SECRET_SHARE_NOT_A_SHARE', 'This is something else than what is needed here.')
}

/**
 * What a whole envelope holds, as it says: one of `KIND`, or another number.
 *
 * @throws SECRET_SHARE_DAMAGED when the checksum is another, SECRET_SHARE_NEWER_FORMAT
 */
export function kindOf(bytes: Uint8Array, most: number = ENVELOPE_BYTES): number {
  if (!(bytes instanceof Uint8Array) || bytes.length > most) throw damaged()
  const end = bytes.length - CHECK_BYTES
  if (end < 2 || !equal(checksum(bytes.subarray(0, end)), bytes.subarray(end))) throw damaged()
  if (bytes[0] !== FORMAT_VERSION) throw newerFormat()
  return bytes[1] ?? 0
}

/** What a version to come has made. */
export function newerFormat(): SecretShareError {
  return new SecretShareError(
    'SECRET_SHARE_NEWER_FORMAT',
    'This was made by another version of the app. Update the app and try again.'
  )
}

/** What no scanner and no app of ours can have made: cut, or changed. */
export function damaged(): SecretShareError {
  return new SecretShareError(
    'SECRET_SHARE_DAMAGED',
    'Part of this is missing or was changed. Scan or copy it again, whole.'
  )
}

function checksum(bytes: Uint8Array): Uint8Array {
  return hash('checksum', [bytes]).subarray(0, CHECK_BYTES)
}

/** An unsigned number, big-endian. */
export function uint(value: number, length: 1 | 2 | 4): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = Math.floor(value / 256 ** (length - 1 - i)) % 256
  return bytes
}

/** Reads a body from its start; whatever does not fit is SECRET_SHARE_DAMAGED. Bytes it gives are copies. */
export class WireReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** How many bytes are not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw damaged()
    const part = new Uint8Array(this.#bytes.subarray(this.#at, end))
    this.#at = end
    return part
  }

  uint(length: 1 | 2 | 4): number {
    return this.take(length).reduce((value, byte) => value * 256 + byte, 0)
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw damaged()
  }
}
