import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { FORMAT_VERSION, openFormat, Reader, Writer } from './wire.ts'
import { coverOf, leafOf, nodeAt, spanOf, type TreeNode } from '../merkle/subtree.ts'

const MAGIC = b4a.from('CPS')
/** Blocks are hashed in groups of about so many bytes: the least that has to be read to check one of them. */
const GROUP_BYTES = 4096
const MAX_GROUP_SHIFT = 10
const HASH_BYTES = 32

/** Bytes that tell a shard from others with the same blocks. */
export const SALT_BYTES = 8

/** Blocks of one core, one after the other. */
export interface Run {
  /** 16 bytes that stand for the core: see `names.ts`. */
  blindId: Uint8Array
  fork: number
  /** First block. */
  start: number
  blocks: readonly Uint8Array[]
}

/** What a shard says of a run, without its blocks. */
export interface Section {
  blindId: Uint8Array
  fork: number
  start: number
  count: number
  /** Aligned runs of `2 ** groupShift` blocks are hashed together. */
  groupShift: number
  /** Bytes of each block. */
  sizes: readonly number[]
  /** Of each group the nodes over its blocks, and so one unless it is cut short. */
  nodes: readonly TreeNode[]
  /** Where the first block begins in the shard, in bytes. */
  offset: number
}

/** A shard, ready to be stored, with the nodes that stand over each of its runs. */
export interface EncodedShard {
  bytes: Uint8Array
  sections: Section[]
}

/**
 * Lays runs of blocks, of any cores, into one object: a table of their sizes and hashes, and then the blocks as their cores store them.
 *
 * @param salt - 8 bytes. What a crash has left in a store is never made again: `prune` may be about to remove that
 */
export function encodeShard(
  runs: readonly Run[],
  salt: Uint8Array = crypto.randomBytes(SALT_BYTES)
): EncodedShard {
  const sections = runs.map(sectionOf)
  const table = new Writer()
  table.bytes(salt)
  table.uint(sections.length)
  for (const section of sections) writeSection(table, section)
  const head = new Writer()
  head.bytes(MAGIC)
  head.byte(FORMAT_VERSION)
  head.uint32(table.length)
  const front = b4a.concat([head.finish(), table.finish()])
  let offset = front.byteLength + 32
  for (const section of sections) {
    section.offset = offset
    offset += sum(section.sizes)
  }
  return { bytes: b4a.concat([front, crypto.hash(front), ...runs.flatMap(({ blocks }) => blocks)]), sections }
}

/** Bytes at the start of a shard that hold its table, as far as its first 8 bytes say. @throws S3ArchiverError */
export function tableLength(start: Uint8Array): number {
  const reader = openFormat(start, MAGIC)
  return 8 + reader.uint32() + 32
}

/** @param bytes - at least the first {@link tableLength} of a shard. @throws S3ArchiverError */
export function decodeShardTable(bytes: Uint8Array): Section[] {
  const end = tableLength(bytes)
  const front = bytes.subarray(0, end - 32)
  const reader = openFormat(front, MAGIC)
  reader.uint32()
  if (!b4a.equals(crypto.hash(front), bytes.subarray(end - 32, end))) throw reader.damaged('its table')
  reader.bytes(SALT_BYTES)
  const sections: Section[] = []
  let offset = end
  for (let left = reader.count(1); left > 0; left--) {
    const section = readSection(reader, offset)
    sections.push(section)
    offset += sum(section.sizes)
  }
  reader.end()
  return sections
}

function sectionOf({ blindId, fork, start, blocks }: Run): Section {
  const sizes = blocks.map(({ byteLength }) => byteLength)
  const groupShift = groupShiftFor(sum(sizes), blocks.length)
  const leaves = new Map(blocks.map((block, i) => [2 * (start + i), leafOf(start + i, block)]))
  const nodes = groupsOf(start, blocks.length, groupShift)
    .flatMap(([first, end]) => coverOf(first, end))
    .map((index) => nodeAt(index, leaves) as TreeNode)
  return { blindId, fork, start, count: blocks.length, groupShift, sizes, nodes, offset: 0 }
}

/** The least with which a group has about {@link GROUP_BYTES}. */
function groupShiftFor(bytes: number, count: number): number {
  let shift = 0
  while (shift < MAX_GROUP_SHIFT && (bytes / Math.max(1, count)) * 2 ** shift < GROUP_BYTES) shift++
  return shift
}

/** First and end of each group of blocks; those at the ends may be cut short. */
export function groupsOf(start: number, count: number, groupShift: number): [first: number, end: number][] {
  const size = 2 ** groupShift
  const groups: [number, number][] = []
  for (let first = start; first < start + count;) {
    const end = Math.min(start + count, (Math.floor(first / size) + 1) * size)
    groups.push([first, end])
    first = end
  }
  return groups
}

function writeSection(
  writer: Writer,
  { blindId, fork, start, count, groupShift, sizes, nodes }: Section
): void {
  writer.bytes(blindId)
  for (const value of [fork, start, count, groupShift, ...sizes]) writer.uint(value)
  for (const { hash } of nodes) writer.bytes(hash)
}

function readSection(reader: Reader, offset: number): Section {
  const blindId = reader.bytes(16)
  const [fork, start] = [reader.uint(), reader.uint()]
  const count = reader.count(1)
  const groupShift = reader.uint()
  if (groupShift > MAX_GROUP_SHIFT || start + count > 2 ** 48) throw reader.damaged('a section')
  const groups = Math.ceil(count / 2 ** groupShift)
  if (count + groups * HASH_BYTES > reader.remaining) throw reader.damaged('a count')
  const sizes = Array.from({ length: count }, () => reader.uint())
  const before = new Float64Array(count + 1)
  for (let i = 0; i < count; i++) before[i + 1] = (before[i] as number) + (sizes[i] as number)
  const nodes = groupsOf(start, count, groupShift)
    .flatMap(([first, end]) => coverOf(first, end))
    .map((index): TreeNode => {
      const [first, end] = spanOf(index)
      const size = (before[end - start] as number) - (before[first - start] as number)
      return { index, size, hash: reader.bytes(HASH_BYTES) }
    })
  return { blindId, fork, start, count, groupShift, sizes, nodes, offset }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
