// Bundled and run in a browser by timestamp-browser.test.ts.
import { Timestamps } from '../../src/timestamp/index.ts'

/**
 * @param {number[]} authority
 * @param {number[]} event
 * @param {number[]} answer
 * @returns {Promise<number | string>} the time that is stated, or the code of the refusal
 */
async function check(authority, event, answer) {
  const stamps = new Timestamps([Uint8Array.from(authority)])
  try {
    return (await stamps.add(Uint8Array.from(event), Uint8Array.from(answer))).time
  } catch (error) {
    return /** @type {{ code: string }} */ (error).code
  }
}

Object.assign(globalThis, { check })
