import b4a from 'b4a'
import type { ByteRange } from './view-store.ts'

const META = 0
const CURRENT = 1
const HISTORY = 2

const MAX_VERSION = Number.MAX_SAFE_INTEGER

/** Where the state of the view as a whole stands. */
export const STATE_KEY: Uint8Array = b4a.from([META])

/** The current record of a key stands under the plain key. */
export function currentKey(key: Uint8Array): Uint8Array {
  const bytes = b4a.allocUnsafe(1 + key.byteLength)
  bytes[0] = CURRENT
  bytes.set(key, 1)
  return bytes
}

export function keyOfCurrent(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(1)
}

export function currentRange({ gt, gte, lt, lte }: ByteRange): ByteRange {
  const range: ByteRange = {}
  if (gt !== undefined) range.gt = currentKey(gt)
  else range.gte = gte === undefined ? b4a.from([CURRENT]) : currentKey(gte)
  if (lt !== undefined) range.lt = currentKey(lt)
  else if (lte !== undefined) range.lte = currentKey(lte)
  else range.lt = b4a.from([CURRENT + 1])
  return range
}

/** An older record of a key: length and key, then the version upside down, so that a seek finds the newest at or before one. */
export function historyKey(key: Uint8Array, version: number): Uint8Array {
  const bytes = b4a.allocUnsafe(1 + 4 + key.byteLength + 8)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  bytes[0] = HISTORY
  view.setUint32(1, key.byteLength)
  bytes.set(key, 5)
  view.setBigUint64(5 + key.byteLength, BigInt(MAX_VERSION - version))
  return bytes
}

/** Where the newest record of the key at or before the version comes first. */
export function historyRange(key: Uint8Array, version: number): ByteRange {
  return { gte: historyKey(key, version), lte: historyKey(key, 0) }
}
