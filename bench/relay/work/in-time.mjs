/** Something did not come in time: a benchmark that hangs says nothing, this says what hung. */
export class BenchTimeout extends Error {
  code = 'BENCH_TIMEOUT'

  /**
   * @param {string} what
   * @param {number} ms
   */
  constructor(what, ms) {
    super(`BENCH_TIMEOUT: ${what}, for ${ms / 1000} s`)
  }
}

/**
 * @template T
 * @param {Promise<T> | T} promised
 * @param {string} what has not come then: "direct-udp: no end of 100 MB"
 * @param {number} [ms]
 * @returns {Promise<T>}
 */
export async function inTime(promised, what, ms = 30_000) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new BenchTimeout(what, ms)), ms)
  })
  try {
    return await Promise.race([promised, /** @type {Promise<never>} */ (late)])
  } finally {
    clearTimeout(timer)
  }
}
