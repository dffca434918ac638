import { expect, test } from 'vitest'
import {
  combine,
  dealerFingerprint,
  dealerKeyPair,
  refresh,
  type CombineOptions,
  type SecretShareError,
  type Share
} from '../src/index.ts'
import { verifyShare, type ShareInput } from '../src/index.ts'
import { concat } from '../src/bytes.ts'
import { hash } from '../src/crypto/crypto.ts'
import { failure as thrown } from './meetings.ts'
import { bytesOf, deal, friends, resign, sharesOf } from './sets.ts'

const [secret, lie] = [bytesOf(32), bytesOf(32, 2)]
const dealer = dealerKeyPair()
const next = { threshold: 3, holders: friends(5), label: 'Ada’s cloud', dealer }

const failure = (shares: readonly ShareInput[], options?: CombineOptions): SecretShareError =>
  thrown(() => combine(shares, options))
const codes = (faults: SecretShareError['faults']) => faults.map(({ position, code }) => [position, code])
const all = (count: number, code: string) => Array.from({ length: count }, (_, i) => [i, code])

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

test('where it cannot be told, all are named alike: leaving out who is named leads to no set', () => {
  const honest = sharesOf(deal(secret)) // 3 of 5
  const two = sharesOf(deal(lie, { threshold: 2 })) // 2 colluders, fewer than 3
  const complete = failure([honest[0], two[1], two[2]] as Share[])
  expect(complete.code).toBe('SECRET_SHARE_AMBIGUOUS')
  expect(complete.words).not.toMatch(/leave out/i)
  const three = sharesOf(deal(lie))
  const none = failure([honest[0], three[1], three[2]] as Share[])
  expect(none.code).toBe('SECRET_SHARE_TOO_FEW')
  for (const { faults } of [complete, none]) {
    expect(codes(faults)).toEqual(all(3, 'SECRET_SHARE_AMBIGUOUS'))
  }
})

test('one friend alone can stop what nobody pinned, with a set that says 255 are needed; any pin goes on', () => {
  const own = deal(secret, { count: 6, dealer })
  const [forged] = sharesOf(deal(lie, { threshold: 255, count: 255 })) as [Share]
  const shares = [...sharesOf(own).slice(0, 5), forged]
  const error = failure(shares)
  expect(error.code).toBe('SECRET_SHARE_AMBIGUOUS')
  expect(codes(error.faults)).toEqual(all(6, 'SECRET_SHARE_AMBIGUOUS'))
  const fingerprint = dealerFingerprint(dealer.publicKey)
  for (const pin of [{ sheet: own.sheet }, { dealer: dealer.publicKey }, { fingerprint }]) {
    const { secret: found, faults } = combine(shares, pin)
    expect(found).toEqual(secret)
    expect(codes(faults)).toEqual([[5, 'SECRET_SHARE_OTHER_DEALER']])
  }
})

test('a fingerprint is a pin, however it is typed, and another one is not', () => {
  const shares = sharesOf(deal(secret, { dealer }))
  const fingerprint = dealerFingerprint(dealer.publicKey)
  expect(fingerprint).toMatch(/^([0-9a-f]{4} ){7}[0-9a-f]{4}$/)
  for (const typed of [fingerprint, fingerprint.toUpperCase(), fingerprint.replaceAll(' ', '-')]) {
    expect(combine(shares, { fingerprint: typed }).secret).toEqual(secret)
  }
  const other = dealerFingerprint(dealerKeyPair().publicKey)
  expect(codes(failure(shares, { fingerprint: other }).faults)).toEqual(all(5, 'SECRET_SHARE_OTHER_DEALER'))
})

test('setId alone is not taken for a pin: colluders copy it', () => {
  const { header } = deal(secret, { dealer }).sheet
  const thief = dealerKeyPair()
  const forged = sharesOf(deal(lie, { dealer: thief })).map((share) =>
    resign(share, { header: { ...share.header, setId: header.setId } }, thief.secretKey)
  )
  const { setId } = header
  expect(failure(forged, { setId }).code).toBe('SECRET_SHARE_BAD_ARGUMENT')
  expect(failure(forged, { setId, dealer: dealer.publicKey }).code).toBe('SECRET_SHARE_TOO_FEW')
})

test('a newer epoch is not outvoted by shares that were to be thrown away, pinned or not', () => {
  const old = deal(lie, { dealer })
  const renewed = refresh(old.sheet, secret, next)
  const { setId } = old.sheet.header
  const inputs = [...sharesOf(old).slice(0, 3), ...sharesOf(renewed).slice(3)]
  const pin = { dealer: dealer.publicKey }
  for (const options of [{}, pin, { ...pin, setId }, { sheet: renewed.sheet }]) {
    const error = failure(inputs, options)
    expect(error.code).toBe('SECRET_SHARE_TOO_FEW')
    expect(codes(error.faults)).toEqual(all(3, 'SECRET_SHARE_OTHER_EPOCH'))
    expect(combine([...inputs, ...sharesOf(renewed).slice(2, 3)], options).secret).toEqual(secret)
  }
})

test('a refresh that never reached enough holders: the epoch before opens when it is asked for', () => {
  const old = deal(secret, { dealer })
  const renewed = refresh(old.sheet, lie, next)
  const inputs = [...sharesOf(old).slice(0, 3), ...sharesOf(renewed).slice(3)]
  const { secret: found, faults } = combine(inputs, { dealer: dealer.publicKey, epoch: 0 })
  expect(found).toEqual(secret)
  expect(codes(faults)).toEqual([
    [3, 'SECRET_SHARE_OTHER_EPOCH'],
    [4, 'SECRET_SHARE_OTHER_EPOCH']
  ])
})

test('labels are compared as people see them, when one is asked for', () => {
  const shares = sharesOf(deal(secret, { label: 'Ada’s  Cloud'.replace('  ', ' ') }))
  for (const label of [null, 'Ada’s Cloud', ' ada’s\u00a0CLOUD ', "Ada's cloud", 'Ada\u2018s\u200E cloud']) {
    expect(combine(shares, { label }).secret).toEqual(secret)
  }
  expect(codes(failure(shares, { label: 'wallet' }).faults)).toEqual(all(5, 'SECRET_SHARE_OTHER_LABEL'))
})

test('colluders who copy the label in a request do not win over true shares that are called otherwise', () => {
  const honest = sharesOf(deal(secret))
  const label = 'Adas cloud'
  const fake = sharesOf(deal(lie, { threshold: 2, count: 2, label }))
  for (const honestOnes of [1, 2, 3]) {
    const error = failure([...honest.slice(0, honestOnes), ...fake], { label })
    expect([error.code, ...codes(error.faults)]).toEqual([
      'SECRET_SHARE_AMBIGUOUS',
      ...all(honestOnes + 2, 'SECRET_SHARE_AMBIGUOUS')
    ])
  }
  const error = failure([...honest.slice(0, 3), ...fake.slice(0, 1)], { label })
  expect([error.code, ...codes(error.faults)]).toEqual([
    'SECRET_SHARE_TOO_FEW',
    ...all(3, 'SECRET_SHARE_OTHER_LABEL')
  ])
})

test('nor who copy an epoch; one that is asked for among those of one set needs no pin', () => {
  const first = deal(secret, { dealer })
  const second = refresh(first.sheet, lie, next)
  const fake = sharesOf(deal(lie, { threshold: 2, count: 2 }))
  expect(failure([...sharesOf(second).slice(0, 3), ...fake], { epoch: 0 }).code).toBe(
    'SECRET_SHARE_AMBIGUOUS'
  )
  const both = [...sharesOf(first).slice(0, 3), ...sharesOf(second).slice(0, 3)]
  const { secret: found, faults } = combine(both, { epoch: 0 })
  expect(found).toEqual(secret)
  expect(codes(faults)).toEqual([3, 4, 5].map((at) => [at, 'SECRET_SHARE_OTHER_EPOCH']))
})

test('a share of another label among enough that are wanted is named, and stops nothing', () => {
  const [wallet] = sharesOf(deal(lie, { label: 'wallet', dealer })) as [Share]
  const shares = sharesOf(deal(secret, { dealer }))
  const { secret: found, faults } = combine([wallet, ...shares.slice(0, 3)], { label: 'Ada’s cloud' })
  expect(found).toEqual(secret)
  expect(codes(faults)).toEqual([[0, 'SECRET_SHARE_OTHER_LABEL']])
})

test('a share that only a newer version reads may be of any set: then only a pin chooses', () => {
  const shares = sharesOf(deal(secret, { dealer }))
  const newer = shares.map((share) => {
    const bytes = share.toBytes().slice(0, -4)
    bytes[0] = 2
    return concat([bytes, hash('checksum', [bytes]).slice(0, 4)])
  })
  const fake = sharesOf(deal(lie, { threshold: 2, count: 2 }))
  const error = failure([...newer.slice(0, 3), ...fake])
  expect(error.code).toBe('SECRET_SHARE_AMBIGUOUS')
  expect(codes(error.faults)).toEqual([
    ...all(3, 'SECRET_SHARE_NEWER_FORMAT'),
    [3, 'SECRET_SHARE_AMBIGUOUS'],
    [4, 'SECRET_SHARE_AMBIGUOUS']
  ])
  const mixed = [...newer.slice(3), ...shares.slice(0, 3)]
  expect(failure(mixed).code).toBe('SECRET_SHARE_AMBIGUOUS')
  expect(combine(mixed, { dealer: dealer.publicKey }).secret).toEqual(secret)
})

test('a pin that is misspelt, undefined, or given in place of the options is refused', () => {
  const { header } = deal(secret, { dealer }).sheet
  const fake = sharesOf(deal(lie))
  for (const options of [
    { fingerPrint: dealerFingerprint(header.dealer) },
    { dealerKey: header.dealer },
    { fingerprint: undefined },
    { label: undefined },
    deal(secret).sheet,
    header.dealer,
    new Map([['dealer', header.dealer]])
  ]) {
    expect(failure(fake, options as never).code).toBe('SECRET_SHARE_BAD_ARGUMENT')
  }
  expect(combine(fake, Object.create(null)).secret).toEqual(lie)
})

test('two renewals of one sheet, on two devices, are of one epoch: only the sheet tells which', () => {
  const { sheet } = deal(secret, { dealer })
  const [one, other] = [refresh(sheet, secret, next), refresh(sheet, secret, next)]
  const inputs = [...sharesOf(one).slice(0, 3), ...sharesOf(other).slice(0, 3)]
  const { setId } = sheet.header
  const fingerprint = dealerFingerprint(dealer.publicKey)
  expect(failure(inputs, { fingerprint, setId, epoch: 1 }).code).toBe('SECRET_SHARE_AMBIGUOUS')
  expect(combine(inputs, { sheet: one.sheet }).secret).toEqual(secret)
})
