import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'
import { ed25519Curve } from './curve.ts'

let own: KeyPair | null = null
/** By the object: keys are checked again and again where relays are chosen, and each check is a multiplication on the curve. */
const checked = new WeakMap<Uint8Array, boolean>()

/** Whether a handshake can be made with whoever has this key: 32 bytes may be no point of the curve, or one of a small order. Costs one Diffie–Hellman the first time. */
export function isPublicKey(key: Uint8Array): boolean {
  const known = checked.get(key)
  if (known !== undefined) return known
  const isPoint = canMeet(key)
  checked.set(key, isPoint)
  return isPoint
}

function canMeet(key: Uint8Array): boolean {
  own ??= crypto.keyPair()
  try {
    ed25519Curve.dh(key, own)
    return true
  } catch {
    return false
  }
}
