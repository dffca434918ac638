import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  randomBytes
} from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'

const NAME = 'Noise_IK_Ed25519_ChaChaPoly_BLAKE2b'
const HASH_BYTES = 64
const TAG_BYTES = 16

/** The keys of a handshake that is done: what this side seals by, what it opens by, and the hash of all that was said. */
export interface Split {
  readonly tx: Buffer
  readonly rx: Buffer
  readonly hash: Buffer
}

/**
 * `Noise_IK` as PROTOCOL.md and the paper of Noise (revision 34) have it, by OpenSSL and noble, with nothing of src in it, nor of what that stands on.
 *
 * Private keys are seeds of Ed25519.
 */
export class NoiseByTheText {
  readonly #seed: Uint8Array
  readonly #ephemeral: Uint8Array
  readonly #isInitiator: boolean
  #hash: Buffer
  #chainingKey: Buffer
  #key: Buffer = Buffer.alloc(0)
  #nonce = 0
  #remoteEphemeral: Uint8Array = new Uint8Array(0)
  #remote: Uint8Array

  /** @param remote - the responder's public key; `null` on the responder's side */
  constructor(
    prologue: string,
    seed: Uint8Array,
    remote: Uint8Array | null,
    ephemeral: Uint8Array = randomBytes(32)
  ) {
    this.#seed = seed
    this.#ephemeral = ephemeral
    this.#isInitiator = remote !== null
    this.#remote = remote ?? new Uint8Array(0)
    // A name that is shorter than a hash is filled up with zeros (5.2).
    this.#hash = Buffer.concat([Buffer.from(NAME), Buffer.alloc(HASH_BYTES - NAME.length)])
    this.#chainingKey = this.#hash
    this.#mixHash(Buffer.from(prologue))
    this.#mixHash(remote ?? publicKeyOf(seed))
  }

  get remotePublicKey(): Uint8Array {
    return this.#remote
  }

  /** Message 1 of the initiator: `e, es, s, ss`; message 2 of the responder: `e, ee, se`. */
  send(payload: Uint8Array): Buffer {
    const e = publicKeyOf(this.#ephemeral)
    this.#mixHash(e)
    if (this.#isInitiator) {
      this.#mixKey(shared(this.#ephemeral, this.#remote))
      const s = this.#seal(publicKeyOf(this.#seed))
      this.#mixKey(shared(this.#seed, this.#remote))
      return Buffer.concat([e, s, this.#seal(payload)])
    }
    this.#mixKey(shared(this.#ephemeral, this.#remoteEphemeral))
    this.#mixKey(shared(this.#ephemeral, this.#remote))
    return Buffer.concat([e, this.#seal(payload)])
  }

  /** @throws for what is none of the other side */
  receive(message: Uint8Array): Buffer {
    this.#remoteEphemeral = message.subarray(0, 32)
    this.#mixHash(this.#remoteEphemeral)
    if (this.#isInitiator) {
      this.#mixKey(shared(this.#ephemeral, this.#remoteEphemeral))
      this.#mixKey(shared(this.#seed, this.#remoteEphemeral))
      return this.#open(message.subarray(32))
    }
    this.#mixKey(shared(this.#seed, this.#remoteEphemeral))
    this.#remote = this.#open(message.subarray(32, 64 + TAG_BYTES))
    this.#mixKey(shared(this.#seed, this.#remote))
    return this.#open(message.subarray(64 + TAG_BYTES))
  }

  /** After both messages. */
  split(): Split {
    const [first, second] = hkdf(this.#chainingKey, Buffer.alloc(0)).map((key) => key.subarray(0, 32)) as [
      Buffer,
      Buffer
    ]
    const [tx, rx] = this.#isInitiator ? [first, second] : [second, first]
    return { tx, rx, hash: this.#hash }
  }

  #mixHash(bytes: Uint8Array): void {
    this.#hash = createHash('blake2b512').update(this.#hash).update(bytes).digest()
  }

  #mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, secret)
    this.#chainingKey = chainingKey
    this.#key = key.subarray(0, 32)
    this.#nonce = 0
  }

  #seal(plain: Uint8Array): Buffer {
    const sealed = seal(this.#key, this.#nonce++, plain, this.#hash)
    this.#mixHash(sealed)
    return sealed
  }

  #open(sealed: Uint8Array): Buffer {
    const plain = open(this.#key, this.#nonce++, sealed, this.#hash)
    this.#mixHash(sealed)
    return plain
  }
}

/** By OpenSSL. */
export function publicKeyOf(seed: Uint8Array): Buffer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32)
}

/** ChaChaPoly of Noise (12.3): 32 zero bits, then the number of the message, 64 bits, little-endian; the tag follows. */
export function seal(
  key: Uint8Array,
  number: number,
  plain: Uint8Array,
  additional: Uint8Array = Buffer.alloc(0)
): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonceOf(number), { authTagLength: TAG_BYTES })
  cipher.setAAD(additional, { plaintextLength: plain.length })
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** @throws where it was changed */
export function open(
  key: Uint8Array,
  number: number,
  sealed: Uint8Array,
  additional: Uint8Array = Buffer.alloc(0)
): Buffer {
  const length = sealed.length - TAG_BYTES
  const cipher = createDecipheriv('chacha20-poly1305', key, nonceOf(number), { authTagLength: TAG_BYTES })
  cipher.setAAD(additional, { plaintextLength: length })
  cipher.setAuthTag(sealed.subarray(length))
  return Buffer.concat([cipher.update(sealed.subarray(0, length)), cipher.final()])
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64LE(BigInt(number), 4)
  return nonce
}

/** The private scalar of Ed25519 (RFC 8032, 5.1.5) times the point. */
function shared(seed: Uint8Array, key: Uint8Array): Uint8Array {
  const { scalar } = ed25519.utils.getExtendedPublicKey(Uint8Array.from(seed))
  return ed25519.Point.fromBytes(Uint8Array.from(key)).multiply(scalar).toBytes()
}

/** Two outputs (4.3). */
function hkdf(chainingKey: Uint8Array, material: Uint8Array): [Buffer, Buffer] {
  const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer => {
    const state = createHmac('blake2b512', key)
    for (const part of parts) state.update(part)
    return state.digest()
  }
  const temporary = hmac(chainingKey, material)
  const first = hmac(temporary, Buffer.of(1))
  return [first, hmac(temporary, first, Buffer.of(2))]
}
