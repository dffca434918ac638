import { median } from '../harness/median.mjs'

/**
 * Measures something of ours and of a plain bee in turns, in one process: on a machine that does other things the ratio of two processes
 * says little.
 *
 * @param {object} sides
 * @param {() => Promise<number>} sides.ours
 * @param {() => Promise<number>} sides.plain
 * @param {number} sides.rounds the first two warm up
 * @returns {Promise<{ ours: number, ratio: number }>} medians
 */
export async function beside({ ours, plain, rounds }) {
  /** @type {{ ours: number, plain: number }[]} */
  const measured = []
  for (let round = 0; round < rounds; round++) {
    // Which comes first changes, so that neither always pays for what the other has left behind.
    const first = round % 2 === 0 ? await ours() : NaN
    const second = await plain()
    measured.push({ ours: round % 2 === 0 ? first : await ours(), plain: second })
  }
  const counted = measured.slice(2)
  return {
    ours: median(counted.map(({ ours }) => ours)),
    ratio: median(counted.map(({ ours, plain }) => ours / plain))
  }
}
