// The data: the same for every subject and every run, on every machine.

/** @typedef {{ index: number, key: string, value: { name: string, phone: string, city: string, edited: number } }} Entry */

/**
 * Random keys with about 100 bytes of JSON each.
 *
 * @param {number} count
 * @param {{ from?: number, device?: number }} [options] where to go on; another device has other keys
 * @returns {Entry[]}
 */
export function entries(count, { from = 0, device = 0 } = {}) {
  return Array.from({ length: count }, (_, i) => entry(from + i, device))
}

/**
 * The entry with this number.
 *
 * @param {number} index
 * @param {number} [device]
 * @returns {Entry}
 */
export function entry(index, device = 0) {
  const word = (/** @type {number} */ lane) => hex(scramble(index, device * 16 + lane))
  const value = {
    name: `${word(2)} ${word(3)}`,
    phone: `+49 ${word(4)}`,
    city: word(5) + word(6),
    edited: 1_700_000_000_000 + scramble(index, device * 16 + 7)
  }
  return { index, key: word(0) + word(1), value }
}

/**
 * A value as text that does not depend on the order of its fields: what comes back may have another one.
 *
 * @param {unknown} value
 */
export function comparable(value) {
  return JSON.stringify(Object.entries(value ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Numbers of some entries, in random order. The same for every subject.
 *
 * @param {number} count
 * @param {number} below
 */
export function someIndexes(count, below) {
  return Array.from({ length: count }, (_, i) => scramble(i, 1000) % below)
}

/**
 * A bijection of 32-bit numbers for each lane, so that no key comes twice: the finalizer of MurmurHash3 (public domain, Austin
 * Appleby).
 *
 * @param {number} index
 * @param {number} lane
 */
function scramble(index, lane) {
  let h = index ^ Math.imul(lane + 1, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** @param {number} word */
function hex(word) {
  return word.toString(16).padStart(8, '0')
}
