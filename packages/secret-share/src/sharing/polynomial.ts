import { take, wipe } from '../crypto/crypto.ts'
import type { RandomBytes } from '../types.ts'
import { invert, multiply } from './field.ts'

/** A point of the polynomials, one for each byte of the secret. */
export interface Point {
  /** 1 to 255. */
  readonly x: number
  /** As long as the secret. */
  readonly y: Uint8Array
}

/**
 * Shares by Shamir's scheme ("How to share a secret", CACM 22, 1979): a random polynomial of degree
 * `threshold - 1` for every byte, whose value at 0 is that byte.
 *
 * @param random must not repeat itself, which would give the secret away: two coefficients alike cancel each other out in some share
 * @returns the values at 1 to `count`
 * @throws SECRET_SHARE_NO_RANDOMNESS
 */
export function shareOut(
  secret: Uint8Array,
  threshold: number,
  count: number,
  random: RandomBytes
): Uint8Array[] {
  const coefficients = Array.from({ length: threshold - 1 }, () => take(random, secret.length))
  const shares = Array.from({ length: count }, (_, i) => evaluate(secret, coefficients, i + 1))
  wipe(...coefficients)
  return shares
}

function evaluate(secret: Uint8Array, coefficients: readonly Uint8Array[], x: number): Uint8Array {
  const y = new Uint8Array(secret.length)
  for (const coefficient of coefficients.toReversed()) {
    for (let i = 0; i < y.length; i++) y[i] = multiply((y[i] ?? 0) ^ (coefficient[i] ?? 0), x)
  }
  for (let i = 0; i < y.length; i++) y[i] = (y[i] ?? 0) ^ (secret[i] ?? 0)
  return y
}

/**
 * The value at `x` of the polynomials of the lowest degree through all points (Lagrange). The points are at least one, of one length,
 * at distinct places: the caller sees to it.
 */
export function interpolate(points: readonly Point[], x: number): Uint8Array {
  const result = new Uint8Array(points[0]?.y.length ?? 0)
  for (const point of points) {
    const weight = basis(points, point.x, x)
    for (let i = 0; i < result.length; i++) {
      result[i] = (result[i] ?? 0) ^ multiply(weight, point.y[i] ?? 0)
    }
  }
  return result
}

function basis(points: readonly Point[], own: number, x: number): number {
  let over = 1
  let under = 1
  for (const other of points) {
    if (other.x === own) continue
    over = multiply(over, other.x ^ x)
    under = multiply(under, other.x ^ own)
  }
  return multiply(over, invert(under))
}
