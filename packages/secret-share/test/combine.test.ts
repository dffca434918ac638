import { expect, test } from 'vitest'
import {
  combine,
  dealerKeyPair,
  refresh,
  Share,
  shareToText,
  SecretShareError,
  verifyShare
} from '../src/index.ts'
import type { CombineOptions, ShareInput } from '../src/index.ts'
import { subsets } from '../src/sharing/subsets.ts'
import { bytesOf, deal, friends, resign, sharesOf } from './sets.ts'

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

test('without a pin, colluders fewer than the threshold never put their own set in place of the true one', () => {
  const [honest] = sharesOf(deal(secret, { dealer })) as [Share]
  const fake = sharesOf(deal(bytesOf(32, 66), { threshold: 2 }))
  expect(failure([honest, fake[1] as Share, fake[2] as Share]).code).toBe('SECRET_SHARE_AMBIGUOUS')
  expect(failure([fake[0] as Share, fake[1] as Share], { dealer: dealer.publicKey }).code).toBe(
    'SECRET_SHARE_TOO_FEW'
  )
})

test('shares of another set are named, with and without a pin', () => {
  const shares = sharesOf(deal(secret, { dealer }))
  const other = sharesOf(deal(bytesOf(32, 2), { dealer }))
  const stranger = sharesOf(deal(bytesOf(32, 3)))
  const mixed = [...shares.slice(0, 3), other[3] as Share, stranger[4] as Share]
  const setId = shares[0]?.header.setId as Uint8Array
  for (const options of [{}, { dealer: dealer.publicKey }, { setId, dealer: dealer.publicKey }]) {
    const { secret: found, faults } = combine(mixed, options)
    expect(found).toEqual(secret)
    expect(codes(faults)).toEqual([
      [3, 'SECRET_SHARE_OTHER_SET'],
      [4, 'SECRET_SHARE_OTHER_DEALER']
    ])
  }
})

test('whoever copies all that is public of a set is told from its dealer', () => {
  const [a, b, c, d] = sharesOf(deal(secret, { dealer })) as [Share, Share, Share, Share]
  const thief = dealerKeyPair()
  const header = { ...d.header, dealer: thief.publicKey }
  const copy = resign(d, { header, value: bytesOf(32, 5) }, thief.secretKey)
  expect(verifyShare(copy).header.setId).toEqual(a.header.setId)
  const { setId } = a.header
  for (const options of [{}, { setId, dealer: dealer.publicKey }, { dealer: dealer.publicKey }]) {
    const { secret: found, faults } = combine([a, copy, b, c], options)
    expect(found).toEqual(secret)
    expect(codes(faults)).toEqual([[1, 'SECRET_SHARE_OTHER_DEALER']])
  }
})

test('two sets that are alike strong are not chosen between, and the pin decides', () => {
  const [own, other] = [deal(secret, { dealer }), deal(bytesOf(32, 2))]
  const mixed = [...sharesOf(own).slice(0, 3), ...sharesOf(other).slice(0, 3)]
  const error = failure(mixed)
  expect(error.code).toBe('SECRET_SHARE_AMBIGUOUS')
  expect(error.faults).toHaveLength(6)
  expect(combine(mixed, { sheet: own.sheet }).secret).toEqual(secret)
  expect(combine(mixed, { dealer: dealer.publicKey }).secret).toEqual(secret)
})

test('shares of two epochs do not mix', () => {
  const first = deal(secret, { dealer })
  const options = { threshold: 3, holders: friends(5), label: 'Ada’s cloud', dealer }
  const second = refresh(first.sheet, secret, options)
  const [a, b] = [sharesOf(first), sharesOf(second)]
  expect(second.sheet.header.epoch).toBe(1)
  const mixed = [a[0], a[1], b[2], b[3], b[4]] as Share[]
  expect(codes(combine(mixed).faults)).toEqual([
    [0, 'SECRET_SHARE_OTHER_EPOCH'],
    [1, 'SECRET_SHARE_OTHER_EPOCH']
  ])
  expect(failure([a[0], a[1], b[2]] as Share[]).code).toBe('SECRET_SHARE_TOO_FEW')
  expect(codes(failure([a[0], a[1], a[2]] as Share[], { sheet: second.sheet }).faults)).toEqual(
    [0, 1, 2].map((at) => [at, 'SECRET_SHARE_OTHER_EPOCH'])
  )
})

test('the old shares still open the old payload after a refresh', () => {
  const first = deal(secret, { dealer })
  const next = { threshold: 2, holders: friends(3), label: 'Ada’s cloud', dealer }
  refresh(first.sheet, bytesOf(32, 4), next)
  expect(combine(sharesOf(first).slice(0, 3)).secret).toEqual(secret)
})

test('a share given twice counts once', () => {
  const [a, b] = sharesOf(deal(secret)) as [Share, Share]
  const error = failure([a, b, a.toBytes()])
  expect(error.code).toBe('SECRET_SHARE_TOO_FEW')
  expect(codes(error.faults)).toEqual([[2, 'SECRET_SHARE_DUPLICATE']])
})

test('a share signed with a stolen dealer key is found among more than are needed', () => {
  const set = deal(secret, { dealer })
  const [a, b, c, d] = sharesOf(set) as [Share, Share, Share, Share]
  const evil = resigned(a, bytesOf(32, 9))
  const found = combine([evil, b, c, d])
  expect(found.secret).toEqual(secret)
  expect(codes(found.faults)).toEqual([[0, 'SECRET_SHARE_INCONSISTENT']])
  expect(failure([evil, b, c]).code).toBe('SECRET_SHARE_INCONSISTENT')
  expect(codes(combine([evil, a, b, c]).faults)).toEqual([[0, 'SECRET_SHARE_INCONSISTENT']])
})

test('with the sheet, such a share is named at once, even when no good subset is left', () => {
  const set = deal(secret, { dealer })
  const [a, b, c] = sharesOf(set) as [Share, Share, Share]
  const evil = resigned(a, bytesOf(32, 9))
  const error = failure([evil, b, c], { sheet: set.sheet })
  expect(error.code).toBe('SECRET_SHARE_TOO_FEW')
  expect(codes(error.faults)).toEqual([[0, 'SECRET_SHARE_FORGED']])
  expect(() => verifyShare(evil, set.sheet)).toThrow('SECRET_SHARE_FORGED')
  expect(verifyShare(evil).index).toBe(1)
})

test('a share whose payload was exchanged with a stolen dealer key is named', () => {
  const set = deal(secret, { dealer })
  const [a, b, c, d] = sharesOf(set) as [Share, Share, Share, Share]
  const other = sharesOf(deal(bytesOf(32, 2), { dealer }))[0] as Share
  for (const payload of [bytesOf(48), other.payload]) {
    const evil = resign(a, { payload }, dealer.secretKey)
    expect(() => verifyShare(evil, set.sheet)).toThrow('SECRET_SHARE_OTHER_SET')
    for (const options of [{}, { sheet: set.sheet }]) {
      const { secret: found, faults } = combine([evil, b, c, d], options)
      expect(found).toEqual(secret)
      expect(codes(faults)).toEqual([[0, 'SECRET_SHARE_OTHER_SET']])
    }
  }
})

test('a search that would never end is given up', () => {
  const set = deal(secret, { dealer, threshold: 20, count: 40 })
  const shares = sharesOf(set).map((share, i) => (i % 2 ? share : resigned(share, bytesOf(32, i + 1))))
  const error = failure(shares)
  expect(error.code).toBe('SECRET_SHARE_INCONSISTENT')
  expect(error.faults).toHaveLength(40)
  expect(combine(shares, { sheet: set.sheet }).faults).toHaveLength(20)
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
