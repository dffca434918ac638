import crypto from 'hypercore-crypto'

export const RELAY_SEED = 100

/** @param {number} i */
export function deviceOf(i) {
  const seed = Buffer.alloc(32, 1)
  seed.writeUInt32LE(i)
  return crypto.keyPair(seed)
}

/** Devices that do not read, at once. */
export const STALLED = 4
/** More than the sockets of a machine take in: else nothing is left for the relay to hold. */
export const STALLED_BYTES = 24 * 1024 * 1024
