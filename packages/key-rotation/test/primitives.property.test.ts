import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as native from '../src/crypto/primitives.ts'
import * as noble from '../src/crypto/primitives-browser.ts'

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })
const bytes = fc.uint8Array({ maxLength: 300 })
const plain = (given: Uint8Array): number[] => [...given]

test('libsodium and noble make the same hashes, keys and signatures, and refuse the same', () => {
  fc.assert(
    fc.property(
      seed,
      bytes,
      bytes,
      fc.nat(63),
      fc.integer({ min: 1, max: 255 }),
      (seed, message, other, at, change) => {
        expect(plain(noble.blake2b([message, other]))).toEqual(plain(native.blake2b([message, other])))
        const [one, two] = [native.ed25519KeyPair(seed), noble.ed25519KeyPair(seed)]
        expect([plain(two.publicKey), plain(two.secretKey)]).toEqual([
          plain(one.publicKey),
          plain(one.secretKey)
        ])
        const signature = native.ed25519Sign(message, one.secretKey)
        expect(plain(noble.ed25519Sign(message, one.secretKey))).toEqual(plain(signature))
        const damaged = Uint8Array.from(signature, (byte, i) => (i === at ? byte ^ change : byte))
        for (const { ed25519Verify } of [native, noble]) {
          expect(ed25519Verify(message, signature, one.publicKey)).toBe(true)
          expect(ed25519Verify(message, damaged, one.publicKey)).toBe(false)
        }
      }
    ),
    { numRuns: 50 }
  )
})

test('both refuse a key of a small order, and say no instead of throwing', () => {
  const message = Uint8Array.of(1)
  const points = ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`, 'ff'.repeat(32)]
  for (const { ed25519Verify } of [native, noble]) {
    for (const point of points)
      expect([point, ed25519Verify(message, new Uint8Array(64), Buffer.from(point, 'hex'))]).toEqual([
        point,
        false
      ])
  }
})
