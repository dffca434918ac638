import { concat } from '../bytes.ts'
import { equal } from '../crypto/crypto.ts'
import { SecretShareError } from '../errors.ts'
import type { SetSheet } from '../format/set-sheet.ts'
import type { Share } from '../format/share.ts'
import { damaged, KIND, kindOf, unwrap } from '../format/wire.ts'
import { openShare } from '../sealing.ts'
import type { KeyPair } from '../types.ts'
import { verifyShare } from '../verify-share.ts'
import { shortCode, type ShortCode } from './code.ts'
import {
  commitToNonce,
  decodeHelp,
  decodeReply,
  encodeRequest,
  encodeReveal,
  transcriptOf,
  type RecoveryReply
} from './messages.ts'
import { outOfTurn, type Party } from './party.ts'
import { TypedCode, type Tries } from './typed-code.ts'

export interface AskParts {
  readonly label: string
  readonly device: KeyPair
  readonly box: KeyPair
  readonly nonce: Uint8Array
}

/** What of a meeting outlives a restart: `Recovery.toBytes`. */
export interface AskRecord {
  readonly nonce: Uint8Array
  readonly reply: Uint8Array
  readonly help: Uint8Array | null
  readonly typed: Tries
}

/** The friend's answer, and what follows from it. Once there, it is never exchanged: the nonce is revealed. */
interface Answered extends RecoveryReply {
  readonly message: Uint8Array
  readonly transcript: Uint8Array
}

/** `null` for one that a restart ends: nobody has answered yet. */
export let recordOf: (ask: RecoveryAsk) => AskRecord | null
export let restore: (parts: AskParts, record: AskRecord) => RecoveryAsk
/** Nothing more is taken. */
export let closeAsk: (ask: RecoveryAsk) => void

/**
 * The new device's side of one meeting with one friend, over any channel that carries messages in order. `Recovery.ask`
 * makes it: send `hello()`, give it whatever comes, send what it returns. Then the owner reads `code` to the friend, the friend's app
 * shows another one when it has sent the share, and what the friend reads from it goes to `confirm`: before that no share counts.
 *
 * After a channel was cut, send `hello()` over the next: it goes on where it was.
 */
export class RecoveryAsk implements Party {
  readonly #parts: AskParts
  readonly #request: Uint8Array
  #answered: Answered | null = null
  #typed: TypedCode = new TypedCode()
  #help: Uint8Array | null = null
  #share: Share | null = null
  #sheet: SetSheet | null = null
  #closed = false

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

  /** The request, which begins the meeting, or brings it back over another channel. */
  hello(): Uint8Array {
    return concat([this.#request])
  }

  /** What the owner reads to the friend, on the phone or face to face; `null` until the friend has agreed to begin. */
  get code(): ShortCode | null {
    return this.#answered && shortCode('owner', this.#answered.transcript)
  }

  /** Whether a share has come, be it confirmed or not. */
  get arrived(): boolean {
    return this.#share !== null
  }

  /** The friend's share, which `verifyShare` has found good by itself; `null` until it is there **and** confirmed. */
  get share(): Share | null {
    return this.#typed.right ? this.#share : null
  }

  /** The set sheet that came with the share, which fits it; `null` when none did. As true as the friend. */
  get sheet(): SetSheet | null {
    return this.#typed.right ? this.#sheet : null
  }

  /**
   * Takes a message of the friend's.
   *
   * @returns what to send back, or `null`
   * @throws SECRET_SHARE_REFUSED when no help will come; SECRET_SHARE_OUT_OF_TURN, also when the friend's app began anew: ask again then;
   *   SECRET_SHARE_FORGED for what others than the friend sent; what `openShare` and `verifyShare` throw
   */
  receive(message: Uint8Array): Uint8Array | null {
    if (this.#closed) throw outOfTurn()
    const kind = kindOf(message)
    if (kind === KIND.refusal) return this.#refused(message)
    if (this.#answered === null) return this.#take(message)
    if (kind === KIND.reply) {
      // A second answer could be chosen to make whatever code is wanted: the nonce is no secret any more.
      if (!equal(message, this.#answered.message)) throw outOfTurn()
      return encodeReveal(this.#parts.nonce)
    }
    if (this.#help !== null) {
      if (equal(message, this.#help)) return null
      throw outOfTurn()
    }
    const { sealed, sheet } = decodeHelp(message, this.#answered.transcript, this.#answered.key)
    this.#share = verifyShare(openShare(sealed, this.#parts.box), sheet ?? undefined)
    this.#sheet = sheet
    this.#help = new Uint8Array(message)
    return null
  }

  /**
   * The owner has heard from the friend, **by voice or face to face**, what the friend's app shows after it sent the share: only now it counts.
   *
   * @param typed the friend's code, in numbers or words
   * @throws SECRET_SHARE_CODE_MISMATCH, with the third for good: what came may be somebody else's
   */
  confirm(typed: string): void {
    if (this.#closed || this.#answered === null) throw outOfTurn()
    this.#typed.take(shortCode('friend', this.#answered.transcript), typed)
  }

  #take(message: Uint8Array): Uint8Array {
    const { nonce, key } = decodeReply(message)
    const reveal = encodeReveal(this.#parts.nonce)
    const transcript = transcriptOf(this.#request, message, reveal)
    this.#answered = { nonce, key, message: new Uint8Array(message), transcript }
    return reveal
  }

  #refused(message: Uint8Array): never {
    if (unwrap(KIND.refusal, message).length > 0) throw damaged()
    if (this.#share !== null) throw outOfTurn()
    throw new SecretShareError(
      'SECRET_SHARE_REFUSED',
      'No share was sent: your friend said no, or somebody did in their name. Ask them by voice.'
    )
  }

  static {
    recordOf = (ask) => {
      if (ask.#answered === null || ask.#closed) return null
      return { nonce: ask.#parts.nonce, reply: ask.#answered.message, help: ask.#help, typed: ask.#typed }
    }
    restore = (parts, { reply, help, typed }) => {
      const ask = new RecoveryAsk(parts)
      ask.receive(reply)
      if (help !== null) ask.receive(help)
      ask.#typed = new TypedCode(typed.left, typed.right)
      return ask
    }
    closeAsk = (ask) => {
      ask.#closed = true
    }
  }
}
