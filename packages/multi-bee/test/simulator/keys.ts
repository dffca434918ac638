import b4a from 'b4a'
import Hypercore from 'hypercore'
import crypto, { type KeyPair } from 'hypercore-crypto'

/** Key pairs of logs, made in order from a seed. */
export class Keys {
  readonly #pairs = new Map<string, KeyPair>()
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  /** @returns the key of the log, in hex */
  make(): string {
    const pair = crypto.keyPair(crypto.hash(b4a.from(`${this.#seed}/${this.#pairs.size}`)))
    const key = b4a.toString(Hypercore.key(pair.publicKey), 'hex')
    this.#pairs.set(key, pair)
    return key
  }

  pairOf(key: string): KeyPair {
    const pair = this.#pairs.get(key)
    if (pair === undefined) throw new Error('a key nobody made')
    return pair
  }
}
