// noise-handshake 4.2.0
declare module 'noise-handshake' {
  import type { KeyPair } from 'hypercore-crypto'
  import type { NoiseCurve } from 'noise-curve-ed'

  /** One side of a Noise handshake. Every method throws plain Errors on what does not fit. */
  export default class NoiseState {
    constructor(
      pattern: 'IK' | 'XX' | 'XK' | 'NN',
      initiator: boolean,
      staticKeyPair: KeyPair,
      options: { curve: NoiseCurve }
    )
    readonly initiator: boolean
    readonly complete: boolean
    /** Keys of the transport, 32 bytes each; `null` until the handshake is complete. */
    readonly tx: Uint8Array | null
    readonly rx: Uint8Array | null
    /** Of all that was sent, 64 bytes. No secret. */
    readonly hash: Uint8Array | null
    /** The other's static public key; `null` until it is known. */
    readonly rs: Uint8Array | null
    initialise(prologue: Uint8Array, remotePublicKey?: Uint8Array | null): void
    send(payload?: Uint8Array): Uint8Array
    recv(message: Uint8Array): Uint8Array
  }
}

declare module 'noise-handshake/cipher.js' {
  /** ChaCha20-Poly1305 that counts its nonces from 0. */
  export default class CipherState {
    constructor(key: Uint8Array)
    readonly nonce: number
    encrypt(plaintext: Uint8Array, additional?: Uint8Array): Uint8Array
    /** Throws when a bit was changed, or a message is missing. */
    decrypt(ciphertext: Uint8Array, additional?: Uint8Array): Uint8Array
  }
}

// noise-curve-ed 2.1.0
declare module 'noise-curve-ed' {
  import type { KeyPair } from 'hypercore-crypto'

  /** Diffie–Hellman over Ed25519 keys. */
  export interface NoiseCurve {
    readonly DHLEN: number
    readonly PKLEN: number
    readonly SCALARLEN: number
    readonly SKLEN: number
    readonly ALG: string
    readonly name: string
    generateKeyPair(): KeyPair
    dh(publicKey: Uint8Array, keyPair: KeyPair): Uint8Array
  }

  const curve: NoiseCurve
  export default curve
}
