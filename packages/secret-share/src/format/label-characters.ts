type Range = readonly [first: number, last: number]

/**
 * What no label has: a fixed list, so that all engines read alike, whatever Unicode they know (and so that no tables are needed: the one library,
 * precis-js, is of the older RFC 7564 and brings those of its day). It is FreeformClass of PRECIS (RFC 8264, section
 * 4.3) as of Unicode 16 without the characters that show as nothing, as a space, or turn text round; what is not assigned yet is allowed.
 */
const REFUSED: readonly Range[] = [
  [0x0000, 0x001f], // controls
  [0x007f, 0x00a0], // controls, no-break space
  [0x00ad, 0x00ad], // soft hyphen
  [0x034f, 0x034f], // grapheme joiner
  [0x0600, 0x0605], // format characters of Arabic and Syriac
  [0x061c, 0x061c], // direction
  [0x06dd, 0x06dd],
  [0x070f, 0x070f],
  [0x0890, 0x0891],
  [0x08e2, 0x08e2],
  [0x1100, 0x11ff], // old Hangul jamo, fillers
  [0x1680, 0x1680], // space
  [0x17b4, 0x17b5], // invisible vowels
  [0x180b, 0x180f], // variations
  [0x2000, 0x200b], // spaces
  [0x200e, 0x200f], // directions
  [0x2028, 0x202f], // lines, directions, space
  [0x205f, 0x206f], // space, directions, invisible operators
  [0x2800, 0x2800], // blank Braille
  [0x3000, 0x3000], // space
  [0x3164, 0x3164], // filler
  [0xa960, 0xa97c], // old Hangul jamo
  [0xd7b0, 0xd7fb],
  [0xd800, 0xf8ff], // surrogates, private use
  [0xfdd0, 0xfdef], // no characters
  [0xfe00, 0xfe0e], // variations
  [0xfeff, 0xfeff], // byte order mark
  [0xffa0, 0xffa0], // filler
  [0xfff0, 0xffff], // specials
  [0x110bd, 0x110bd], // format characters
  [0x110cd, 0x110cd],
  [0x13430, 0x1345f],
  [0x1bca0, 0x1bca3],
  [0x1d159, 0x1d159], // empty note
  [0x1d173, 0x1d17a], // musical format characters
  [0xe0000, 0x10ffff] // tags, variations, private use
]

/** Letters that join, or do not because of a joiner: Arabic and its neighbours, the scripts of India, Myanmar, Khmer, Mongolian. */
const JOINING: readonly Range[] = [
  [0x0620, 0x08ff],
  [0x0900, 0x0dff],
  [0x0f00, 0x109f],
  [0x1780, 0x18af],
  [0xfb50, 0xfdff],
  [0xfe70, 0xfefc]
]

/** What pictures are made of: where Unicode has Extended_Pictographic (UTS 51), and what it keeps free for it. */
const PICTURES: readonly Range[] = [
  [0x00a9, 0x00a9],
  [0x00ae, 0x00ae],
  [0x203c, 0x203c],
  [0x2049, 0x2049],
  [0x2122, 0x2122],
  [0x2139, 0x2139],
  [0x2190, 0x21ff],
  [0x2300, 0x23ff],
  [0x25a0, 0x27bf],
  [0x2900, 0x297f],
  [0x2b00, 0x2bff],
  [0x3030, 0x3030],
  [0x303d, 0x303d],
  [0x3297, 0x3299],
  [0x1f000, 0x1faff],
  [0x1fc00, 0x1fffd]
]

const NON_JOINER = 0x200c
const JOINER = 0x200d
/** "As a picture". */
const VARIATION = 0xfe0f

/**
 * Whether every engine takes this for a label: something to see, no space at an end nor two in a row, and the three invisible characters
 * that Persian, Hindi and families need only where these need them (RFC 5892, appendix A, is stricter and wants tables).
 */
export function isLabelText(text: string): boolean {
  if (text === '' || text.startsWith(' ') || text.endsWith(' ') || text.includes('  ')) return false
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  return points.every((point, i) => isFit(point, points[i - 1] ?? 0, points[i + 1] ?? 0))
}

function isFit(point: number, before: number, after: number): boolean {
  if (point === VARIATION) return isIn(PICTURES, before)
  if (point !== JOINER && point !== NON_JOINER) return !isIn(REFUSED, point) && !isNoCharacter(point)
  if (isIn(JOINING, before) && isIn(JOINING, after)) return true
  return point === JOINER && (before === VARIATION || isIn(PICTURES, before)) && isIn(PICTURES, after)
}

/** What no label has, wherever it stands, and what joins or varies its neighbour: names that differ in it only look alike. */
export function isNeverShown(point: number): boolean {
  const joins = point === JOINER || point === NON_JOINER || point === VARIATION
  return joins || isIn(REFUSED, point) || isNoCharacter(point)
}

/** The last two of every plane. */
function isNoCharacter(point: number): boolean {
  return (point & 0xfffe) === 0xfffe
}

function isIn(ranges: readonly Range[], point: number): boolean {
  return ranges.some(([first, last]) => point >= first && point <= last)
}
