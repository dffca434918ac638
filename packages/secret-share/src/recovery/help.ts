import { concat } from '../bytes.ts'
import { equal, signKeyPair, systemRandom, take, wipe } from '../crypto/crypto.ts'
import type { SetSheet } from '../format/set-sheet.ts'
import type { Share } from '../format/share.ts'
import { damaged, KIND, kindOf, wrap } from '../format/wire.ts'
import { sealShare } from '../sealing.ts'
import type { KeyPair, RandomBytes } from '../types.ts'
import { verifyShare } from '../verify-share.ts'
import { shortCode, type ShortCode } from './code.ts'
import { decodeHelpState, encodeHelpState } from './help-state.ts'
import {
  commitToNonce,
  decodeReply,
  decodeRequest,
  decodeReveal,
  encodeHelp,
  encodeReply,
  NONCE_BYTES,
  transcriptOf,
  type RecoveryRequest
} from './messages.ts'
import { outOfTurn, type Party } from './party.ts'
import { TypedCode } from './typed-code.ts'

export interface RecoveryHelpOptions {
  /** @defaultValue the system's */
  random?: RandomBytes
}

/** What came, and as what it came. */
interface Asked {
  readonly message: Uint8Array
  readonly request: RecoveryRequest
}

/** The friend's part of the code, drawn when a person has agreed to begin. */
interface Begun {
  readonly message: Uint8Array
  readonly keys: KeyPair
}

interface Revealed {
  readonly message: Uint8Array
  readonly transcript: Uint8Array
}

/**
 * A friend's side of one meeting. Give it what comes and send what it returns. When `request` is there, ask the person whether to `begin`; then they
 * hear the code from the owner, **by voice or face to face**, and what they type goes to `approve`. No share leaves without it. Last they read `code`
 * to the owner.
 *
 * After a channel was cut, give the same object what comes over the next: it goes on where it was, and sends again what may be lost. `toBytes`
 * outlives the app.
 */
export class RecoveryHelp implements Party {
  readonly #random: RandomBytes
  #asked: Asked | null = null
  #begun: Begun | null = null
  #revealed: Revealed | null = null
  #typed: TypedCode = new TypedCode()
  /** Help or refusal: the last message. */
  #last: Uint8Array | null = null
  #sent = false
  #broken = false

  constructor(options: RecoveryHelpOptions = {}) {
    this.#random = options.random ?? systemRandom
  }

  /**
   * Goes on where a meeting was when it was saved, with the same part of the code.
   *
   * @param bytes of `toBytes`
   * @throws SECRET_SHARE_DAMAGED, SECRET_SHARE_NEWER_FORMAT, SECRET_SHARE_NOT_A_SHARE, SECRET_SHARE_FORGED
   */
  static fromBytes(bytes: Uint8Array, options: RecoveryHelpOptions = {}): RecoveryHelp {
    const { request, reply, seed, reveal, typed, last } = decodeHelpState(bytes)
    const help = new RecoveryHelp(options)
    if (request.length > 0) help.receive(request)
    if (reply.length > 0) {
      const keys = signKeyPair(seed)
      if (!equal(decodeReply(reply).key, keys.publicKey) && last.length === 0) throw damaged()
      help.#begun = { message: reply, keys }
    }
    if (reveal.length > 0) help.receive(reveal)
    help.#typed = new TypedCode(typed.left, typed.right)
    help.#sent = typed.right
    help.#last = last.length > 0 ? last : null
    return help
  }

  /**
   * What `fromBytes` takes, for an app that may be ended while its person telephones. Save it after `begin` and after `approve`, and delete it in the end: until the
   * help is sent it holds the key of this meeting.
   *
   * @throws SECRET_SHARE_OUT_OF_TURN for a meeting that has failed
   */
  toBytes(): Uint8Array {
    if (this.#broken) throw outOfTurn()
    const none = new Uint8Array(0)
    return encodeHelpState({
      request: this.#asked?.message ?? none,
      reply: this.#begun?.message ?? none,
      seed: this.#begun?.keys.secretKey.slice(0, 32) ?? new Uint8Array(32),
      reveal: this.#revealed?.message ?? none,
      typed: { left: this.#typed.left, right: this.#sent },
      last: this.#last ?? none
    })
  }

  /** Who asks for what, as the other side says, copied; `null` before it has. Not to be believed before the code is compared. */
  get request(): RecoveryRequest | null {
    if (this.#asked === null) return null
    const { label, device, sealTo, commitment } = this.#asked.request
    const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)
    return { label, device: copy(device), sealTo: copy(sealTo), commitment: copy(commitment) }
  }

  /** Whether the owner's code may be typed now. */
  get ready(): boolean {
    return this.#revealed !== null && this.#last === null && this.#typed.left > 0
  }

  /** What the friend reads to the owner when the share is on its way; `null` before. */
  get code(): ShortCode | null {
    return this.#revealed && this.#sent ? shortCode('friend', this.#revealed.transcript) : null
  }

  /**
   * Takes a message of the new device's.
   *
   * @returns what to send back, or `null`
   * @throws SECRET_SHARE_FORGED, SECRET_SHARE_DAMAGED, SECRET_SHARE_OUT_OF_TURN
   */
  receive(message: Uint8Array): Uint8Array | null {
    if (this.#broken) throw outOfTurn()
    if (this.#asked === null) {
      if (this.#last !== null) throw outOfTurn()
      this.#asked = { request: decodeRequest(message), message: new Uint8Array(message) }
      return null
    }
    if (isAgain(message, this.#asked)) return this.#begun?.message ?? this.#last
    if (isAgain(message, this.#revealed)) return this.#last
    const anotherRequest = kindOf(message) === KIND.request
    if (anotherRequest || this.#begun === null || this.#revealed !== null || this.#last !== null) {
      throw outOfTurn()
    }
    const nonce = decodeReveal(message)
    if (!equal(commitToNonce(nonce), this.#asked.request.commitment)) {
      this.#broken = true
      throw damaged()
    }
    const transcript = transcriptOf(this.#asked.message, this.#begun.message, message)
    this.#revealed = { message: new Uint8Array(message), transcript }
    return null
  }

  /**
   * A person has agreed to compare codes with whom they believe is asking. Without that, anybody could make as many codes as they like until two
   * fit.
   *
   * @returns the message to be sent
   * @throws SECRET_SHARE_OUT_OF_TURN before there is a request, or after an end
   */
  begin(): Uint8Array {
    if (this.#broken || this.#asked === null || this.#last !== null) throw outOfTurn()
    this.#begun ??= this.#draw()
    return concat([this.#begun.message])
  }

  #draw(): Begun {
    const nonce = take(this.#random, NONCE_BYTES)
    const seed = take(this.#random, 32)
    const keys = signKeyPair(seed)
    wipe(seed)
    return { message: encodeReply({ nonce, key: keys.publicKey }), keys }
  }

  /**
   * Seals the share to the new device. Read `code` to the owner then.
   *
   * @param typed the code as the owner told it, in numbers or words
   * @param sheet the set's, where the holder keeps it: secrets above 32 bytes cannot come back without. It goes as it is
   * @returns the last message, to be sent
   * @throws SECRET_SHARE_CODE_MISMATCH, with the third also for good: somebody may sit in between; what `verifyShare` throws
   */
  approve(share: Share, typed: string, sheet?: SetSheet): Uint8Array {
    const { request } = this.#asked ?? {}
    if (!this.ready || !request || this.#begun === null || this.#revealed === null) throw outOfTurn()
    const { transcript } = this.#revealed
    this.#typed.take(shortCode('owner', transcript), typed)
    const sealed = sealShare(verifyShare(share, sheet), request.sealTo)
    const { secretKey } = this.#begun.keys
    this.#last = encodeHelp({ sealed, sheet: sheet ?? null }, transcript, secretKey)
    this.#sent = true
    wipe(secretKey)
    return concat([this.#last])
  }

  /** Says no, at any time before `approve`. @returns the last message, to be sent @throws SECRET_SHARE_OUT_OF_TURN */
  refuse(): Uint8Array {
    if (this.#sent) throw outOfTurn()
    if (this.#begun !== null) wipe(this.#begun.keys.secretKey)
    this.#last = wrap(KIND.refusal, new Uint8Array(0))
    return concat([this.#last])
  }
}

function isAgain(message: Uint8Array, before: { readonly message: Uint8Array } | null): boolean {
  return before !== null && message instanceof Uint8Array && equal(message, before.message)
}
