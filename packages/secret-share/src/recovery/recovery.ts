import { badArgument } from '../arguments.ts'
import { combine, type CombineOptions } from '../combine/combine.ts'
import type { Recovered } from '../combine/recovered.ts'
import { signKeyPair, systemRandom, take, wipe } from '../crypto/crypto.ts'
import { encodeLabel } from '../format/label.ts'
import { holderKeyPair } from '../sealing.ts'
import type { KeyPair, RandomBytes } from '../types.ts'
import { NONCE_BYTES } from './messages.ts'
import { RecoveryAsk } from './ask.ts'

export interface RecoveryOptions {
  /** What is to be recovered, in the owner's words: 1 to 40 bytes. */
  label: string
  /** @defaultValue the system's */
  random?: RandomBytes
}

/** A friend who was asked, and how far it got. */
export interface Asked {
  readonly name: string
  readonly ask: RecoveryAsk
}

/**
 * A new device that collects shares. Its keys live only as long as this object: whatever was sealed to it is lost with
 * it, and nothing to anybody else.
 */
export class Recovery {
  readonly #label: string
  readonly #random: RandomBytes
  readonly #device: KeyPair
  readonly #box: KeyPair
  readonly #asked: Asked[] = []

  /** @throws SECRET_SHARE_BAD_LABEL */
  constructor({ label, random = systemRandom }: RecoveryOptions) {
    encodeLabel(label)
    this.#label = label
    this.#random = random
    const seed = take(random, 32)
    this.#device = signKeyPair(seed)
    wipe(seed)
    this.#box = holderKeyPair(random)
  }

  /** Everybody asked so far. */
  get asked(): readonly Asked[] {
    return this.#asked
  }

  /** Begins a meeting with one friend. Ask again after one that failed. @param name the owner's for them */
  ask(name: string): RecoveryAsk {
    if (typeof name !== 'string' || name === '') throw badArgument('a friend must have a name')
    const nonce = take(this.#random, NONCE_BYTES)
    const ask = new RecoveryAsk({ label: this.#label, device: this.#device, box: this.#box, nonce })
    this.#asked.push({ name, ask })
    return ask
  }

  /** The friends whose shares are here, in the order of the faults of `combine`. */
  get received(): readonly string[] {
    return this.#received().map(({ name }) => name)
  }

  /** Combines what is here, with the sheets that friends sent for their payload: `combine`, whose faults' positions are those of `received`. */
  combine(options: CombineOptions = {}): Recovered {
    const received = this.#received()
    const sheets = received.flatMap(({ ask }) => ask.sheet ?? [])
    return combine(
      received.flatMap(({ ask }) => ask.share ?? []),
      { ...options, sheets: [...(options.sheets ?? []), ...sheets] }
    )
  }

  #received(): Asked[] {
    return this.#asked.filter(({ ask }) => ask.share !== null)
  }
}
