import { concat } from '../bytes.ts'
import { hash, sign, verify } from '../crypto/crypto.ts'
import { SecretShareError } from '../errors.ts'
import type { SetHeader } from '../types.ts'
import { copyHeader, decodeHeader, encodeHeader } from './header.ts'
import { damaged, KIND, uint, unwrap, WireReader, wrap } from './wire.ts'

/** The largest secret, in bytes: a key file, a wallet. */
export const SECRET_BYTES = 65_536
const TAG_BYTES = 16
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** What a sheet is made of, before it is signed. */
export interface SheetParts {
  readonly header: SetHeader
  readonly payload: Uint8Array
  readonly possessionKeys: readonly Uint8Array[]
}

let fromBody: (body: Uint8Array) => SetSheet
/** The key of one share, by its number; not a copy. */
export let possessionKeyOf: (sheet: SetSheet, index: number) => Uint8Array | undefined

/**
 * What is public of a set: its header, the sealed payload, and a key a share to check possession with. It holds nothing that helps to open
 * the payload: keep it anywhere, give it to every holder. It names no holder.
 */
export class SetSheet {
  readonly #header: SetHeader
  readonly #payload: Uint8Array
  readonly #possessionKeys: readonly Uint8Array[]
  readonly #commitment: Uint8Array
  readonly #body: Uint8Array

  private constructor(body: Uint8Array) {
    const reader = new WireReader(body)
    this.#header = decodeHeader(reader)
    const length = reader.uint(4)
    if (length <= TAG_BYTES || length > SECRET_BYTES + TAG_BYTES) throw damaged()
    this.#payload = reader.take(length)
    this.#possessionKeys = Array.from({ length: this.#header.holders }, () => reader.take(KEY_BYTES))
    this.#commitment = commitmentOf({
      header: this.#header,
      payload: this.#payload,
      possessionKeys: this.#possessionKeys
    })
    reader.take(SIGNATURE_BYTES)
    reader.end()
    this.#body = new Uint8Array(body)
  }

  /** Reads the bytes of `toBytes()` and checks the dealer's signature. @throws SecretShareError */
  static fromBytes(bytes: Uint8Array): SetSheet {
    const body = unwrap(KIND.sheet, bytes)
    const sheet = new SetSheet(body)
    const at = body.length - SIGNATURE_BYTES
    if (verify('sheet', body.subarray(0, at), body.subarray(at), sheet.header.dealer)) return sheet
    throw new SecretShareError(
      'SECRET_SHARE_FORGED',
      'The description of this set was changed by someone: its signature is not right.'
    )
  }

  /** What all shares of the set say alike. A copy, as all that this class gives. */
  get header(): SetHeader {
    return copyHeader(this.#header)
  }

  /** The sealed payload: the secret and 16 bytes. */
  get payload(): Uint8Array {
    return new Uint8Array(this.#payload)
  }

  /** An Ed25519 key a share, that of share 1 first: each commits to the secret part of its share. */
  get possessionKeys(): Uint8Array[] {
    return this.#possessionKeys.map((key) => new Uint8Array(key))
  }

  /** 32 bytes: the hash of the three above, which every share of the set carries. */
  get commitment(): Uint8Array {
    return new Uint8Array(this.#commitment)
  }

  /** FORMAT.md, "Set sheet". Nothing in it is secret. */
  toBytes(): Uint8Array {
    return wrap(KIND.sheet, this.#body)
  }

  static {
    fromBody = (body) => new SetSheet(body)
    possessionKeyOf = (sheet, index) => sheet.#possessionKeys[index - 1]
  }
}

/** Makes and signs one with the dealer's secret key, 64 bytes. */
export function makeSheet(parts: SheetParts, secretKey: Uint8Array): SetSheet {
  const signed = concat([
    encodeHeader(parts.header),
    uint(parts.payload.length, 4),
    parts.payload,
    ...parts.possessionKeys
  ])
  return fromBody(concat([signed, sign('sheet', signed, secretKey)]))
}

/** What ties shares to the whole of their set sheet. */
export function commitmentOf({ header, payload, possessionKeys }: SheetParts): Uint8Array {
  return hash('set', [encodeHeader(header), hash('payload', [payload]), ...possessionKeys])
}
