import { concat } from '../bytes.ts'
import { checkKeys, checkOptions, checkShare } from '../arguments.ts'
import { equal, signKeyPair, systemRandom, wipe } from '../crypto/crypto.ts'
import type { SetSheet } from '../format/set-sheet.ts'
import type { Share } from '../format/share.ts'
import { damaged, KIND, kindOf, wrap } from '../format/wire.ts'
import { sealShare } from '../sealing.ts'
import { sameName } from '../name-key.ts'
import type { RandomBytes } from '../types.ts'
import { otherLabel, verifyShare } from '../verify-share.ts'
import { drawPart, type Begun } from './begun.ts'
import { shortCode, type ShortCode } from './code.ts'
import { decodeHelpState, encodeHelpState } from './help-state.ts'
import {
  commitToNonce,
  decodeHelp,
  decodeReply,
  decodeRequest,
  decodeReveal,
  encodeHelp,
  transcriptOf,
  type RecoveryRequest
} from './messages.ts'
import { outOfTurn, type Party } from './party.ts'
import { TypedCode } from './typed-code.ts'

export interface RecoveryHelpOptions {
  /** @defaultValue the system's */
  random?: RandomBytes
}

export interface ApproveOptions {
  /** The person was shown both labels, and means this share all the same. @defaultValue false */
  otherLabel?: boolean
}

/** What came, and as what it came. */
interface Asked {
  readonly message: Uint8Array
  readonly request: RecoveryRequest
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
    checkOptions(options)
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
      const { key } = decodeReply(reply)
      if (last.length === 0 && !equal(key, keys.publicKey)) throw damaged()
      help.#begun = { message: reply, keys }
    }
    if (reveal.length > 0) help.receive(reveal)
    help.#typed = new TypedCode(typed.left, typed.right)
    help.#sent = typed.right
    if (last.length > 0) help.#checkLast(last)
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
    if (this.#last !== null && !this.#sent) return this.#sayNo(message)
    if (this.#asked === null) {
      this.#asked = { request: decodeRequest(message), message: new Uint8Array(message) }
      return null
    }
    if (isAgain(message, this.#asked)) return this.#begun?.message ?? null
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
    this.#begun ??= drawPart(this.#random, this.#asked.message)
    return concat([this.#begun.message])
  }

  /**
   * Seals the share to the new device. Read `code` to the owner then.
   *
   * @param typed the code as the owner told it, in numbers or words
   * @param sheet the set's, where the holder keeps it: secrets above 32 bytes cannot come back without. It goes as it is, in the open
   * @returns the last message, to be sent
   * @throws SECRET_SHARE_OTHER_LABEL for a share of something else than what is asked for, which costs no try; SECRET_SHARE_CODE_MISMATCH, with the
   *   third also for good: somebody may sit in between; what `verifyShare` throws
   */
  approve(share: Share, typed: string, sheet?: SetSheet, options: ApproveOptions = {}): Uint8Array {
    checkShare(share)
    checkKeys(options, ['otherLabel'])
    const { request } = this.#asked ?? {}
    if (!this.ready || !request || this.#begun === null || this.#revealed === null) throw outOfTurn()
    const { transcript } = this.#revealed
    const { label } = share.header
    if (options.otherLabel !== true && !sameName(label, request.label)) throw otherLabel(label, request.label)
    this.#typed.take(shortCode('owner', transcript), typed)
    const sealed = sealShare(verifyShare(share, sheet), request.sealTo)
    const { secretKey } = this.#begun.keys
    this.#last = encodeHelp({ sealed, sheet: sheet ?? null }, transcript, secretKey)
    this.#sent = true
    wipe(secretKey)
    return concat([this.#last])
  }

  /** Says no, at any time before `approve`; it is said again to whatever is asked later. @returns the last message, to be sent @throws SECRET_SHARE_OUT_OF_TURN */
  refuse(): Uint8Array {
    if (this.#sent) throw outOfTurn()
    if (this.#begun !== null) wipe(this.#begun.keys.secretKey)
    this.#last = refusal()
    return concat([this.#last])
  }

  /** One that this side has sent. @throws SecretShareError */
  #checkLast(last: Uint8Array): void {
    if (!this.#sent) {
      if (!equal(last, refusal())) throw damaged()
      return
    }
    if (this.#begun === null || this.#revealed === null) throw damaged()
    decodeHelp(last, this.#revealed.transcript, decodeReply(this.#begun.message).key)
  }

  /** Again, since the first may have been lost. */
  #sayNo(message: Uint8Array): Uint8Array | null {
    const kind = kindOf(message)
    if (kind !== KIND.request && kind !== KIND.reveal) throw outOfTurn()
    return this.#last
  }
}

function refusal(): Uint8Array {
  return wrap(KIND.refusal, new Uint8Array(0))
}

function isAgain(message: Uint8Array, before: { readonly message: Uint8Array } | null): boolean {
  return before !== null && message instanceof Uint8Array && equal(message, before.message)
}
