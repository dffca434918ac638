// A benchmark can go another way than it says.

/**
 * Where nothing is in between: the sockets of both ends have to name each other, and the receiver's to have taken in all of it.
 *
 * @param {string} subject
 * @param {import('../ways/way.mjs').Wire} here
 * @param {{ before: import('../ways/way.mjs').Wire, after: import('../ways/way.mjs').Wire }} there
 * @param {number} bytes
 */
export function checkDirect(subject, here, { before, after }, bytes) {
  const fits = Number(here.localPort) > 0 && here.localPort === after.remotePort
  if (!fits || here.remotePort !== after.localPort)
    throw new Error(
      `${subject}: sent from port ${here.localPort} to ${here.remotePort}, received on ${after.localPort} from ${after.remotePort}`
    )
  checkAmount(subject, 'came in at the receiver', bytes, after.bytesReceived - before.bytesReceived)
}

/**
 * Where a process is in between: all of it has to have gone through.
 *
 * @param {string} subject
 * @param {number} carried
 * @param {number} bytes
 */
export function checkRelayed(subject, carried, bytes) {
  checkAmount(subject, 'went through the process in between', bytes, carried)
}

/** Once, with what the protocols add. @param {string} subject @param {string} what @param {number} bytes @param {number} counted */
function checkAmount(subject, what, bytes, counted) {
  if (!(counted >= bytes && counted < 1.5 * bytes))
    throw new Error(`${subject}: of ${bytes} bytes ${counted} ${what}`)
}
