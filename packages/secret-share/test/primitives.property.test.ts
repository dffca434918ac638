import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
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

/** A point of order 8, and what a signature with it added to `R`, to the key, or to both looks like: s·B = R + k·A up to that point. */
const TORSION = ed25519.Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')

function twisted(seed: Uint8Array, text: Uint8Array, inPoint: number, inKey: number): Signed {
  const { scalar, point } = ed25519.utils.getExtendedPublicKey(seed)
  const [order, random] = [ed25519.Point.Fn.ORDER, 123_456_789_012_345n]
  const turn = (to: typeof point, times: number): typeof point =>
    times === 0 ? to : to.add(TORSION.multiplyUnsafe(BigInt(times)))
  const key = turn(point, inKey).toBytes()
  const encoded = turn(ed25519.Point.BASE.multiply(random), inPoint).toBytes()
  const k = number(sha512(Uint8Array.from([...encoded, ...key, ...text]))) % order
  const s = ((random + k * scalar) % order).toString(16).padStart(64, '0')
  const half = Uint8Array.from(Buffer.from(s, 'hex')).reverse()
  return { key, signature: Uint8Array.from([...encoded, ...half]) }
}

interface Signed {
  key: Uint8Array
  signature: Uint8Array
}

const number = (littleEndian: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(littleEndian).reverse().toString('hex')}`)

test('both accept the same signatures, those with points of a small order in them too', () => {
  const seen = new Set<string>()
  const turns = fc.nat(7)
  fc.assert(
    fc.property(bytes(32), message, turns, turns, (seed, text, inPoint, inKey) => {
      const { key, signature } = twisted(seed, text, inPoint, inKey)
      const [a, b] = both.map(({ ed25519Verify }) => ed25519Verify(text, signature, key))
      expect(b).toBe(a)
      if (inPoint === 0 && inKey === 0) expect(a).toBe(true)
      if (inPoint !== 0 && inKey === 0) expect(a).toBe(false)
      seen.add(`${inPoint + inKey === 0} ${a}`)
    }),
    {
      numRuns: 60,
      examples: [
        [new Uint8Array(32), new Uint8Array(3), 0, 0],
        [new Uint8Array(32), new Uint8Array(3), 1, 0]
      ]
    }
  )
  expect(seen).toContain('true true')
  expect(seen).toContain('false false')
})

test('neither takes a key or a point of a small order, an s that is not reduced, or a point that is none', () => {
  const keys = native.ed25519KeyPair(new Uint8Array(32).fill(3))
  const text = new Uint8Array(5)
  const signature = native.ed25519Sign(text, keys.secretKey)
  const raised = Buffer.from(signature)
  const s = number(signature.slice(32)) + ed25519.Point.Fn.ORDER
  Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse().copy(raised, 32)
  const wrong: [Uint8Array, Uint8Array][] = [[Uint8Array.from(raised), keys.publicKey]]
  for (let turn = 0; turn < 8; turn++) {
    const point = TORSION.multiplyUnsafe(BigInt(turn)).toBytes()
    wrong.push([signature, point], [Uint8Array.from([...point, ...signature.slice(32)]), keys.publicKey])
    wrong.push([Uint8Array.from([...point, ...new Uint8Array(32)]), point])
  }
  const none = new Uint8Array(32).fill(255)
  wrong.push([signature, none], [Uint8Array.from([...none, ...signature.slice(32)]), keys.publicKey])
  for (const [bad, key] of wrong) {
    expect(both.map(({ ed25519Verify }) => ed25519Verify(text, bad, key))).toEqual([false, false])
  }
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
