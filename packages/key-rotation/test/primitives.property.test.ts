import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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

const Point = ed25519.Point
const ORDER = Point.Fn.ORDER
const TORSION = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', true)
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const toBytes = (value: bigint): Uint8Array =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()

/** Signatures by an ordinary key, whose signer adds something of a small order to the point. */
function oddSignature(message: Uint8Array, seed: Uint8Array, nonce: bigint, order: number): Uint8Array {
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seed)
  const small = order === 0 ? Point.ZERO : TORSION.multiply(BigInt(order))
  const point = (nonce === 0n ? Point.ZERO : Point.BASE.multiply(nonce)).add(small).toBytes()
  const challenge = toNumber(sha512(Buffer.concat([point, pointBytes, message]))) % ORDER
  return Buffer.concat([point, toBytes((nonce + challenge * scalar) % ORDER)])
}

describe('libsodium and noble accept and refuse the same signatures, also odd ones', () => {
  const message = Buffer.from('an event')
  const seed = Buffer.alloc(32, 9)
  const { publicKey } = native.ed25519KeyPair(seed)
  test.each([
    ['a point with a part of order 8', 987_654_321n, 1],
    ['a point of order 8', 0n, 1],
    ['the point of order 1', 0n, 0]
  ])('%s', (_, nonce, order) => {
    const signature = oddSignature(message, seed, nonce, order)
    expect(noble.ed25519Verify(message, signature, publicKey)).toBe(
      native.ed25519Verify(message, signature, publicKey)
    )
  })

  test('ed25519-speccheck, cases 2, 4 and 5', () => {
    // https://github.com/novifinancial/ed25519-speccheck/blob/main/cases.json
    const cases = [
      [
        'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
        'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
        'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e'
      ],
      [
        'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
        'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
        '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09'
      ],
      [
        'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
        'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
        '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405'
      ]
    ].map((hexes) => hexes.map((hex) => Buffer.from(hex, 'hex'))) as [Buffer, Buffer, Buffer][]
    for (const [message, key, signature] of cases)
      expect(noble.ed25519Verify(message, signature, key)).toBe(native.ed25519Verify(message, signature, key))
  })
})

test('they agree on whatever its signer adds of a small order, to the key and to the point', () => {
  const accepted = { yes: 0, no: 0 }
  const torsion = (order: number): typeof Point.ZERO =>
    order === 0 ? Point.ZERO : TORSION.multiply(BigInt(order))
  for (const keyOrder of Array(8).keys()) {
    for (const pointOrder of Array(8).keys()) {
      for (let i = 0; i < 6; i++) {
        const message = Buffer.from(`${keyOrder} ${pointOrder} ${i}`)
        const scalar = BigInt(i + 7)
        const nonce = i === 5 ? 0n : BigInt(i + 99)
        const key = Point.BASE.multiply(scalar).add(torsion(keyOrder)).toBytes()
        const point = (nonce === 0n ? Point.ZERO : Point.BASE.multiply(nonce))
          .add(torsion(pointOrder))
          .toBytes()
        const challenge = toNumber(sha512(Buffer.concat([point, key, message]))) % ORDER
        const signature = Buffer.concat([point, toBytes((nonce + challenge * scalar) % ORDER)])
        const verdict = native.ed25519Verify(message, signature, key)
        expect(noble.ed25519Verify(message, signature, key)).toBe(verdict)
        accepted[verdict ? 'yes' : 'no']++
      }
    }
  }
  expect(Math.min(accepted.yes, accepted.no)).toBeGreaterThan(20)
})
