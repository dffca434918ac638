/** @typedef {import('hypercore').DuplexStream} DuplexStream */

/**
 * Replicates over a socket; both end together.
 *
 * @param {import('node:net').Socket} socket
 * @param {{ replicate(isInitiator: boolean): object }} db
 * @param {boolean} isInitiator
 * @returns a function that cuts the connection
 */
export function replicateOver(socket, db, isInitiator) {
  const stream = /** @type {DuplexStream} */ (db.replicate(isInitiator))
  const closed = [socket, stream].map(
    (end) => new Promise((done) => end.once('close', () => done(undefined)))
  )
  // A cut connection is an error to its other end.
  for (const end of [socket, stream]) end.on('error', () => {})
  const destroy = () => {
    stream.destroy()
    socket.destroy()
  }
  socket.once('close', destroy)
  stream.once('close', destroy)
  socket.on('data', (data) => {
    if (!stream.write(data)) socket.pause()
  })
  stream.on('drain', () => socket.resume())
  stream.pipe(socket)
  return async () => {
    destroy()
    await Promise.all(closed)
  }
}
