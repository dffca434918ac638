import { equal, systemRandom, take } from '../crypto/crypto.ts'
import { SecretShareError } from '../errors.ts'
import type { SetSheet } from '../format/set-sheet.ts'
import type { Share } from '../format/share.ts'
import { damaged, KIND, wrap } from '../format/wire.ts'
import { sealShare } from '../sealing.ts'
import type { RandomBytes } from '../types.ts'
import { verifyShare } from '../verify-share.ts'
import { isCode, shortCode, type ShortCode } from './code.ts'
import {
  commitToNonce,
  decodeNonce,
  decodeRequest,
  encodeHelp,
  encodeNonce,
  NONCE_BYTES,
  type RecoveryRequest
} from './messages.ts'
import { outOfTurn, type Party } from './party.ts'

/** A code is typed, so it may be mistyped: so often. */
const TRIES = 3

export interface RecoveryHelpOptions {
  /** @defaultValue the system's */
  random?: RandomBytes
}

/**
 * A friend's side of one meeting. Give it what comes and send what it returns; ask the owner for the code, **by voice or
 * face to face**, and pass what they said to `approve`. No share leaves without it.
 */
export class RecoveryHelp implements Party {
  readonly #nonce: Uint8Array
  #request: RecoveryRequest | null = null
  #message: Uint8Array = new Uint8Array(0)
  #code: ShortCode | null = null
  #tries = TRIES
  #done = false

  constructor(options: RecoveryHelpOptions = {}) {
    this.#nonce = take(options.random ?? systemRandom, NONCE_BYTES)
  }

  /** Who asks for what, as the other side says; `null` before it has. Not to be believed before the code is compared. */
  get request(): RecoveryRequest | null {
    return this.#request
  }

  /** `null` until the other side has revealed its part. Do not send it over the channel that it protects. */
  get code(): ShortCode | null {
    return this.#code
  }

  /**
   * Takes a message of the new device's.
   *
   * @returns what to send back, or `null`
   * @throws SECRET_SHARE_FORGED, SECRET_SHARE_DAMAGED, SECRET_SHARE_OUT_OF_TURN
   */
  receive(message: Uint8Array): Uint8Array | null {
    if (this.#done || this.#code !== null) throw outOfTurn()
    if (this.#request === null) {
      this.#request = decodeRequest(message)
      this.#message = new Uint8Array(message)
      return encodeNonce(KIND.nonce, this.#nonce)
    }
    const reveal = decodeNonce(KIND.reveal, message)
    if (!equal(commitToNonce(reveal), this.#request.commitment)) {
      this.#done = true
      throw damaged()
    }
    this.#code = shortCode(this.#message, this.#nonce, reveal)
    return null
  }

  /**
   * Seals the share to the new device.
   *
   * @param typed the code as the owner told it, in numbers or words
   * @param sheet the set's, where the holder keeps it: secrets above 32 bytes cannot come back without. It goes as it is
   * @returns the last message, to be sent
   * @throws SECRET_SHARE_CODE_MISMATCH, with the third also for good: somebody may sit in between; what `verifyShare` throws
   */
  approve(share: Share, typed: string, sheet?: SetSheet): Uint8Array {
    if (this.#done || this.#code === null || this.#request === null) throw outOfTurn()
    if (!isCode(this.#code, typed)) {
      this.#tries--
      this.#done = this.#tries === 0
      throw new SecretShareError(
        'SECRET_SHARE_CODE_MISMATCH',
        'This is not the code. If the owner really sees another one, someone is in between: send nothing.'
      )
    }
    const checked = verifyShare(share, sheet)
    this.#done = true
    return encodeHelp(sealShare(checked, this.#request.sealTo), sheet ?? null)
  }

  /** Says no. @returns the last message, to be sent */
  refuse(): Uint8Array {
    this.#done = true
    return wrap(KIND.refusal, new Uint8Array(0))
  }
}
