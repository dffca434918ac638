import { badArgument, checkOptions } from '../arguments.ts'
import { combine } from '../combine/combine.ts'
import { checkCombineKeys, type CombineOptions } from '../combine/options.ts'
import type { Recovered } from '../combine/recovered.ts'
import { boxKeyPair, equal, hash, signKeyPair, systemRandom } from '../crypto/crypto.ts'
import { aboutDraw, hedgedRandom, type HedgedRandom } from '../crypto/hedged-random.ts'
import { encodeLabel } from '../format/label.ts'
import { damaged } from '../format/wire.ts'
import { nameKey } from '../name-key.ts'
import type { RandomBytes } from '../types.ts'
import { toUtf8 } from '../utf8.ts'
import { closeAsk, RecoveryAsk, recordOf, restore, type AskParts } from './ask.ts'
import { NONCE_BYTES } from './messages.ts'
import { decodeState, encodeState, NAME_BYTES } from './state.ts'

export interface RestoreOptions {
  /** Mixed with what is saved. @defaultValue the system's */
  random?: RandomBytes
}

export interface RecoveryOptions extends RestoreOptions {
  /** What is to be recovered, in the owner's words: 1 to 40 bytes. */
  label: string
}

/** A friend who was asked, and how far it got. */
export interface Asked {
  readonly name: string
  readonly ask: RecoveryAsk
}

/** One friend: what they were asked last, and what they gave before that. */
interface Friend {
  readonly name: string
  current: RecoveryAsk
  before: RecoveryAsk | null
}

/**
 * A new device that collects shares, one a friend. Its keys live only as long as this object, or what `toBytes` gave: whatever was sealed to it is lost with
 * it, and nothing to anybody else.
 */
export class Recovery {
  readonly #label: string
  #draw: HedgedRandom
  readonly #deviceSeed: Uint8Array
  readonly #boxSeed: Uint8Array
  readonly #friends: Map<string, Friend> = new Map()

  /** @throws SECRET_SHARE_BAD_LABEL */
  constructor(options: RecoveryOptions) {
    checkOptions(options)
    const { label, random = systemRandom } = options
    this.#label = label
    this.#draw = hedged(random, encodeLabel(label))
    this.#deviceSeed = this.#draw(32, aboutDraw('device'))
    this.#boxSeed = this.#draw(32, aboutDraw('box'))
  }

  /**
   * Goes on where a recovery was when it was saved: the shares that had come are here, and a meeting in which there was a code goes on over the next
   * channel. One that had not got so far has to be begun anew: whether its part of the code was revealed since, nobody knows.
   *
   * @param bytes of `toBytes`
   * @throws SECRET_SHARE_DAMAGED, SECRET_SHARE_NEWER_FORMAT, SECRET_SHARE_NOT_A_SHARE
   */
  static fromBytes(bytes: Uint8Array, options: RestoreOptions = {}): Recovery {
    checkOptions(options)
    const { random = systemRandom } = options
    const { label, deviceSeed, boxSeed, friends } = decodeState(bytes)
    const recovery = new Recovery({ label, random })
    // Others than those before the restart, where the source begins anew.
    recovery.#draw = hedged(random, bytes)
    recovery.#deviceSeed.set(deviceSeed)
    recovery.#boxSeed.set(boxSeed)
    for (const { name, record } of friends) {
      if (!isName(name)) throw damaged()
      recovery.#add(name, restore(recovery.#parts(record.nonce), record))
    }
    if (!equal(recovery.toBytes(), bytes)) throw damaged()
    return recovery
  }

  /**
   * What `fromBytes` takes, for an app that may be ended at any moment: save it whenever something has come. **As secret as the shares in it**: keep it
   * where the system keeps keys, and delete it when the secret is back.
   */
  toBytes(): Uint8Array {
    const friends = this.#all().flatMap(({ name, ask }) => {
      const record = recordOf(ask)
      return record === null ? [] : [{ name, record }]
    })
    const [label, deviceSeed, boxSeed] = [this.#label, this.#deviceSeed, this.#boxSeed]
    return encodeState({ label, deviceSeed, boxSeed, friends })
  }

  /** Everybody asked so far, with the latest meeting. */
  get asked(): readonly Asked[] {
    return [...this.#friends.values()].map(({ name, current }) => ({ name, ask: current }))
  }

  /**
   * Begins a meeting with one friend, and ends the one before with the same friend, if any: a friend gives one share, and the latest counts.
   *
   * @param name the owner's for them, at most 100 bytes: who is asked under two names may give two shares
   */
  ask(name: string): RecoveryAsk {
    if (!isName(name)) throw badArgument('a friend must have a name, of at most 100 bytes')
    const about = aboutDraw('nonce', hash('friend', [toUtf8(name) ?? new Uint8Array(0)]), this.toBytes())
    const ask = new RecoveryAsk(this.#parts(this.#draw(NONCE_BYTES, about)))
    this.#add(name, ask)
    return ask
  }

  /** The friends whose shares are here and confirmed, in the order of the faults of `combine`. */
  get received(): readonly string[] {
    return this.#received().map(({ name }) => name)
  }

  /**
   * Combines what is here, with the sheets that friends sent: `combine`, whose faults' positions are those of `received`. Shares of something that is
   * called otherwise than what was asked for are named, and left out; with another `label`, `null`, or the sheet they are taken.
   */
  combine(options: CombineOptions = {}): Recovered {
    checkCombineKeys(options)
    const { sheets: given = [] } = options
    if (!Array.isArray(given)) throw badArgument('sheets must be a list of SetSheets')
    const received = this.#received()
    const sheets = received.flatMap(({ ask }) => ask.sheet ?? [])
    const label = options.sheet === undefined ? this.#label : null
    return combine(
      received.flatMap(({ ask }) => ask.share ?? []),
      { label, ...options, sheets: [...given, ...sheets] }
    )
  }

  #parts(nonce: Uint8Array): AskParts {
    const device = signKeyPair(this.#deviceSeed)
    return { label: this.#label, device, box: boxKeyPair(this.#boxSeed), nonce }
  }

  #add(name: string, ask: RecoveryAsk): void {
    const friend = this.#friends.get(nameKey(name))
    if (friend === undefined) {
      this.#friends.set(nameKey(name), { name, current: ask, before: null })
      return
    }
    if (friend.current.share !== null) friend.before = friend.current
    else closeAsk(friend.current)
    friend.current = ask
  }

  #received(): Asked[] {
    return [...this.#friends.values()].flatMap(({ name, current, before }) => {
      const ask = current.share === null ? before : current
      return ask === null ? [] : [{ name, ask }]
    })
  }

  #all(): Asked[] {
    return [...this.#friends.values()].flatMap(({ name, current, before }) => {
      return before === null ? [{ name, ask: current }] : [before, current].map((ask) => ({ name, ask }))
    })
  }
}

function hedged(random: RandomBytes, known: Uint8Array): HedgedRandom {
  return hedgedRandom(random, hash('hedge', [known]), new Uint8Array(0))
}

function isName(name: string): boolean {
  const length = toUtf8(name)?.length ?? 0
  return length > 0 && length <= NAME_BYTES && nameKey(name) !== ''
}
