import { hash, signKeyPair, wipe } from '../crypto/crypto.ts'
import { aboutDraw, hedgedRandom } from '../crypto/hedged-random.ts'
import type { KeyPair, RandomBytes } from '../types.ts'
import { encodeReply, NONCE_BYTES } from './messages.ts'

/** The friend's part of the code, drawn when a person has agreed to begin. */
export interface Begun {
  readonly message: Uint8Array
  readonly keys: KeyPair
}

/** Two draws, each for its purpose and mixed with the request that they answer: FORMAT.md, "Secret, key, payload". */
export function drawPart(random: RandomBytes, request: Uint8Array): Begun {
  const source = hedgedRandom(random, hash('hedge', [request]), new Uint8Array(0))
  const nonce = source(NONCE_BYTES, aboutDraw('nonce'))
  const seed = source(32, aboutDraw('key'))
  const keys = signKeyPair(seed)
  wipe(seed)
  return { message: encodeReply({ nonce, key: keys.publicKey }), keys }
}
