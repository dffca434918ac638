import { expect, test } from 'vitest'
import { combine, dealerKeyPair, Share, shareToText, SecretShareError } from '../src/index.ts'
import type { CombineOptions, ShareInput } from '../src/index.ts'
import { subsets } from '../src/sharing/subsets.ts'
import { bytesOf, deal, resign, sharesOf } from './sets.ts'

const secret = bytesOf(32)
const dealer = dealerKeyPair()

function failure(shares: readonly ShareInput[], options?: CombineOptions): SecretShareError {
  try {
    combine(shares, options)
  } catch (error) {
    if (error instanceof SecretShareError) return error
    throw error
  }
  throw new Error('it gave a secret')
}

const codes = (faults: SecretShareError['faults']) => faults.map(({ position, code }) => [position, code])

/** The same set, with another secret part in one share, signed by the true dealer all the same: a stolen dealer key. */
function resigned(share: Share, value: Uint8Array, index = share.index): Share {
  return resign(share, { index, value }, dealer.secretKey)
}

test('every subset that is large enough gives the secret back, for up to 7 holders', () => {
  let tried = 0
  for (let count = 2; count <= 7; count++) {
    for (let threshold = 2; threshold <= count; threshold++) {
      const shares = sharesOf(deal(secret, { threshold, count }))
      for (let size = threshold; size <= count; size++) {
        for (const some of subsets(shares, size)) {
          expect(combine(some.toReversed()).secret).toEqual(secret)
          tried++
        }
      }
      for (const some of subsets(shares, threshold - 1)) {
        expect(failure(some).code).toBe('SECRET_SHARE_TOO_FEW')
      }
    }
  }
  expect(tried).toBeGreaterThan(300)
})

test('text, bytes and shares may be mixed', () => {
  const [a, b, c] = sharesOf(deal(secret)) as [Share, Share, Share]
  expect(combine([a, b.toBytes(), shareToText(c)]).secret).toEqual(secret)
})

test('a flipped bit anywhere in a share is named, and the others do', () => {
  const shares = sharesOf(deal(secret)).map((share) => share.toBytes())
  const whole = shares[1] as Uint8Array
  for (let at = 0; at < whole.length; at++) {
    const bad = Uint8Array.from(whole)
    bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8))
    const { faults, secret: found } = combine([shares[0] as Uint8Array, bad, ...shares.slice(2)])
    expect(found).toEqual(secret)
    expect(codes(faults)).toEqual([[1, 'SECRET_SHARE_DAMAGED']])
  }
})

test('a forged share with a right checksum is named', () => {
  const [a, b, c, d] = sharesOf(deal(secret, { dealer })) as [Share, Share, Share, Share]
  const thief = dealerKeyPair()
  const forged = resign(b, { value: bytesOf(32, 5) }, thief.secretKey)
  const { secret: found, faults } = combine([a, forged, c, d])
  expect(found).toEqual(secret)
  expect(codes(faults)).toEqual([[1, 'SECRET_SHARE_FORGED']])
  expect(failure([a, forged, c]).code).toBe('SECRET_SHARE_TOO_FEW')
  expect(codes(failure([a, forged, c]).faults)).toEqual([[1, 'SECRET_SHARE_FORGED']])
})

test('a share given twice counts once', () => {
  const [a, b] = sharesOf(deal(secret)) as [Share, Share]
  const error = failure([a, b, a.toBytes()])
  expect(error.code).toBe('SECRET_SHARE_TOO_FEW')
  expect(codes(error.faults)).toEqual([[2, 'SECRET_SHARE_DUPLICATE']])
})

test('x = 0 is no share, whoever signed it', () => {
  const set = deal(secret, { dealer })
  const [a, b, c] = sharesOf(set) as [Share, Share, Share]
  expect(() => resigned(a, bytesOf(32, 9), 0)).toThrow('SECRET_SHARE_DAMAGED')
  expect(() => resigned(a, bytesOf(32, 9), 6)).toThrow('SECRET_SHARE_DAMAGED')
  expect(combine([a, b, c]).secret).toEqual(secret)
})

test('a long secret needs its payload', () => {
  const long = bytesOf(65_536, 3)
  const { sheet, ...set } = deal(long, { dealer })
  const shares = set.shares.map(({ share }) => share).slice(0, 3)
  expect(shares[0]?.payload).toBeNull()
  expect(failure(shares).code).toBe('SECRET_SHARE_NO_PAYLOAD')
  expect(combine(shares, { payload: sheet.payload }).secret).toEqual(long)
  expect(combine(shares, { sheet }).secret).toEqual(long)
  const other = deal(long, { dealer }).sheet.payload
  expect(failure(shares, { payload: other }).code).toBe('SECRET_SHARE_BAD_PAYLOAD')
  for (const at of [0, 65_535, 65_551]) {
    const changed = Uint8Array.from(sheet.payload)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(failure(shares, { payload: changed }).code).toBe('SECRET_SHARE_BAD_PAYLOAD')
  }
})

test('a crowd of 255 works', () => {
  const shares = sharesOf(deal(secret, { threshold: 128, count: 255 }))
  expect(combine(shares.slice(100, 228)).secret).toEqual(secret)
  expect(failure(shares.slice(0, 127)).code).toBe('SECRET_SHARE_TOO_FEW')
})
