import b4a from 'b4a'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type { Succession } from '../merge/transaction.ts'

const CONTEXT = b4a.from('cloudpal/multi-bee/succeed/1')

/** Hypercore's, Ed25519. */
export interface KeyPair {
  publicKey: Uint8Array
  secretKey: Uint8Array
}

/** A log, and the proof that the device of another one goes on in it. */
export interface Successor {
  writer: Uint8Array
  succession: Succession
}

/** States, with the key pair of the log `previous`, that its device goes on in the log `next`. */
export function signSuccession(keyPair: KeyPair, previous: Uint8Array, next: Uint8Array): Succession {
  const { publicKey, secretKey } = keyPair
  return {
    type: 'succeed',
    previous,
    publicKey,
    signature: crypto.sign(b4a.concat([CONTEXT, previous, next]), secretKey)
  }
}

/** Whether the log `next` succeeds the one it names. */
export function isSuccession({ previous, publicKey, signature }: Succession, next: Uint8Array): boolean {
  return (
    b4a.equals(Hypercore.key(publicKey), previous) &&
    crypto.verify(b4a.concat([CONTEXT, previous, next]), signature, publicKey)
  )
}
