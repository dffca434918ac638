/**
 * First bytes of characters, each with how many follow and what the one after it may be: RFC 3629, section 4. Bytes that are in no row begin none: neither surrogates, nor what
 * is written longer than it need be, nor what is above U+10FFFF.
 */
const ROWS: readonly (readonly [
  first: number,
  last: number,
  following: number,
  low: number,
  high: number
])[] = [
  [0x00, 0x7f, 0, 0, 0],
  [0xc2, 0xdf, 1, 0x80, 0xbf],
  [0xe0, 0xe0, 2, 0xa0, 0xbf],
  [0xe1, 0xec, 2, 0x80, 0xbf],
  [0xed, 0xed, 2, 0x80, 0x9f],
  [0xee, 0xef, 2, 0x80, 0xbf],
  [0xf0, 0xf0, 3, 0x90, 0xbf],
  [0xf1, 0xf3, 3, 0x80, 0xbf],
  [0xf4, 0xf4, 3, 0x80, 0x8f]
]

/** Whether bytes are UTF-8. Not every engine has a `TextDecoder` that says so: Hermes has none. */
export function isUtf8(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at++] as number
    const row = ROWS.find(([first, last]) => lead >= first && lead <= last)
    if (row === undefined) return false
    let [, , following, low, high] = row
    for (; following > 0; following--) {
      const next = bytes[at++]
      if (next === undefined || next < low || next > high) return false
      ;[low, high] = [0x80, 0xbf]
    }
  }
  return true
}
