import b4a from 'b4a'
import { blindIdOf, readName, sealKeyOf, writeName } from './names.ts'
import { seal, unseal } from './seal.ts'
import {
  isContiguous,
  MIN_SEGMENT_BYTES,
  objectsOf,
  readSegment,
  writeSegment,
  type ListSegment,
  type Segment
} from './segment.ts'
import { beginFormat, openFormat, Reader, Writer } from './wire.ts'

const MAGIC: Uint8Array = b4a.from('CPX')

/** Segments of one core in an object of their own: what they need in the clear, and the rest sealed. */
export function encodeSegmentList(
  coreKey: Uint8Array,
  segments: readonly Segment[],
  nonce?: Uint8Array
): Uint8Array {
  const objects = objectsOf(segments)
  const list = beginFormat(MAGIC)
  list.list(objects, writeName)
  const inside = new Writer()
  inside.bytes(blindIdOf(coreKey))
  inside.list(segments, (writer, segment) => writeSegment(writer, segment, objects))
  list.sized(seal(sealKeyOf(coreKey), inside.finish(), nonce))
  return list.finish()
}

/** Names of what it needs, for who does not know the core's key. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT` */
export function objectsOfSegmentList(bytes: Uint8Array): string[] {
  return openFormat(bytes, MAGIC).list(9, readName)
}

/**
 * @param place - of the list in its core: a list says no more than where its parts are
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT`
 */
export function decodeSegmentList(coreKey: Uint8Array, bytes: Uint8Array, place: ListSegment): Segment[] {
  const list = openFormat(bytes, MAGIC)
  const objects = list.list(9, readName)
  const opened = unseal(sealKeyOf(coreKey), list.sized())
  list.end()
  if (opened === null) throw list.damaged('its seal')
  const reader = new Reader(opened, 'a list of segments')
  if (!b4a.equals(reader.bytes(16), blindIdOf(coreKey))) throw reader.damaged('its core')
  const segments = reader.list(MIN_SEGMENT_BYTES, (inside) => readSegment(inside, objects))
  if (!isContiguous(segments, place.start, place.start + place.count)) throw reader.damaged('a segment')
  return segments
}
