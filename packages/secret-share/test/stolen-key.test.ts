// The dealer's signing key is in other hands: every share is well signed, also those that were never handed out.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combine, dealerKeyPair, refresh, SetSheet, verifyShare } from '../src/index.ts'
import type { CombineOptions, SecretShareError, Share, ShareInput } from '../src/index.ts'
import { systemRandom } from '../src/crypto/crypto.ts'
import { shareValue } from '../src/format/share.ts'
import { sealPayload } from '../src/payload.ts'
import { invert, multiply } from '../src/sharing/field.ts'
import { sharedKey } from '../src/sharing/shared-key.ts'
import { failure as thrown } from './meetings.ts'
import { bytesOf, deal, friends, resign, sharesOf } from './sets.ts'

const secret = bytesOf(32)
const dealer = dealerKeyPair()
const pin = { dealer: dealer.publicKey }

const failure = (shares: readonly ShareInput[], options?: CombineOptions): SecretShareError =>
  thrown(() => combine(shares, options))
const codes = (faults: SecretShareError['faults']) => faults.map(({ position, code }) => [position, code])

/** The same set, with another secret part in one share, signed by the true dealer all the same. */
function resigned(share: Share, value: Uint8Array): Share {
  return resign(share, { value }, dealer.secretKey)
}

/** The Lagrange weight at 0 of one of these places. */
function weight(places: readonly number[], own: number): number {
  return places
    .filter((x) => x !== own)
    .reduce((product, x) => multiply(product, multiply(x, invert(x ^ own))), 1)
}

/** Bob's and Cleo's shares, shifted so that with Ann's they still make the key: they need to know no other share for that. */
function cancelling(bob: Share, cleo: Share): [Share, Share] {
  const ratio = multiply(weight([1, 2, 3], 2), invert(weight([1, 2, 3], 3)))
  return [
    resigned(
      bob,
      shareValue(bob).map((byte) => byte ^ 7)
    ),
    resigned(
      cleo,
      shareValue(cleo).map((byte) => byte ^ multiply(7, ratio))
    )
  ]
}

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

test('two colluders whose shifts cancel out cannot have the honest named in their place', () => {
  const set = deal(secret, { dealer })
  const [ann, bob, cleo, dan, eve] = sharesOf(set) as [Share, Share, Share, Share, Share]
  const forged = cancelling(bob, cleo)
  expect(sharedKey([ann, ...forged])).toEqual(sharedKey([ann, dan, eve]))
  const { faults, secret: found } = combine([ann, ...forged, dan, eve], pin)
  expect(found).toEqual(secret)
  expect(codes(faults)).toEqual([
    [1, 'SECRET_SHARE_INCONSISTENT'],
    [2, 'SECRET_SHARE_INCONSISTENT']
  ])
  const error = failure([ann, ...forged], pin)
  expect(error.code).toBe('SECRET_SHARE_INCONSISTENT')
  expect(error.faults).toHaveLength(3)
})

test('honest shares and a pinned dealer never open a payload that colluders sealed', () => {
  const { sheet, shares } = deal(bytesOf(100), { dealer, count: 6 })
  const all = shares.map(({ share }) => share)
  const key = sharedKey(all.slice(3)) // Dan, Eve and Finn put theirs together, once
  const payload = sealPayload(sheet.header, key, bytesOf(100, 9))
  expect(failure(all.slice(0, 3), { ...pin, payload }).code).toBe('SECRET_SHARE_BAD_PAYLOAD')
  expect(combine(all.slice(0, 3), { ...pin, payload: sheet.payload }).secret).toEqual(bytesOf(100))
})

test('shares that all carry a payload of the thieves, sealed under the right key, are refused', () => {
  const { sheet, shares } = deal(secret, { dealer })
  const all = shares.map(({ share }) => share)
  const payload = sealPayload(sheet.header, sharedKey(all.slice(0, 3)), bytesOf(32, 9))
  const forged = all.map((share) => resign(share, { payload }, dealer.secretKey))
  expect(failure(forged, pin).code).toBe('SECRET_SHARE_INCONSISTENT')
})

test('a sheet of whomever, which the shares commit to, names a forged share at once', () => {
  const set = deal(secret, { dealer })
  const [a, b, c, d] = sharesOf(set) as [Share, Share, Share, Share]
  const evil = resigned(a, bytesOf(32, 9))
  const sheets = [deal(secret, { dealer }).sheet, SetSheet.fromBytes(set.sheet.toBytes())]
  const { faults, secret: found } = combine([evil, b, c, d], { sheets })
  expect(found).toEqual(secret)
  expect(codes(faults)).toEqual([[0, 'SECRET_SHARE_FORGED']])
  const error = failure([evil, b, c], { sheets })
  expect([error.code, ...codes(error.faults)]).toEqual(['SECRET_SHARE_TOO_FEW', [0, 'SECRET_SHARE_FORGED']])
})

test('a share whose header says something else is named with the sheet, and opens nothing without', () => {
  const set = deal(secret, { dealer })
  const [a, b, c, d] = sharesOf(set) as [Share, Share, Share, Share]
  for (const change of [
    { threshold: 2 },
    { holders: 6 },
    { label: 'wallet' },
    { keyCommitment: bytesOf(32) }
  ]) {
    const evil = resign(a, { header: { ...a.header, ...change } }, dealer.secretKey)
    expect(() => verifyShare(evil, set.sheet)).toThrow('SECRET_SHARE_OTHER_SET')
    const { faults, secret: found } = combine([evil, b, c, d], { sheet: set.sheet })
    expect(found).toEqual(secret)
    expect(codes(faults)).toEqual([[0, 'SECRET_SHARE_OTHER_SET']])
    expect(combine([evil, b, c, d], pin).secret).toEqual(secret)
  }
})

test('fewer thieves than are needed never get a set of their own accepted while one share is true, renewed or not', () => {
  const world = fc.record({
    threshold: fc.integer({ min: 2, max: 5 }),
    honest: fc.integer({ min: 1, max: 6 }),
    thieves: fc.integer({ min: 1, max: 4 }),
    theirThreshold: fc.integer({ min: 2, max: 6 }),
    renewed: fc.boolean()
  })
  const seen = new Set<string>()
  fc.assert(
    fc.property(world, ({ threshold, honest, thieves, theirThreshold, renewed }) => {
      fc.pre(thieves < threshold)
      const own = deal(secret, { threshold, count: 6, dealer })
      const options = { threshold: theirThreshold, holders: friends(6), label: 'Ada’s cloud', dealer }
      const lie = renewed
        ? refresh(own.sheet, bytesOf(32, 9), options)
        : deal(bytesOf(32, 9), { threshold: theirThreshold, count: 6, dealer })
      const shares = [...sharesOf(own).slice(0, honest), ...sharesOf(lie).slice(6 - thieves)]
      for (const pinned of [{}, pin]) {
        try {
          expect(combine(shares, pinned).secret).toEqual(secret)
          seen.add('the truth')
        } catch (error) {
          expect((error as SecretShareError).code).toMatch(/AMBIGUOUS|TOO_FEW/)
          seen.add((error as SecretShareError).code)
        }
      }
      const enough = honest >= threshold
      const outcome = enough
        ? combine(shares, { sheet: own.sheet }).secret
        : failure(shares, { sheet: own.sheet }).code
      expect(outcome).toEqual(enough ? secret : 'SECRET_SHARE_TOO_FEW')
    }),
    { numRuns: 150 }
  )
  expect([...seen].sort()).toEqual(['SECRET_SHARE_AMBIGUOUS', 'SECRET_SHARE_TOO_FEW', 'the truth'])
})

test('one forged share among 20 does not lock nineteen true ones out, 10 needed', () => {
  const shares = sharesOf(deal(secret, { dealer, threshold: 10, count: 20 }))
  for (const at of [0, 9, 19]) {
    const mixed = shares.map((share, i) => (i === at ? resigned(share, bytesOf(32, 5)) : share))
    const { faults, secret: found } = combine(mixed)
    expect(found).toEqual(secret)
    expect(codes(faults)).toEqual([[at, 'SECRET_SHARE_INCONSISTENT']])
  }
})

test('up to ten holders, every mix with enough true shares gives the secret, and names exactly the forged', () => {
  const world = fc.integer({ min: 2, max: 10 }).chain((count) =>
    fc.record({
      count: fc.constant(count),
      threshold: fc.integer({ min: 2, max: count }),
      bad: fc.array(fc.nat(count - 1), { maxLength: count })
    })
  )
  fc.assert(
    fc.property(world, ({ count, threshold, bad }) => {
      const shares = sharesOf(deal(secret, { dealer, threshold, count }))
      const forged = new Set(bad)
      const mixed = shares.map((share, i) => (forged.has(i) ? resigned(share, systemRandom(32)) : share))
      if (count - forged.size < threshold) {
        expect(failure(mixed).code).toBe('SECRET_SHARE_INCONSISTENT')
        return
      }
      const { faults, secret: found } = combine(mixed)
      expect(found).toEqual(secret)
      expect(codes(faults)).toEqual(
        [...forged].sort((a, b) => a - b).map((at) => [at, 'SECRET_SHARE_INCONSISTENT'])
      )
    }),
    { numRuns: 40 }
  )
})

test('many signed shares that fit nothing are given up, each of them named', () => {
  const [share] = sharesOf(deal(secret, { dealer, threshold: 2, count: 255 })) as [Share]
  const shares = Array.from({ length: 300 }, (_, i) =>
    resign(share, { index: (i % 255) + 1, value: systemRandom(32) }, dealer.secretKey)
  )
  const error = failure(shares)
  expect(error.code).toBe('SECRET_SHARE_INCONSISTENT')
  expect(error.faults).toHaveLength(300)
})
