import b4a from 'b4a'
import type { Head } from '../hypercore-adapter.ts'
import { combine, type TreeNode } from '../merkle/subtree.ts'
import type { Entry } from './entry.ts'
import { blindIdOf, sealKeyOf } from './names.ts'
import { seal, unseal } from './seal.ts'
import {
  isContiguous,
  MIN_SEGMENT_BYTES,
  objectsOf,
  readSegment,
  writeSegment,
  type Segment
} from './segment.ts'
import { Reader, Writer } from './wire.ts'

/** What an archive holds of one core. */
export interface CoreRecord extends Head {
  /** In order, without gaps between them, from the first block to the last. */
  segments: readonly Segment[]
}

const VERSION = 1

/** The roots of the tree that its segments make. Throws when they make none. */
export function rootsOf({ length, segments }: CoreRecord): TreeNode[] {
  const nodes = segments.flatMap((segment) => segment.nodes)
  return combine(0, length, nodes)
}

/**
 * Seals a record so that only who knows the core's key can read it. The manifest makes that key, and would give it away.
 *
 * @param seq - of the commit it is for, to which it is bound
 */
export function sealRecord(
  coreKey: Uint8Array,
  seq: number,
  record: CoreRecord,
  links: Pick<Entry, 'front' | 'previous'> = { front: null, previous: null },
  nonce?: Uint8Array
): Entry {
  const objects = objectsOf(record.segments)
  const blindId = blindIdOf(coreKey)
  const writer = new Writer()
  writer.byte(VERSION)
  writer.bytes(blindId)
  writer.uint64(seq)
  writer.sized(record.manifest)
  for (const value of [record.fork, record.length]) writer.uint(value)
  writer.sized(record.signature)
  writer.list(record.segments, (_, segment) => writeSegment(writer, segment, objects))
  return { blindId, seq, ...links, objects, sealed: seal(sealKeyOf(coreKey), writer.finish(), nonce) }
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, also for the record of another core or commit */
export function unsealRecord(coreKey: Uint8Array, { seq, objects, sealed }: Entry): CoreRecord {
  const opened = unseal(sealKeyOf(coreKey), sealed)
  const reader = new Reader(opened ?? b4a.alloc(0), 'what a commit says of a core')
  if (opened === null) throw reader.damaged('its seal')
  if (reader.byte() !== VERSION) throw reader.damaged('its version')
  if (!b4a.equals(reader.bytes(16), blindIdOf(coreKey))) throw reader.damaged('its core')
  if (reader.uint64() !== seq) throw reader.damaged('its commit')
  const manifest = reader.sized()
  const [fork, length] = [reader.uint(), reader.uint()]
  const signature = reader.sized()
  const segments = reader.list(MIN_SEGMENT_BYTES, (inside) => readSegment(inside, objects))
  if (!isContiguous(segments, 0, length)) throw reader.damaged('a segment')
  return { manifest, fork, length, signature, segments }
}
