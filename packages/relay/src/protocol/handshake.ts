import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import type { KeyPair } from '../types.ts'
import NoiseState from 'noise-handshake'
import CipherState from 'noise-handshake/cipher.js'
import { ed25519Curve } from './curve.ts'

/** What both sides have after a handshake. */
export interface Secrets {
  /** 32 bytes: seals what this side sends. */
  readonly tx: Uint8Array
  /** 32 bytes: opens what the other side sends. */
  readonly rx: Uint8Array
  /** 64 bytes, the same on both sides; no secret. */
  readonly hash: Uint8Array
  readonly remotePublicKey: Uint8Array
}

/** What a handshake is for: it is mixed in, so that a message of one is none of another. */
export type Purpose = 'device to relay' | 'device to device'

const PROLOGUES: Record<Purpose, Uint8Array> = {
  'device to relay': b4a.from('cloudpal/relay/1/device-to-relay'),
  'device to device': b4a.from('cloudpal/relay/1/device-to-device')
}

/**
 * One side of `Noise_IK_Ed25519_ChaChaPoly_BLAKE2b` (noiseprotocol.org, revision 34, 7.5; the curve as in Hyperswarm).
 *
 * One round trip. The initiator knows the responder's key beforehand and is known to it after the first message. That one can be
 * repeated by whoever saw it: nothing is done on it alone but to answer.
 */
export class Handshake {
  readonly #state: NoiseState

  /** @param remotePublicKey - the responder's, which makes this side the initiator; `null` on the responder's side */
  constructor(purpose: Purpose, keyPair: KeyPair, remotePublicKey: Uint8Array | null) {
    this.#state = new NoiseState('IK', remotePublicKey !== null, keyPair, { curve: ed25519Curve })
    this.#state.initialise(PROLOGUES[purpose], remotePublicKey)
  }

  /** Static key of the other side; `null` before it was seen. */
  get remotePublicKey(): Uint8Array | null {
    return this.#state.rs
  }

  /**
   * The next message, with a payload that only the other side can read.
   *
   * @throws RELAY_BAD_ARGUMENT when the other side's key is none
   */
  send(payload: Uint8Array): Uint8Array {
    try {
      return this.#state.send(payload)
    } catch (cause) {
      throw new RelayError('RELAY_BAD_ARGUMENT', 'the key to be reached is no Ed25519 public key', { cause })
    }
  }

  /** @returns the payload, or `null` for what is no message of the other side */
  receive(message: Uint8Array): Uint8Array | null {
    try {
      return this.#state.recv(message)
    } catch {
      return null
    }
  }

  /** @returns `null` before both messages */
  secrets(): Secrets | null {
    const { tx, rx, hash, rs } = this.#state
    if (!tx || !rx || !hash || !rs) return null
    return { tx: b4a.from(tx), rx: b4a.from(rx), hash: b4a.from(hash), remotePublicKey: b4a.from(rs) }
  }
}

/** Seals and opens control messages with the keys of a handshake: the transport messages of Noise, in order. */
export class ControlCipher {
  readonly #tx: CipherState
  readonly #rx: CipherState

  constructor({ tx, rx }: Secrets) {
    this.#tx = new CipherState(tx)
    this.#rx = new CipherState(rx)
  }

  seal(message: Uint8Array): Uint8Array {
    return this.#tx.encrypt(message)
  }

  /** @returns `null` when it was changed, repeated, or one before it is missing */
  open(sealed: Uint8Array): Uint8Array | null {
    if (sealed.length < 16) return null
    try {
      return this.#rx.decrypt(sealed)
    } catch {
      return null
    }
  }
}
