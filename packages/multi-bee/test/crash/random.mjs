/**
 * Random choices that a seed repeats, for the processes under load: they run without the test kit.
 * mulberry32 (public domain, Tommy Ettinger).
 *
 * @param {number} seed
 */
export function random(seed) {
  let state = seed >>> 0
  const float = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  /** Both included. */
  const integer = (/** @type {number} */ min, /** @type {number} */ max) =>
    min + Math.floor(float() * (max - min + 1))
  return {
    float,
    integer,
    /**
     * @template T
     * @param {readonly T[]} items
     * @returns {T}
     */
    pick: (items) => items[integer(0, items.length - 1)]
  }
}
