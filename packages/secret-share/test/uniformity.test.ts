import { expect, test } from 'vitest'
import { seededRandom } from '@cloudpal/test-kit'
import { interpolate, shareOut } from '../src/sharing/polynomial.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const ROUNDS = 3_000
const source = seededRandom(7)

function count(counts: number[] | undefined, at: number): void {
  if (counts) counts[at] = (counts[at] ?? 0) + 1
}

/** Pearson's statistic against the uniform distribution. */
function chiSquare(counts: readonly number[], total: number): number {
  const expected = total / counts.length
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

/** Above this with a chance of about 10⁻⁶, by the Wilson–Hilferty approximation. */
function bound(freedom: number): number {
  const part = 2 / (9 * freedom)
  return freedom * (1 - part + 4.753 * Math.sqrt(part)) ** 3
}

/** Where the secret part stands in a share of a 32-byte secret. */
const valueOf = (bytes: Uint8Array): Uint8Array => bytes.slice(-4 - 64 - 48 - 1 - 32, -4 - 64 - 48 - 1)

test('the statistic finds a crooked die', () => {
  const counts = Array.from({ length: 256 }, (_, i): number => (i === 0 ? 480 : 374))
  expect(chiSquare(counts, 374 * 255 + 480)).toBeLessThan(bound(255))
  counts[0] = 1_200
  expect(chiSquare(counts, 374 * 255 + 1_200)).toBeGreaterThan(bound(255))
})

test.each([new Uint8Array(32), new Uint8Array(32).fill(255), bytesOf(32)])(
  'two of three shares needed look like noise, together too, whatever the secret (%#)',
  (secret) => {
    const single = [0, 1].map(() => Array.from({ length: 256 }, () => 0))
    const pairs = Array.from({ length: 256 }, () => 0)
    let total = 0
    for (let round = 0; round < ROUNDS; round++) {
      const [a, b] = shareOut(secret, 3, 2, source.bytes)
      for (let i = 0; i < 32; i++) {
        const [x, y] = [a?.[i] ?? 0, b?.[i] ?? 0]
        count(single[0], x)
        count(single[1], y)
        count(pairs, (x & 15) * 16 + (y & 15))
        total++
      }
    }
    for (const counts of [...single, pairs]) expect(chiSquare(counts, total)).toBeLessThan(bound(255))
  }
)

test('of shares as they are handed out, too', () => {
  const counts = Array.from({ length: 256 }, () => 0)
  for (let round = 0; round < 400; round++) {
    for (const share of sharesOf(deal(new Uint8Array(32))).slice(0, 2)) {
      for (const byte of valueOf(share.toBytes())) count(counts, byte)
    }
  }
  expect(chiSquare(counts, 400 * 2 * 32)).toBeLessThan(bound(255))
})

test('every secret is as likely as any other for who has one share too few', () => {
  const shares = shareOut(bytesOf(1), 3, 2, (length) => bytesOf(length + 16, 3).slice(0, length))
  const points = shares.map((y, i) => ({ x: i + 1, y }))
  const possible = Array.from({ length: 256 }, (_, guess) => {
    const third = interpolate([...points, { x: 0, y: Uint8Array.of(guess) }], 3)
    return interpolate([...points, { x: 3, y: third }], 0)[0]
  })
  expect(new Set(possible).size).toBe(256)
})
