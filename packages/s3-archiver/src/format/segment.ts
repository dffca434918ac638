import { coverOf, type TreeNode } from '../merkle/subtree.ts'
import type { Reader, Writer } from './wire.ts'

interface Covered {
  /** First block. */
  start: number
  /** Blocks. */
  count: number
  /** Those that stand over exactly these blocks, from left to right. */
  nodes: readonly TreeNode[]
}

/** Blocks of a core that lie together in one section of an object; they need not be all of the section. */
export interface BlockSegment extends Covered {
  kind: 'blocks'
  /** Name of a shard, or of a commit whose tail it is. */
  object: string
  /** Fork that the section is of: a later one shares what it has not changed. */
  fork: number
}

/** Many segments, which stand in an object of their own. */
export interface ListSegment extends Covered {
  kind: 'list'
  /** Name of a segment list. */
  object: string
  /** Blocks in it that the archive does not have. */
  missing: number
}

/** Blocks that the archive does not have. */
export interface HoleSegment extends Covered {
  kind: 'hole'
}

/** A part of a core. */
export type Segment = BlockSegment | ListSegment | HoleSegment

const KINDS: readonly Segment['kind'][] = ['blocks', 'list', 'hole']
/** More blocks than any core has: Hypercore's own numbers end before. */
const MAX_BLOCKS: number = 2 ** 48

/** Fewest bytes of a segment: its kind, two numbers, and a node. */
export const MIN_SEGMENT_BYTES = 36

/** Names of the objects of segments, each once. */
export function objectsOf(segments: readonly Segment[]): string[] {
  return [...new Set(segments.flatMap((segment) => (segment.kind === 'hole' ? [] : [segment.object])))]
}

/** @param objects - in which the segment's object stands */
export function writeSegment(writer: Writer, segment: Segment, objects: readonly string[]): void {
  writer.byte(KINDS.indexOf(segment.kind))
  if (segment.kind !== 'hole') writer.uint(objects.indexOf(segment.object))
  if (segment.kind === 'blocks') writer.uint(segment.fork)
  if (segment.kind === 'list') writer.uint(segment.missing)
  writer.uint(segment.start)
  writer.uint(segment.count)
  for (const { size, hash } of segment.nodes) {
    writer.uint(size)
    writer.bytes(hash)
  }
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function readSegment(reader: Reader, objects: readonly string[]): Segment {
  const kind = KINDS[reader.byte()]
  if (kind === undefined) throw reader.damaged('a segment')
  const object = kind === 'hole' ? '' : objects[reader.uint()]
  if (object === undefined) throw reader.damaged('a segment')
  const extra = kind === 'hole' ? 0 : reader.uint()
  const [start, count] = [reader.uint(), reader.uint()]
  if (count === 0 || start + count > MAX_BLOCKS) throw reader.damaged('a segment')
  const nodes = coverOf(start, start + count).map((index) => ({
    index,
    size: reader.uint(),
    hash: reader.bytes(32)
  }))
  if (kind === 'blocks') return { kind, object, fork: extra, start, count, nodes }
  return kind === 'list'
    ? { kind, object, missing: extra, start, count, nodes }
    : { kind, start, count, nodes }
}

/** Blocks that the archive does not have. */
export function missingIn(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => {
    if (segment.kind === 'blocks') return sum
    return sum + (segment.kind === 'hole' ? segment.count : segment.missing)
  }, 0)
}

/** Bytes of the blocks of a segment. */
export function byteLengthOf({ nodes }: Segment): number {
  return nodes.reduce((sum, { size }) => sum + size, 0)
}

/** Whether segments follow one another without gaps. */
export function isContiguous(segments: readonly Segment[], start: number, end: number): boolean {
  let at = start
  for (const segment of segments) {
    if (segment.start !== at) return false
    at += segment.count
  }
  return at === end
}
