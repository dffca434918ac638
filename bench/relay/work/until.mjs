import { inTime } from './in-time.mjs'

/**
 * Looks again and again, for whatever has no event.
 *
 * @param {() => boolean | Promise<boolean>} condition
 * @param {string} what has not come about when it takes too long
 * @param {number} [everyMs]
 */
export function until(condition, what, everyMs = 5) {
  return inTime(
    (async () => {
      while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, everyMs))
    })(),
    what
  )
}
