/**
 * The field GF(2⁸) of AES (FIPS 197, section 4: x⁸ + x⁴ + x³ + x + 1), which SLIP-39, HashiCorp Vault and
 * shamir-secret-sharing share secrets in too. No library of it runs on Bare and takes randomness from outside:
 * docs/decisions/0014-field-arithmetic-of-our-own.md. No tables: a lookup by a secret byte leaves traces in the cache.
 */

/** The product of two elements, 0 to 255. */
export function multiply(a: number, b: number): number {
  let product = 0
  let shifted = a
  for (let bit = 0; bit < 8; bit++) {
    product ^= -((b >> bit) & 1) & shifted
    shifted = ((shifted << 1) ^ (-(shifted >> 7) & 0x11b)) & 0xff
  }
  return product
}

/** The inverse of an element, 1 to 255, as its 254th power; 0 gives 0. */
export function invert(a: number): number {
  let result = 1
  let power = a
  for (let bit = 1; bit < 8; bit++) {
    power = multiply(power, power)
    result = multiply(result, power)
  }
  return result
}
