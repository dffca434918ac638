import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifyShare, type Share } from '../src/index.ts'
import { concat } from '../src/bytes.ts'
import { sign } from '../src/crypto/crypto.ts'
import { dealerKeyPair } from '../src/index.ts'
import { decodeLabel, encodeLabel } from '../src/format/label.ts'
import { KIND, wrap } from '../src/format/wire.ts'
import { nameKey } from '../src/name-key.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const encoder = new TextEncoder()
const dealer = dealerKeyPair()

/** The share as another engine writes it. */
function withLabel(share: Share, label: string): Uint8Array {
  const bytes = share.toBytes()
  const at = 2 + 1 + 16 + 2 + 2
  const text = encoder.encode(label)
  const after = at + 1 + (bytes[at] ?? 0)
  const signed = concat([bytes.slice(2, at), Uint8Array.of(text.length), text, bytes.slice(after, -68)])
  return wrap(KIND.share, concat([signed, sign('share', signed, dealer.secretKey)]))
}

test.each([
  'cloud',
  'Ada’s cloud',
  'дом',
  '金庫',
  'خانه\u200cام', // Persian
  'क्\u200dष', // Hindi
  '👩\u200d👧',
  '👩🏽\u200d❤\uFE0F\u200d👨🏿',
  '☎\uFE0F 1'
])('a label as people write it is taken: %s', (label) => {
  expect(deal(bytesOf(32), { label }).sheet.header.label).toBe(label)
})

test.each([
  ['nothing', ''],
  ['a space', ' '],
  ['a space before', ' cloud'],
  ['a space after', 'cloud '],
  ['two spaces', 'my  cloud'],
  ['a space that does not break', 'my\u00a0cloud'],
  ['a wide space', 'my\u3000cloud'],
  ['a line', 'my\u2028cloud'],
  ['a filler', '\u3164'],
  ['a blank letter of Braille', '\u2800'],
  ['a soft hyphen', 'clo\u00adud'],
  ['a space of no width', 'clo\u200bud'],
  ['a joiner between letters that do not join', 'clo\u200dud'],
  ['a non-joiner between letters that do not join', 'clo\u200cud'],
  ['a joiner at the end', '👩\u200d'],
  ['a non-joiner among pictures', '👩\u200c👧'],
  ['a variation of a letter', 'cloud\uFE0F'],
  ['two variations', '☎\uFE0F\uFE0F'],
  ['a direction', 'cloud\u202e'],
  ['an isolate', '\u2067cloud\u2069'],
  ['a byte order mark', '\ufeffcloud'],
  ['a tag', 'cloud\u{e0041}'],
  ['a private character', 'cloud\ue000'],
  ['no character', 'cloud\u{1ffff}']
])('a label with %s is refused, when written and when read', (_, label) => {
  expect(() => encodeLabel(label)).toThrow('SECRET_SHARE_BAD_LABEL')
  expect(decodeLabel(encoder.encode(label))).toBeNull()
})

test('a share is read by every engine, whatever Unicode it knows', () => {
  const [share] = sharesOf(deal(bytesOf(32), { dealer, label: 'cloud' })) as [Share]
  // U+1FAEB and U+1C89: not assigned, or only just. A mark after another that orders before it is not normalised, to those who know them.
  for (const label of ['cloud \u{1FAEB}', '\u1C89', 'a\u0315\u0316', 'e\u0301']) {
    expect(verifyShare(withLabel(share, label)).header.label).toBe(label)
  }
  expect(() => verifyShare(withLabel(share, 'cloud\u202e'))).toThrow('SECRET_SHARE_DAMAGED')
})

test('whatever is written is read, and whatever is read has the bytes it was read from', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (label) => {
      let bytes: Uint8Array | null = null
      try {
        bytes = encodeLabel(label)
      } catch {
        bytes = null
      }
      if (bytes) expect(decodeLabel(bytes)).toBe(label)
    }),
    { numRuns: 500 }
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 45 }), (bytes) => {
      const label = decodeLabel(bytes)
      if (label !== null) expect(encoder.encode(label)).toEqual(bytes)
    }),
    { numRuns: 500 }
  )
})

test('names are the same when people see them alike', () => {
  for (const [a, b] of [
    ['Ann', 'ann '],
    ['Ann  Lee', 'ann\u00a0lee'],
    ['Ａｎｎ', 'Ann'],
    ['ℌans', 'hans'],
    ['STRASSE', 'strasse'],
    ['é', 'e\u0301'],
    ['Ann', 'A\u200bnn'],
    ['Ann', '\u2068Ann\u2069'],
    ['O’Brien', "O'Brien"],
    ['“Ann”', '"ann"']
  ] as const) {
    expect(nameKey(a)).toBe(nameKey(b))
  }
  expect(nameKey('Ann')).not.toBe(nameKey('Anna'))
})
