import { split, combine } from 'shamir-secret-sharing'
import { expect, test } from 'vitest'
import { systemRandom } from '../src/crypto/crypto.ts'
import { invert, multiply } from '../src/sharing/field.ts'
import { interpolate, shareOut } from '../src/sharing/polynomial.ts'
import { bytesOf } from './sets.ts'

/** FIPS 197's own way to say it: long multiplication of polynomials, then long division by 0x11b. */
function product(a: number, b: number): number {
  let long = 0
  for (let i = 0; i < 8; i++) if ((b >> i) & 1) long ^= a << i
  for (let i = 15; i >= 8; i--) if ((long >> i) & 1) long ^= 0x11b << (i - 8)
  return long
}

test('all 65,536 products are those of the polynomials', () => {
  const wrong = []
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) if (multiply(a, b) !== product(a, b)) wrong.push([a, b])
  }
  expect(wrong).toEqual([])
})

test('the examples of FIPS 197, section 4.2', () => {
  expect(multiply(0x57, 0x83)).toBe(0xc1)
  expect(multiply(0x57, 0x13)).toBe(0xfe)
})

test('every element but 0 has an inverse', () => {
  for (let a = 1; a < 256; a++) expect(multiply(a, invert(a))).toBe(1)
  expect(invert(0)).toBe(0)
})

test.each([
  [2, 2],
  [2, 5],
  [3, 5],
  [7, 7],
  [128, 255],
  [255, 255]
])('shamir-secret-sharing reads what we share, %i of %i', async (threshold, count) => {
  const secret = bytesOf(32, threshold)
  const shares = shareOut(secret, threshold, count, systemRandom)
  const theirs = shares.map((y, i) => Uint8Array.from([...y, i + 1]))
  expect(await combine(theirs.slice(-threshold))).toEqual(secret)
})

test.each([
  [2, 2],
  [3, 5],
  [16, 20]
])('we read what shamir-secret-sharing shares, %i of %i', async (threshold, count) => {
  const secret = bytesOf(32, count)
  const theirs = await split(secret, count, threshold)
  const points = theirs.map((share) => ({ x: share.at(-1) ?? 0, y: share.slice(0, -1) }))
  expect(Uint8Array.from(interpolate(points.slice(0, threshold), 0))).toEqual(secret)
  const [first, ...rest] = points
  expect(Uint8Array.from(interpolate(rest.slice(0, threshold), first?.x ?? 0))).toEqual(
    threshold < count ? first?.y : expect.anything()
  )
})

test('a polynomial that is known is evaluated as it should be', () => {
  const coefficients = [bytesOf(4, 8), bytesOf(4, 9)]
  const asked = [...coefficients]
  const secret = bytesOf(4, 7)
  const shares = shareOut(secret, 3, 4, () => asked.shift() ?? new Uint8Array(0))
  const expected = [1, 2, 3, 4].map((x) =>
    secret.map(
      (byte, i) =>
        byte ^ product(coefficients[0]?.[i] ?? 0, x) ^ product(coefficients[1]?.[i] ?? 0, product(x, x))
    )
  )
  expect(shares.map((share) => Uint8Array.from(share))).toEqual(expected)
})
