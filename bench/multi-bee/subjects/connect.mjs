/**
 * @typedef {import('hypercore').DuplexStream} DuplexStream
 *
 * @typedef {object} Connection
 * @property {() => number} bytes what has gone over it so far, in both directions, the handshake included
 * @property {() => Promise<void>} cut
 */

/**
 * Connects two ends in this process, over encrypted streams as on a network.
 *
 * @param {{ replicate(isInitiator: boolean): object }} a
 * @param {{ replicate(isInitiator: boolean): object }} b
 * @returns {Connection}
 */
export function connect(a, b) {
  const streams = [a.replicate(true), b.replicate(false)].map(
    (stream) => /** @type {DuplexStream} */ (stream)
  )
  const [left, right] = /** @type {[DuplexStream, DuplexStream]} */ (streams)
  const closed = streams.map((stream) => new Promise((done) => stream.once('close', () => done(undefined))))
  // A cut connection is an error to its other end.
  for (const stream of streams) stream.on('error', () => {})
  let bytes = 0
  for (const stream of streams) {
    const write = stream.write.bind(stream)
    stream.write = (data) => {
      bytes += data.byteLength
      return write(data)
    }
  }
  left.pipe(right).pipe(left)
  return {
    bytes: () => bytes,
    cut: async () => {
      for (const stream of streams) stream.destroy()
      await Promise.all(closed)
    }
  }
}

const QUIET_MS = 500

/**
 * Waits until nothing has gone over a connection for half a second.
 *
 * @param {Connection} connection
 * @returns its bytes
 */
export async function quiet({ bytes }) {
  for (let before = -1; before !== bytes();) {
    before = bytes()
    await new Promise((done) => setTimeout(done, QUIET_MS))
  }
  return bytes()
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
