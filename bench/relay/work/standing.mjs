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
