/** @typedef {(below: number) => number} Random */

/** @param {number} index */
export function keyOf(index) {
  return `contacts/${String(index).padStart(6, '0')}`
}

/**
 * Some fields of a contact.
 *
 * @param {Random} random
 */
export function valueOf(random) {
  return {
    name: `name ${random(1e6)}`,
    phones: { [`phone ${random(3)}`]: `+49 ${random(1e9)}` },
    edited: random(2 ** 31)
  }
}
