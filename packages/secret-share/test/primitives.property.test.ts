import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KeyPair } from '../src/index.ts'
import * as native from '../src/crypto/primitives.ts'
import * as browser from '../src/crypto/primitives-browser.ts'

const plain = (bytes: Uint8Array | null): Uint8Array | null => bytes && Uint8Array.from(bytes)
const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const message = fc.uint8Array({ maxLength: 200 })
const settings = { numRuns: 60 }
const both = [native, browser] as const

/** Points whose order is small, and numbers that mean the same: https://cr.yp.to/ecdh.html#validate */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'
]

test('both have the same exports', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(native).sort())
})

test('hashes are the same, keyed or not', () => {
  const length = fc.constantFrom(24, 32)
  fc.assert(
    fc.property(length, fc.array(message, { maxLength: 4 }), fc.option(bytes(32)), (size, parts, key) => {
      const [a, b] = both.map(({ blake2b }) => plain(blake2b(size, parts, key ?? undefined)))
      expect(a).toEqual(b)
      expect(a).toHaveLength(size)
    }),
    settings
  )
})

test('signatures are the same, and what one refuses the other does', () => {
  fc.assert(
    fc.property(bytes(32), message, fc.nat(63), fc.nat(31), (seed, text, at, which) => {
      const [a, b] = both.map((one) => one.ed25519KeyPair(seed)) as [native: KeyPair, browser: KeyPair]
      expect(plain(a.publicKey)).toEqual(plain(b.publicKey))
      expect(plain(a.secretKey)).toEqual(plain(b.secretKey))
      const signature = native.ed25519Sign(text, a.secretKey)
      expect(plain(browser.ed25519Sign(text, b.secretKey))).toEqual(plain(signature))
      const bad = signature.map((byte, i) => (i === at ? byte ^ 4 : byte))
      const other = a.publicKey.map((byte, i) => (i === which ? byte ^ 1 : byte))
      for (const { ed25519Verify } of both) {
        expect(ed25519Verify(text, signature, a.publicKey)).toBe(true)
        expect(ed25519Verify(text, bad, a.publicKey)).toBe(false)
        expect(ed25519Verify(text, signature, other)).toBe(false)
      }
    }),
    settings
  )
})

test('ciphertexts are the same, and changed ones are opened by neither', () => {
  fc.assert(
    fc.property(message, message, bytes(32), fc.nat(), (text, additional, key, at) => {
      const sealed = native.chachaSeal(text, additional, key)
      expect(plain(browser.chachaSeal(text, additional, key))).toEqual(plain(sealed))
      const bad = sealed.map((byte, i) => (i === at % sealed.length ? byte ^ 1 : byte))
      for (const { chachaOpen } of both) {
        expect(plain(chachaOpen(sealed, additional, key))).toEqual(text)
        expect(chachaOpen(bad, additional, key)).toBeNull()
        expect(chachaOpen(sealed.slice(0, 15), additional, key)).toBeNull()
      }
    }),
    settings
  )
})

test('what one seals the other opens, and nobody a changed one', () => {
  fc.assert(
    fc.property(bytes(32), bytes(32), message, fc.nat(), (seed, otherSeed, text, at) => {
      const [a, b] = both.map((one) => one.x25519KeyPair(seed)) as [native: KeyPair, browser: KeyPair]
      expect(plain(a.publicKey)).toEqual(plain(b.publicKey))
      expect(plain(a.secretKey)).toEqual(plain(b.secretKey))
      const others = native.x25519KeyPair(otherSeed)
      for (const { boxSeal } of both) {
        const sealed = boxSeal(text, a.publicKey)
        expect(sealed).toHaveLength(text.length + 48)
        const bad = sealed.map((byte, i) => (i === at % sealed.length ? byte ^ 1 : byte))
        for (const { boxOpen } of both) {
          expect(plain(boxOpen(sealed, a))).toEqual(text)
          expect(boxOpen(bad, a)).toBeNull()
          expect(boxOpen(sealed, others)).toBeNull()
          expect(boxOpen(sealed.slice(0, 47), a)).toBeNull()
        }
      }
    }),
    settings
  )
})

test.each(LOW_ORDER)('neither takes %s for a key', (hex) => {
  const key = Uint8Array.from(Buffer.from(hex, 'hex'))
  for (const one of both) {
    expect(one.isX25519Key(key)).toBe(false)
    expect(one.isX25519Key(one.x25519KeyPair(new Uint8Array(32)).publicKey)).toBe(true)
    const sealed = Uint8Array.from([...key, ...new Uint8Array(40)])
    expect(one.boxOpen(sealed, one.x25519KeyPair(new Uint8Array(32)))).toBeNull()
  }
})

test('both compare, overwrite and draw', () => {
  for (const { sameBytes, zero, randomBytes } of both) {
    const drawn = randomBytes(32)
    expect(drawn).toHaveLength(32)
    expect(sameBytes(drawn, Uint8Array.from(drawn))).toBe(true)
    expect(sameBytes(drawn, randomBytes(32))).toBe(false)
    zero(drawn)
    expect(drawn.every((byte) => byte === 0)).toBe(true)
  }
})
