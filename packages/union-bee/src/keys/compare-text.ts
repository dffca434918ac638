const FIRST_SURROGATE = 0xd800
const AFTER_SURROGATES = 0xe000

/**
 * Compares text as its UTF-8 bytes would, without encoding it. UTF-8 keeps the order of code points; UTF-16 units, which `<` compares, do
 * not: surrogates (U+10000 and up) come before U+E000 to U+FFFF. Both must be well-formed.
 *
 * Source: Unicode Standard 16.0, section 5.17, "UTF-8 Order" (the fix-up of units is its second code listing).
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y)
      return x < FIRST_SURROGATE || y < FIRST_SURROGATE ? x - y : inCodePointOrder(x) - inCodePointOrder(y)
  }
  return a.length - b.length
}

/** Moves surrogates above the units from U+E000 on. */
function inCodePointOrder(unit: number): number {
  return unit < AFTER_SURROGATES ? unit + 0x2000 : unit - 0x800
}
