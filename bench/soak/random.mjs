/**
 * Random numbers that are the same for the same seed: mulberry32 (public domain, Tommy Ettinger).
 *
 * @param {number} seed
 * @returns {(below: number) => number} a whole number from 0
 */
export function seededRandom(seed) {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
