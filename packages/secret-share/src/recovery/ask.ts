import { concat } from '../bytes.ts'
import { SecretShareError } from '../errors.ts'
import type { SetSheet } from '../format/set-sheet.ts'
import type { Share } from '../format/share.ts'
import { KIND, unwrap } from '../format/wire.ts'
import { openShare } from '../sealing.ts'
import type { KeyPair } from '../types.ts'
import { verifyShare } from '../verify-share.ts'
import { shortCode, type ShortCode } from './code.ts'
import { commitToNonce, decodeHelp, decodeNonce, encodeNonce, encodeRequest } from './messages.ts'
import { outOfTurn, type Party } from './party.ts'

export interface AskParts {
  readonly label: string
  readonly device: KeyPair
  readonly box: KeyPair
  readonly nonce: Uint8Array
}

/**
 * The new device's side of one meeting with one friend, over any channel that carries messages in order. `Recovery.ask`
 * makes it: send `hello()`, give it whatever comes, send what it returns.
 */
export class RecoveryAsk implements Party {
  readonly #parts: AskParts
  readonly #request: Uint8Array
  #code: ShortCode | null = null
  #share: Share | null = null
  #sheet: SetSheet | null = null

  constructor(parts: AskParts) {
    this.#parts = parts
    const { label, device, box, nonce } = parts
    const request = {
      label,
      device: device.publicKey,
      sealTo: box.publicKey,
      commitment: commitToNonce(nonce)
    }
    this.#request = encodeRequest(request, device)
  }

  /** The request, which begins the meeting. */
  hello(): Uint8Array {
    return concat([this.#request])
  }

  /** What the person reads to the friend, on the phone or face to face; `null` until the friend's app has answered. */
  get code(): ShortCode | null {
    return this.#code
  }

  /** The friend's share, which `verifyShare` has found good by itself; `null` until it is there. */
  get share(): Share | null {
    return this.#share
  }

  /** The set sheet that came with the share, which fits it; `null` when none did. As true as the friend. */
  get sheet(): SetSheet | null {
    return this.#sheet
  }

  /**
   * Takes a message of the friend's.
   *
   * @returns what to send back, or `null`
   * @throws SECRET_SHARE_REFUSED when the friend said no; SECRET_SHARE_OUT_OF_TURN; what `openShare` and `verifyShare` throw
   */
  receive(message: Uint8Array): Uint8Array | null {
    if (message instanceof Uint8Array && message[1] === KIND.refusal) {
      unwrap(KIND.refusal, message)
      throw new SecretShareError(
        'SECRET_SHARE_REFUSED',
        'Your friend did not send their share. Ask them why.'
      )
    }
    if (this.#code === null) {
      const nonce = decodeNonce(KIND.nonce, message)
      this.#code = shortCode(this.#request, nonce, this.#parts.nonce)
      return encodeNonce(KIND.reveal, this.#parts.nonce)
    }
    if (this.#share !== null) throw outOfTurn()
    const { sealed, sheet } = decodeHelp(message)
    this.#share = verifyShare(openShare(sealed, this.#parts.box), sheet ?? undefined)
    this.#sheet = sheet
    return null
  }
}
