import fc from 'fast-check'
import jsQR from 'jsqr'
import { expect, test } from 'vitest'
import {
  combine,
  dealerFingerprint,
  holderKeyPair,
  openShare,
  sealedToText,
  sealShare,
  shareToText,
  verifyShare
} from '../src/index.ts'
import { qrModules, qrToSvg, qrToTerminal, recoverySheet } from '../src/qr/index.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const [share] = sharesOf(deal(bytesOf(32)))
if (share === undefined) throw new Error('no share')
const text = shareToText(share)

/** What a camera makes of the modules: each `scale` pixels wide, with the border a code needs. */
function scan(modules: boolean[][], scale: number): string | undefined {
  const side = (modules.length + 8) * scale
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const dark = modules[Math.floor(y / scale) - 4]?.[Math.floor(x / scale) - 4] === true
      if (dark) pixels.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3)
    }
  }
  return (jsQR as unknown as typeof jsQR.default)(pixels, side, side)?.data
}

test('a share as text is the same share, however it is laid out', () => {
  const layouts = [
    text,
    text.toUpperCase(),
    ` ${text}\n`,
    text.replaceAll(/(.{4})/g, '$1 '),
    text.replaceAll(/(.{20})/g, '$1-\r\n'),
    // What word processors make of hyphens and long words.
    ...['\u2011', '\u2013', '\u2212', '\u00ad', '\u200b', '\u2060', '\ufeff'].map((mark) =>
      text.replaceAll(/(.{4})(?=.)/g, `$1${mark}`)
    )
  ]
  for (const layout of layouts) expect(verifyShare(layout).toBytes()).toEqual(share.toBytes())
})

test('one wrong letter is always noticed', () => {
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom(...Array.from('qpzry9x8gf2tvdw0s3jn54khce6mua7l')),
      (at, letter) => {
        const typo = text.slice(0, at) + letter + text.slice(at + 1)
        if (typo !== text) expect(() => verifyShare(typo)).toThrow(/SECRET_SHARE_(BAD_TEXT|NOT_A_SHARE)/)
      }
    ),
    { numRuns: 500 }
  )
})

test.each([
  ['', 'NOT_A_SHARE'],
  ['https://example.org/login?code=123', 'NOT_A_SHARE'],
  ['WIFI:S:home;T:WPA;P:secret;;', 'NOT_A_SHARE'],
  ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', 'NOT_A_SHARE'],
  ['cpshare1', 'BAD_TEXT'],
  [text.slice(0, -1), 'BAD_TEXT'],
  [text.slice(0, 40) + text.slice(41), 'BAD_TEXT'],
  [text[0]?.toUpperCase() + text.slice(1), 'BAD_TEXT']
])('%s is no share', (input, code) => {
  expect(() => verifyShare(input)).toThrow(`SECRET_SHARE_${code}`)
})

test('a sealed share is not taken for an open one, nor the reverse', () => {
  const keys = holderKeyPair()
  const sealed = sealedToText(sealShare(share, keys.publicKey))
  expect(() => verifyShare(sealed)).toThrow('its holder, who must open it first')
  expect(() => openShare(text, keys)).toThrow('SECRET_SHARE_NOT_A_SHARE')
  expect(openShare(sealed, keys).toBytes()).toEqual(share.toBytes())
})

test('the QR code of a share with the longest label is read back, three pixels a module', () => {
  const [long] = sharesOf(deal(bytesOf(32), { label: 'x'.repeat(40) }))
  for (const one of [share, long]) {
    if (one === undefined) continue
    const modules = qrModules(one)
    expect(modules.length).toBeLessThanOrEqual(77)
    expect(verifyShare(scan(modules, 3) ?? '').toBytes()).toEqual(one.toBytes())
  }
})

test.each([
  ['L', 61],
  ['M', 69],
  ['Q', 81]
] as const)('at correction %s a usual share has %i modules a side', (correction, side) => {
  expect(qrModules(share, { correction })).toHaveLength(side)
})

test('SVG and terminal show the modules', () => {
  const modules = qrModules(share)
  const svg = qrToSvg(share)
  const dark = modules.flat().filter(Boolean).length
  expect(svg.match(/M\d+,\d+h4v4h-4z/g)).toHaveLength(dark)
  expect(svg).not.toMatch(/script|href|url\(/)
  const lines = qrToTerminal(share).split('\n')
  expect(lines).toHaveLength(Math.ceil((modules.length + 8) / 2))
  expect(new Set(lines.join(''))).toEqual(new Set(' ▀▄█'))
})

test('a sealed share has a QR code too', () => {
  const keys = holderKeyPair()
  const modules = qrModules(sealShare(share, keys.publicKey))
  expect(openShare(scan(modules, 3) ?? '', keys).toBytes()).toEqual(share.toBytes())
})

test('a recovery sheet has the code and the text, and whatever names say is only text', () => {
  const html = recoverySheet(share, {
    owner: 'Ada <script>alert(1)</script>',
    holder: 'Bob & "Co"',
    date: '1 May'
  })
  expect(html).not.toContain('<script')
  expect(html).toContain('Bob &#38; &#34;Co&#34;')
  expect(html).toContain(qrToSvg(share))
  expect(html).toContain(`<b>${dealerFingerprint(share.header.dealer)}</b>`)
  const printed = /<code>([^<]*)<\/code>/.exec(html)?.[1] ?? ''
  expect(verifyShare(printed).toBytes()).toEqual(share.toBytes())
  expect(html).not.toMatch(/(src|href)=|@import|url\(/)
})

test('what cannot be drawn or printed says so with a code', () => {
  const options = { owner: 'Ada', holder: 'Ann', date: '1 May' }
  for (const call of [
    () => recoverySheet(text as never, options),
    () => recoverySheet(share, null as never),
    () => recoverySheet(share, { ...options, owner: 7 as never }),
    () => shareToText(text as never),
    () => qrToSvg(text as never)
  ]) {
    expect(call).toThrow('SECRET_SHARE_BAD_ARGUMENT')
  }
  expect(() => sealedToText(text as never)).toThrow('SECRET_SHARE_DAMAGED')
})

test('a name in letters from right to left stands by itself on a recovery sheet', () => {
  const html = recoverySheet(share, { owner: 'עדה', holder: 'Ann', date: '1 May' })
  expect(html).toContain('<bdi>עדה</bdi> → <bdi>Ann</bdi>')
})

test('text and bytes may be combined', () => {
  const shares = sharesOf(deal(bytesOf(32, 2)))
  expect(combine(shares.slice(0, 3).map(shareToText)).secret).toEqual(bytesOf(32, 2))
})

test.each([0x061c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2068, 0x2069])(
  'a mark of direction, as chats put it, does not count: %i',
  (point) => {
    const mark = String.fromCodePoint(point)
    const [one] = sharesOf(deal(bytesOf(32)))
    if (one === undefined) throw new Error('no share')
    const text = shareToText(one)
    expect(verifyShare(`${mark}${text.slice(0, 30)}${mark}${text.slice(30)}`).toBytes()).toEqual(
      one.toBytes()
    )
  }
)
