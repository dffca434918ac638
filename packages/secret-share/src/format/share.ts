import { concat } from '../bytes.ts'
import { hash, sign, verify } from '../crypto/crypto.ts'
import { SecretShareError } from '../errors.ts'
import type { SetHeader } from '../types.ts'
import { copyHeader, decodeHeader, encodeHeader } from './header.ts'
import { damaged, KIND, uint, unwrap, WireReader, wrap } from './wire.ts'

/** A payload up to here travels in every share, so that shares are all it takes; a longer one travels apart. */
export const INLINE_BYTES = 48
const VALUE_BYTES = 32
const SIGNATURE_BYTES = 64

/** What a share is made of, before it is signed. */
export interface ShareParts {
  readonly header: SetHeader
  /** 32 bytes: which set sheet it belongs to. */
  readonly commitment: Uint8Array
  readonly index: number
  /** 32 bytes, secret. */
  readonly value: Uint8Array
  /** The sealed payload, or `null` when it travels apart. */
  readonly payload: Uint8Array | null
}

let fromBody: (body: Uint8Array) => Share
let bodyOf: (share: Share) => Uint8Array
/** The point of the polynomials, which is secret. */
export let shareValue: (share: Share) => Uint8Array

/**
 * One friend's share, as its bytes say. It is read, not yet believed: `verifyShare` checks the signature. The secret
 * part shows in nothing but `toBytes()`: not in a log, not in JSON.
 */
export class Share {
  readonly #header: SetHeader
  readonly #commitment: Uint8Array
  readonly #index: number
  readonly #payload: Uint8Array | null
  readonly #value: Uint8Array
  readonly #body: Uint8Array

  private constructor(body: Uint8Array) {
    const reader = new WireReader(body)
    this.#header = decodeHeader(reader)
    this.#commitment = reader.take(32)
    this.#index = reader.uint(1)
    this.#value = reader.take(VALUE_BYTES)
    const length = reader.uint(1)
    this.#payload = length === 0 ? null : reader.take(length)
    reader.take(SIGNATURE_BYTES)
    reader.end()
    const fits = length === 0 || (length > 16 && length <= INLINE_BYTES)
    if (this.#index < 1 || this.#index > this.#header.holders || !fits) throw damaged()
    this.#body = new Uint8Array(body)
  }

  /** Reads the bytes of `toBytes()`. @throws SecretShareError */
  static fromBytes(bytes: Uint8Array): Share {
    return new Share(unwrap(KIND.share, bytes))
  }

  /** What all shares of the set say alike. A copy, as all that this class gives: what was checked stays what it is. */
  get header(): SetHeader {
    return copyHeader(this.#header)
  }

  /** 32 bytes: which set sheet it belongs to. */
  get commitment(): Uint8Array {
    return new Uint8Array(this.#commitment)
  }

  /** The number of this share, from 1 to `header.holders`. */
  get index(): number {
    return this.#index
  }

  /** The sealed payload where it is small, as that of a 32-byte key; else `null`. */
  get payload(): Uint8Array | null {
    return this.#payload && new Uint8Array(this.#payload)
  }

  /** The share itself, secret part and all: FORMAT.md, "Share". For the holder, and nobody else. */
  toBytes(): Uint8Array {
    return wrap(KIND.share, this.#body)
  }

  /** Says which share it is, and nothing secret. */
  toJSON(): { label: string; index: number; threshold: number; holders: number; epoch: number } {
    const { label, threshold, holders, epoch } = this.#header
    return { label, index: this.index, threshold, holders, epoch }
  }

  // What the package needs and its users must not have: the class's privates, as functions that index.ts leaves out.
  static {
    fromBody = (body) => new Share(body)
    bodyOf = (share) => share.#body
    shareValue = (share) => share.#value
  }
}

/** Makes and signs one with the dealer's secret key, 64 bytes. */
export function makeShare(parts: ShareParts, secretKey: Uint8Array): Share {
  const payload = parts.payload ?? new Uint8Array(0)
  const signed = concat([
    encodeHeader(parts.header),
    parts.commitment,
    uint(parts.index, 1),
    parts.value,
    uint(payload.length, 1),
    payload
  ])
  return fromBody(concat([signed, sign('share', signed, secretKey)]))
}

/** @throws SECRET_SHARE_FORGED when the dealer it names did not sign it */
export function checkSignature(share: Share): void {
  const body = bodyOf(share)
  const at = body.length - SIGNATURE_BYTES
  if (verify('share', body.subarray(0, at), body.subarray(at), share.header.dealer)) return
  throw new SecretShareError(
    'SECRET_SHARE_FORGED',
    'This share was changed by someone: its signature is not right. Ask its holder for the original.'
  )
}

/** 32 bytes that are the same for all shares of one set and epoch, and for no others. */
export function groupOf({ header, commitment, payload }: Share): Uint8Array {
  return hash('group', [encodeHeader(header), commitment, payload ?? new Uint8Array(0)])
}
