import { expect, test } from 'vitest'
import {
  answer,
  challenge,
  check,
  combine,
  corestoreKey,
  dealerFingerprint,
  dealerKeyPair,
  drill,
  holderKeyPair,
  openShare,
  Recovery,
  RecoveryHelp,
  refresh,
  SecretSet,
  SecretShareError,
  sealShare,
  Share,
  split,
  verifyShare
} from '../src/index.ts'
import type { SplitOptions } from '../src/index.ts'
import { hash, systemRandom } from '../src/crypto/crypto.ts'
import { drillFor } from '../src/drill.ts'
import { makeSheet } from '../src/format/set-sheet.ts'
import { fromPaper } from '../src/paper/index.ts'
import { meet } from '../src/protomux/index.ts'
import { qrModules, qrToSvg, qrToTerminal } from '../src/qr/index.ts'
import { possessionKey } from '../src/possession.ts'
import { bytesOf, deal, friends, resign, sharesOf } from './sets.ts'

const dealer = dealerKeyPair()
const good: SplitOptions = { threshold: 3, holders: friends(5), label: 'cloud', dealer }
const key = holderKeyPair().publicKey

function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    if (!(error instanceof SecretShareError)) throw error
    expect(error.words).toMatch(/[a-z].{10}/)
    expect(error.message).toBe(`${error.code}: ${error.words}`)
    return error.code.replace('SECRET_SHARE_', '')
  }
}

const wrong: [string, Partial<SplitOptions>, string][] = [
  ['threshold 1', { threshold: 1 }, 'BAD_THRESHOLD'],
  ['threshold 0', { threshold: 0 }, 'BAD_THRESHOLD'],
  ['threshold above the number of holders', { threshold: 6 }, 'BAD_THRESHOLD'],
  ['threshold 2.5', { threshold: 2.5 }, 'BAD_THRESHOLD'],
  ['threshold NaN', { threshold: NaN }, 'BAD_THRESHOLD'],
  ['256 holders', { holders: friends(256) }, 'BAD_HOLDERS'],
  ['one holder', { holders: friends(1) }, 'BAD_HOLDERS'],
  ['no holders', { holders: [] }, 'BAD_HOLDERS'],
  ['a holder without a name', { holders: [{ name: ' ' }, ...friends(3)] }, 'BAD_HOLDERS'],
  [
    'a holder with half a key',
    { holders: [{ name: 'a', publicKey: bytesOf(16) }, ...friends(3)] },
    'BAD_HOLDERS'
  ],
  [
    'a holder with a key that nothing can be sealed to',
    { holders: [{ name: 'a', publicKey: new Uint8Array(32) }, ...friends(3)] },
    'BAD_HOLDERS'
  ],
  ['a name twice', { holders: [...friends(3), { name: 'friend 1' }] }, 'DUPLICATE_HOLDER'],
  ['a key twice', { holders: ['a', 'b', 'c'].map((name) => ({ name, publicKey: key })) }, 'DUPLICATE_HOLDER'],
  ['an empty label', { label: '' }, 'BAD_LABEL'],
  ['a label of 41 bytes', { label: 'x'.repeat(41) }, 'BAD_LABEL'],
  ['a label that turns the text round', { label: 'cloud\u202E' }, 'BAD_LABEL'],
  ['a label with a line break', { label: 'a\nb' }, 'BAD_LABEL'],
  ['a label that is not normalised', { label: 'e\u0301' }, 'BAD_LABEL'],
  ['half a surrogate', { label: '\uD800' }, 'BAD_LABEL'],
  ['a label that is no text', { label: 7 as never }, 'BAD_LABEL'],
  [
    'a dealer whose keys do not fit',
    { dealer: { publicKey: bytesOf(32), secretKey: dealer.secretKey } },
    'BAD_ARGUMENT'
  ],
  ['a dealer who was copied without the secret half', { dealer: { ...dealer } }, 'BAD_ARGUMENT'],
  ['randomness that is none', { random: (length) => new Uint8Array(length) }, 'NO_RANDOMNESS'],
  ['randomness that repeats itself', { random: (length) => bytesOf(length) }, 'NO_RANDOMNESS'],
  ['randomness that is too short', { random: () => bytesOf(8) }, 'NO_RANDOMNESS'],
  ['randomness that is nothing', { random: () => undefined as never }, 'NO_RANDOMNESS'],
  [
    'a random source that throws',
    {
      random: () => {
        throw new Error('no crypto here')
      }
    },
    'NO_RANDOMNESS'
  ],
  ['randomness that comes later', { random: (async () => bytesOf(32)) as never }, 'NO_RANDOMNESS']
]

test.each(wrong)('%s is refused', (_, options, code) => {
  expect(codeOf(() => split(bytesOf(32), { ...good, ...options }))).toBe(code)
})

test('an empty secret, none at all, and one above 64 KB are refused', () => {
  expect(codeOf(() => split(new Uint8Array(0), good))).toBe('BAD_SECRET')
  expect(codeOf(() => split('secret' as never, good))).toBe('BAD_SECRET')
  expect(codeOf(() => split(new Uint8Array(65_537), good))).toBe('TOO_LARGE')
})

test('secrets of every size between come back', () => {
  for (const length of [1, 2, 16, 31, 32, 33, 64, 1000, 65_536]) {
    const { sheet, shares } = split(bytesOf(length), good)
    const some = shares.slice(1, 4).map(({ share }) => share)
    expect(combine(some, { sheet }).secret).toEqual(bytesOf(length))
    if (length <= 32) expect(combine(some).secret).toEqual(bytesOf(length))
  }
})

test('shares that all are needed come with a warning', () => {
  expect(deal(bytesOf(32), { threshold: 5 }).warnings.map(({ code }) => code)).toEqual(['ALL_NEEDED'])
  expect(deal(bytesOf(32)).warnings).toEqual([])
})

test('a drill tries all subsets of a small set, and a sample of a large one', () => {
  expect(drill(deal(bytesOf(32)))).toEqual({ subsets: 10, all: true })
  expect(drill(deal(bytesOf(32), { threshold: 4, count: 7 }))).toEqual({ subsets: 35, all: true })
  expect(drill(deal(bytesOf(32), { threshold: 10, count: 40 }))).toEqual({ subsets: 68, all: false })
})

test('a drill finds a share that does not fit, and one of another set', () => {
  const set = deal(bytesOf(32), { dealer })
  const [first, ...rest] = set.shares
  if (first === undefined) throw new Error('no share')
  const bad = resign(first.share, { value: bytesOf(32, 9) }, dealer.secretKey)
  const other = sharesOf(deal(bytesOf(32), { dealer }))[0]
  for (const share of [bad, other as Share]) {
    const shares = [{ holder: first.holder, share }, ...rest]
    expect(codeOf(() => drill(new SecretSet(set.sheet, shares)))).toBe('DRILL_FAILED')
  }
})

test('a drill finds shares that are signed and committed to, and do not lie on one polynomial', () => {
  const { sheet, shares } = deal(bytesOf(32), { dealer })
  const value = bytesOf(32, 9)
  const publicKey = possessionKey(sheet.header, 1, value)
  const parts = { header: sheet.header, payload: sheet.payload }
  const keys = [publicKey, ...sheet.possessionKeys.slice(1)]
  const crooked = makeSheet({ ...parts, possessionKeys: keys }, dealer.secretKey)
  const { commitment } = crooked
  const resigned = shares.map(({ holder, share }, i) => ({
    holder,
    share: resign(share, i === 0 ? { commitment, value } : { commitment }, dealer.secretKey)
  }))
  expect(codeOf(() => drill(new SecretSet(crooked, resigned)))).toBe('DRILL_FAILED')
})

test('a drill without a share, or with one twice, is no success', () => {
  const { sheet, shares } = deal(bytesOf(32))
  const [first] = shares
  if (first === undefined) throw new Error('no share')
  for (const some of [[], shares.slice(1), [first, ...shares.slice(0, 4)], [first, ...shares]]) {
    expect(codeOf(() => drill(new SecretSet(sheet, some)))).toBe('DRILL_FAILED')
  }
})

test('a drill for a secret finds that another one comes back', () => {
  const set = deal(bytesOf(32))
  expect(codeOf(() => drillFor(set, bytesOf(32, 2), systemRandom))).toBe('DRILL_FAILED')
  expect(drillFor(set, bytesOf(32), systemRandom).all).toBe(true)
})

test('a header that split does not write is refused, whoever signed it', () => {
  const { sheet } = deal(bytesOf(32), { dealer })
  const [share] = sharesOf(deal(bytesOf(32), { dealer })) as [Share]
  for (const change of [
    { threshold: 1 },
    { threshold: 0 },
    { threshold: 6 },
    { holders: 2 },
    { holders: 0 }
  ]) {
    const header = { ...share.header, ...change }
    expect(codeOf(() => resign(share, { header }, dealer.secretKey))).toBe('DAMAGED')
    const parts = {
      header,
      payload: sheet.payload,
      possessionKeys: sheet.possessionKeys.slice(0, header.holders)
    }
    expect(codeOf(() => makeSheet(parts, dealer.secretKey))).toBe('DAMAGED')
  }
  for (const payload of [bytesOf(16), bytesOf(49)]) {
    expect(codeOf(() => resign(share, { payload }, dealer.secretKey))).toBe('DAMAGED')
  }
})

test('a refresh by another dealer, or after 65,535 of them, is refused', () => {
  const { sheet } = deal(bytesOf(32), { dealer })
  expect(codeOf(() => refresh(sheet, bytesOf(32), { ...good, dealer: dealerKeyPair() }))).toBe('OTHER_DEALER')
  const { payload, possessionKeys } = sheet
  const parts = { header: { ...sheet.header, epoch: 65_535 }, payload, possessionKeys }
  const last = makeSheet(parts, dealer.secretKey)
  expect(codeOf(() => refresh(last, bytesOf(32), good))).toBe('EPOCHS_USED_UP')
})

test('whatever is called without what it needs says so with a code', () => {
  const { sheet, shares } = deal(bytesOf(32))
  const [first] = shares
  if (first === undefined) throw new Error('no share')
  const nothing = undefined as never
  const calls: (() => unknown)[] = [
    () => split(bytesOf(32), nothing),
    () => refresh(nothing, bytesOf(32), good),
    () => refresh(sheet, bytesOf(32), nothing),
    () => combine([], null as never),
    () => combine([], { sheet: sheet.toBytes() as never }),
    () => combine([], { sheets: [sheet.toBytes() as never] }),
    () => combine([], { label: 7 as never }),
    () => combine([], { epoch: -1 }),
    () => combine([], { payload: 'payload' as never }),
    () => combine([], { fingerprint: 'ae94' }),
    () => sealShare('cpshare1' as never, key),
    () => verifyShare(first.share, sheet.toBytes() as never),
    () => drill(nothing),
    () => drill({ sheet, shares } as never),
    () => challenge(nothing, 1),
    () => answer(nothing, challenge(sheet, 1)),
    () => check(nothing, challenge(sheet, 1), bytesOf(70)),
    () => dealerFingerprint(nothing),
    () => new Recovery(nothing),
    () => new Recovery({ label: 'cloud' }).combine({ sheets: 3 as never }),
    () => new Recovery({ label: 'cloud' }).combine(null as never),
    () => Recovery.fromBytes(new Recovery({ label: 'cloud' }).toBytes(), null as never),
    () => new RecoveryHelp(null as never),
    () => drill(deal(bytesOf(32)), null as never),
    () => challenge(sheet, 1, null as never),
    () => qrToSvg(first.share, null as never),
    () => qrToTerminal(first.share, null as never),
    () => qrModules(first.share, null as never),
    () => meet({ destroy: () => {} }, new RecoveryHelp(), null as never),
    () => fromPaper([], { fingerprint: 12_345_678 as never }),
    () => fromPaper([], { fingerPrint: '12345678' } as never),
    () => fromPaper([], { fingerprint: undefined } as never),
    () => openShare(bytesOf(60), nothing)
  ]
  for (const [i, call] of calls.entries()) expect([i, codeOf(call)]).toEqual([i, 'BAD_ARGUMENT'])
})

test('what is checked cannot be changed afterwards', () => {
  const { sheet, shares } = deal(bytesOf(32))
  const share = shares[0]?.share as Share
  const before = [share.toBytes(), sheet.toBytes()]
  for (const bytes of [
    share.header.keyCommitment,
    share.commitment,
    share.payload,
    share.toBytes(),
    sheet.header.setId,
    sheet.payload,
    sheet.commitment,
    ...sheet.possessionKeys
  ]) {
    bytes?.fill(0)
  }
  expect(() => Object.assign(share, { index: 4 })).toThrow(TypeError)
  expect([share.toBytes(), sheet.toBytes()]).toEqual(before)
  expect(verifyShare(share, sheet).index).toBe(1)
})

test('a share of another suite is newer, not damaged', () => {
  const bytes = (sharesOf(deal(bytesOf(32)))[0] as Share).toBytes().slice(0, -4)
  bytes[2] = 2
  expect(codeOf(() => verifyShare(withChecksum(bytes)))).toBe('NEWER_FORMAT')
})

test('what is far too long is not even hashed', () => {
  const long = withChecksum(new Uint8Array(8_000_000))
  expect(codeOf(() => verifyShare(long))).toBe('DAMAGED')
  expect(codeOf(() => verifyShare(`cpshare1${'q'.repeat(8_000_000)}`))).toBe('NOT_A_SHARE')
})

test('a share of a newer format is not taken for a damaged one', () => {
  const [share] = sharesOf(deal(bytesOf(32))) as [Share]
  const bytes = Uint8Array.from(share.toBytes())
  bytes[0] = 2
  expect(codeOf(() => verifyShare(bytes))).toBe('DAMAGED')
  const newer = bytes.slice(0, -4)
  expect(codeOf(() => verifyShare(withChecksum(newer)))).toBe('NEWER_FORMAT')
  expect(codeOf(() => combine([withChecksum(newer)]))).toBe('TOO_FEW')
})

test('what is no share at all is refused with words', () => {
  for (const input of [null, 7, {}, []])
    expect(codeOf(() => verifyShare(input as never))).toBe('BAD_ARGUMENT')
  for (const length of [0, 1, 5, 6, 300]) expect(codeOf(() => verifyShare(bytesOf(length)))).toBe('DAMAGED')
  expect(codeOf(() => combine([]))).toBe('TOO_FEW')
  expect(codeOf(() => combine(null as never))).toBe('BAD_ARGUMENT')
  expect(codeOf(() => combine([], { dealer: bytesOf(5) }))).toBe('BAD_ARGUMENT')
  expect(codeOf(() => sealShare(sharesOf(deal(bytesOf(32)))[0] as Share, bytesOf(31)))).toBe('BAD_ARGUMENT')
})

test('a store without a primary key is refused', async () => {
  const store = { ready: async () => {}, primaryKey: null }
  await expect(corestoreKey(store)).rejects.toThrow('SECRET_SHARE_BAD_ARGUMENT')
})

function withChecksum(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, ...hash('checksum', [bytes]).slice(0, 4)])
}
