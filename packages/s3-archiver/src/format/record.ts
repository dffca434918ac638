import b4a from 'b4a'
import type { Head } from '../hypercore-adapter.ts'
import { combine, coverOf, type TreeNode } from '../merkle/subtree.ts'
import { blindIdOf, isObjectName, sealKeyOf } from './names.ts'
import { seal, unseal } from './seal.ts'
import { Reader, Writer } from './wire.ts'

/** Blocks of a core that lie together in one section of an object. */
export interface Segment {
  /** Name of a shard, or of a commit whose tail it is. */
  object: string
  fork: number
  start: number
  count: number
  /** Those that stand over exactly these blocks, from left to right. */
  nodes: readonly TreeNode[]
}

/** What an archive holds of one core. */
export interface CoreRecord extends Head {
  /** In order, without gaps between them, from the first block on. */
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
 * @param seq - of the commit it stands in, to which it is bound
 */
export function sealRecord(coreKey: Uint8Array, seq: number, record: CoreRecord): Uint8Array {
  const writer = new Writer()
  writer.byte(VERSION)
  writer.bytes(blindIdOf(coreKey))
  writer.uint64(seq)
  writer.sized(record.manifest)
  for (const value of [record.fork, record.length]) writer.uint(value)
  writer.sized(record.signature)
  writer.uint(record.segments.length)
  for (const segment of record.segments) writeSegment(writer, segment)
  return seal(sealKeyOf(coreKey), writer.finish())
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, also for the record of another core or commit */
export function unsealRecord(coreKey: Uint8Array, seq: number, sealed: Uint8Array): CoreRecord {
  const opened = unseal(sealKeyOf(coreKey), sealed)
  const reader = new Reader(opened ?? b4a.alloc(0), 'what a commit says of a core')
  if (opened === null) throw reader.damaged('its seal')
  if (reader.byte() !== VERSION) throw reader.damaged('its version')
  if (!b4a.equals(reader.bytes(16), blindIdOf(coreKey))) throw reader.damaged('its core')
  if (reader.uint64() !== seq) throw reader.damaged('its commit')
  const manifest = reader.sized()
  const [fork, length] = [reader.uint(), reader.uint()]
  const signature = reader.sized()
  const segments: Segment[] = []
  for (let left = reader.count(1); left > 0; left--) segments.push(readSegment(reader))
  reader.end()
  let end = 0
  for (const { start, count } of segments) {
    if (start !== end || count === 0) throw reader.damaged('a segment')
    end += count
  }
  if (end !== length) throw reader.damaged('its length')
  return { manifest, fork, length, signature, segments }
}

function writeSegment(writer: Writer, { object, fork, start, count, nodes }: Segment): void {
  writer.sized(b4a.from(object))
  for (const value of [fork, start, count]) writer.uint(value)
  for (const { size, hash } of nodes) {
    writer.uint(size)
    writer.bytes(hash)
  }
}

function readSegment(reader: Reader): Segment {
  const object = b4a.toString(reader.sized())
  if (!isObjectName(object)) throw reader.damaged('a name')
  const [fork, start, count] = [reader.uint(), reader.uint(), reader.uint()]
  if (start + count > 2 ** 48) throw reader.damaged('a segment')
  const nodes = coverOf(start, start + count).map((index) => ({
    index,
    size: reader.uint(),
    hash: reader.bytes(32)
  }))
  return { object, fork, start, count, nodes }
}
