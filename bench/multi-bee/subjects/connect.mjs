/** @typedef {import('hypercore').DuplexStream} DuplexStream */

/**
 * Connects two ends in this process, over encrypted streams as on a network.
 *
 * @param {{ replicate(isInitiator: boolean): object }} a
 * @param {{ replicate(isInitiator: boolean): object }} b
 * @returns a function that cuts them again
 */
export function connect(a, b) {
  const streams = [a.replicate(true), b.replicate(false)].map(
    (stream) => /** @type {DuplexStream} */ (stream)
  )
  const [left, right] = /** @type {[DuplexStream, DuplexStream]} */ (streams)
  const closed = streams.map((stream) => new Promise((done) => stream.once('close', () => done(undefined))))
  // A cut connection is an error to its other end.
  for (const stream of streams) stream.on('error', () => {})
  left.pipe(right).pipe(left)
  return async () => {
    for (const stream of streams) stream.destroy()
    await Promise.all(closed)
  }
}

/**
 * Waits until a condition holds. Asks again whenever one of the sources says that something is new.
 *
 * @param {() => Promise<boolean>} holds
 * @param {readonly { onUpdate: (listener: () => void) => () => void }[]} sources
 */
export async function until(holds, sources) {
  let wake = () => {}
  const stops = sources.map((source) => source.onUpdate(() => wake()))
  try {
    for (;;) {
      // Listens before it asks, so that no news is missed; the timer is for conditions that change without news.
      const news = new Promise((done) => {
        wake = () => done(undefined)
      })
      if (await holds()) return
      const timer = setTimeout(wake, 20)
      await news
      clearTimeout(timer)
    }
  } finally {
    for (const stop of stops) stop()
  }
}
