import b4a from 'b4a'
import { decodeCommit } from '../format/commit.ts'
import { blindIdOf, commitSeq } from '../format/names.ts'
import type { BlockSegment } from '../format/segment.ts'
import { decodeShardTable } from '../format/shard.ts'
import { isSameNode } from '../merkle/claims.ts'
import { RunTree } from '../merkle/run-tree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { damaged, readObject } from './objects.ts'

/** Blocks of a segment, with all nodes of the tree up to those that stand over them. */
export interface OpenedSegment {
  /** In order; parts of the object's bytes. */
  blocks: Iterable<Uint8Array>
  tree: RunTree
}

/**
 * The blocks of a segment, as the core stores them, each checked. Cost: one get.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when it is not there, or not what the core's key has signed
 */
export async function readSegment(
  store: ObjectStore,
  key: Uint8Array,
  segment: BlockSegment,
  call: CallOptions = {}
): Promise<Uint8Array[]> {
  const bytes = await readObject(store, segment.object, call)
  if (bytes === null) throw damaged('an object of it is missing')
  // Copies: else one block would keep the whole shard in memory.
  return Array.from(openSegment(key, segment, bytes).blocks, (block) => b4a.from(block))
}

/** The blocks of a segment, checked, out of the object that holds it. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function openSegment(key: Uint8Array, segment: BlockSegment, bytes: Uint8Array): OpenedSegment {
  return new SegmentCheck(key, segment, bytes).finish()
}

/** Checks the blocks of a segment part by part, so that this can go on while a disk is waited for. */
export class SegmentCheck {
  readonly #segment: BlockSegment
  readonly #blocks: Iterable<Uint8Array>
  readonly #unchecked: Iterator<Uint8Array>
  readonly #tree: RunTree

  /** @param bytes - of the object that holds it. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT` */
  constructor(key: Uint8Array, segment: BlockSegment, bytes: Uint8Array) {
    this.#segment = segment
    this.#blocks = blocksOf(key, segment, bytes)
    this.#unchecked = this.#blocks[Symbol.iterator]()
    this.#tree = new RunTree(segment.start, segment.start + segment.count)
  }

  /** Hashes so many bytes more of blocks, or what is left. */
  advance(bytes: number): void {
    for (let hashed = 0; hashed < bytes;) {
      const next = this.#unchecked.next()
      if (next.done === true) return
      this.#tree.add(next.value)
      hashed += next.value.byteLength
    }
  }

  /** Hashes what is left, and compares. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
  finish(): OpenedSegment {
    this.advance(Infinity)
    const isSigned = this.#segment.nodes.every((node) => {
      const made = this.#tree.node(node.index)
      return made !== null && isSameNode(made, node)
    })
    if (!isSigned) throw damaged('blocks are not those that the core’s key has signed')
    return { blocks: this.#blocks, tree: this.#tree }
  }
}

/** Unchecked; once it has returned, reading them does not throw. */
function blocksOf(
  key: Uint8Array,
  { object, fork, start, count }: BlockSegment,
  bytes: Uint8Array
): Iterable<Uint8Array> {
  const shard = commitSeq(object) === null ? bytes : decodeCommit(bytes).tail
  const blindId = blindIdOf(key)
  const end = start + count
  const section = decodeShardTable(shard).find(
    (one) =>
      b4a.equals(one.blindId, blindId) &&
      one.fork === fork &&
      one.start <= start &&
      one.start + one.count >= end
  )
  if (section === undefined) throw damaged('an object lacks what it should hold')
  const sizes = section.sizes.slice(start - section.start, end - section.start)
  const before = section.sizes.slice(0, start - section.start)
  const first = before.reduce((sum, size) => sum + size, section.offset)
  const bytesOfAll = sizes.reduce((sum, size) => sum + size, 0)
  if (first + bytesOfAll > shard.byteLength) throw damaged('an object is cut short')
  return { [Symbol.iterator]: () => blocksIn(shard, first, sizes) }
}

function* blocksIn(shard: Uint8Array, first: number, sizes: readonly number[]): Generator<Uint8Array> {
  let offset = first
  for (const size of sizes) {
    yield shard.subarray(offset, offset + size)
    offset += size
  }
}
