import { hex } from '@scure/base'
import { uint } from '../format/wire.ts'
import type { RandomBytes } from '../types.ts'
import { derive, hash, noRandomness, take, wipe } from './crypto.ts'

/** Where a drawn value is only compared with others. */
const SEEN_BYTES = 16
const NOTHING = new Uint8Array(0)

/** Gives up to 32 bytes at once, which are others for each thing they are about. */
export type HedgedRandom = (length: number, about?: Uint8Array) => Uint8Array

/** What a draw is about: a purpose, and what is known when it is made. */
export function aboutDraw(purpose: string, ...known: readonly Uint8Array[]): Uint8Array {
  return hash(`draw for ${purpose}`, known)
}

/**
 * A source that mixes in what is dealt, so that a machine that was cloned, or a generator that begins anew, does not deal two secrets with the same
 * key and the same polynomials: the idea of RFC 8937, with keyed BLAKE2b. What the given source draws stays as hard to guess.
 *
 * @param digest of what no two dealings with different secrets have alike: 32 bytes, secret as that
 * @param context what is public of the dealing
 * @returns gives up to 32 bytes at once; throws SECRET_SHARE_NO_RANDOMNESS also for a source that repeats itself
 */
export function hedgedRandom(random: RandomBytes, digest: Uint8Array, context: Uint8Array): HedgedRandom {
  const seen = new Set<string>()
  return (length, about = NOTHING) => {
    const drawn = take(random, 32)
    const name = hex.encode(hash('drawn', [drawn]).subarray(0, SEEN_BYTES))
    if (seen.has(name)) throw noRandomness()
    seen.add(name)
    const mixed = derive('random', drawn, [uint(seen.size, 2), digest, context, about])
    wipe(drawn)
    return mixed.slice(0, length)
  }
}
