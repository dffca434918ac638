import { socketInodes } from '../work/open-sockets.mjs'

const MEGABYTE = 1e6

/**
 * What a process holds: MB, and sockets by what the kernel lists.
 *
 * @typedef {{ heap: number, external: number, rss: number, sockets: number }} ProcessState
 */

/** Of this process, after a collection of garbage. @returns {Promise<ProcessState>} */
export async function processState() {
  // Twice: what finalizers have let go of goes with the second.
  globalThis.gc?.()
  await new Promise((done) => setImmediate(done))
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    heap: heapUsed / MEGABYTE,
    external: external / MEGABYTE,
    rss: rss / MEGABYTE,
    sockets: socketInodes().length
  }
}
