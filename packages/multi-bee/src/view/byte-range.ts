import b4a from 'b4a'
import type { ByteRange } from './view-store.ts'

export function isInRange(key: Uint8Array, { gt, gte, lt, lte }: ByteRange): boolean {
  if (gt !== undefined ? b4a.compare(key, gt) <= 0 : gte !== undefined && b4a.compare(key, gte) < 0)
    return false
  return lt !== undefined ? b4a.compare(key, lt) < 0 : lte === undefined || b4a.compare(key, lte) <= 0
}
