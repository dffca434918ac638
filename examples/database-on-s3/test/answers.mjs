import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const LOOK_UP = fileURLToPath(new URL('../src/look-up.mjs', import.meta.url))

/**
 * What a process of its own finds.
 *
 * @param {string} place
 * @param {string} key
 * @param {...string} names
 * @returns {Promise<import('../src/look-up.mjs').Answer[]>}
 */
export async function answers(place, key, ...names) {
  const { stdout } = await promisify(execFile)(process.execPath, [LOOK_UP, place, key, ...names])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}
