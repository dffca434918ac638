// A benchmark can go another way than it says.

/** @typedef {import('../ways/way.mjs').Wire} Wire */

/**
 * Where nothing is in between: each end's socket has to talk to a port of the other's process, and the receiver's to have taken in all of it.
 *
 * @param {string} subject
 * @param {Wire} here
 * @param {{ before: Wire, after: Wire }} there
 * @param {number} bytes
 */
export function checkDirect(subject, here, { before, after }, bytes) {
  const isOf = (/** @type {Wire} */ { remotePort }, /** @type {Wire} */ { localPorts }) =>
    remotePort !== undefined && remotePort > 0 && localPorts.includes(remotePort)
  if (!isOf(here, after) || !isOf(after, here))
    throw new Error(
      `${subject}: sent from port ${here.localPorts.join(' or ')} to ${here.remotePort}, received on ${after.localPorts.join(' or ')} from ${after.remotePort}`
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
