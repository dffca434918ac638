import { encodeShard, type EncodedShard, type Section } from '../format/shard.ts'
import { blindIdOf } from '../format/names.ts'
import type { BlockSegment } from '../format/segment.ts'
import { storedBlocks } from '../hypercore-adapter.ts'
import { combine } from '../merkle/subtree.ts'
import type { CoreLike } from '../types.ts'
import type { Run } from './provable.ts'
import type { Uploads } from './uploads.ts'

/** Bytes of blocks of a shard: at most so many, and at least half of them, unless a single block has more. */
const SHARD_BYTES: number = 8 * 1024 * 1024
/** And so many blocks: each takes some hundred bytes of memory where it is read or written, however small it is. */
const SHARD_BLOCKS = 65_536
/** Bytes that are read from a core at once, about. */
const READ_BYTES: number = 1024 * 1024

/** Blocks of one core that are to be archived. */
export interface Wanted {
  core: CoreLike
  key: Uint8Array
  fork: number
  start: number
  end: number
}

/** Blocks on their way into a shard. */
interface PendingRun {
  key: Uint8Array
  fork: number
  start: number
  blocks: Uint8Array[]
}

/**
 * Packs blocks of cores, of one after the other, into shards, and uploads all that are full. Holds no more in memory than one of them, and
 * those that are being uploaded.
 */
export class Packer {
  readonly #uploads: Uploads
  readonly #segments = new Map<Uint8Array, BlockSegment[]>()
  readonly #packed = new Map<Uint8Array, [start: number, end: number][]>()
  #runs: PendingRun[] = []
  /** Whether the last of them may go on. */
  #isOpen = true
  #pendingBytes = 0
  #pendingBlocks = 0
  /** Bytes of blocks that were packed. */
  bytes = 0
  blocks = 0

  constructor(uploads: Uploads) {
    this.#uploads = uploads
  }

  /** Bytes of blocks that no shard has yet. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** What was packed of a core, in runs. */
  packedOf(key: Uint8Array): readonly Run[] {
    return this.#packed.get(key) ?? []
  }

  /** Where that is; all of it once nothing is pending. */
  segmentsOf(key: Uint8Array): readonly BlockSegment[] {
    return this.#segments.get(key) ?? []
  }

  /**
   * Packs blocks, as far as the core has them, until it is enough. They are segments of their own, apart from those of other calls.
   *
   * @param isEnough - asked before each block
   * @returns whether it came to the end
   */
  async add({ core, key, fork, start, end }: Wanted, isEnough: () => boolean): Promise<boolean> {
    let count = 1
    this.#isOpen = false
    for (let seq = start; seq < end;) {
      const blocks = await storedBlocks(core, seq, Math.min(end, seq + count))
      let bytes = 0
      for (const [i, block] of blocks.entries()) {
        if (block === null) continue
        if (this.blocks > 0 && isEnough()) return false
        bytes += block.byteLength
        await this.push(key, fork, seq + i, block)
      }
      seq += blocks.length
      // The next ones are likely to be as large as these; if not, they are not all read at once.
      const fitting = Math.floor((READ_BYTES * blocks.length) / Math.max(1, bytes))
      count = Math.max(1, Math.min(4096, 8 * count, fitting))
    }
    return true
  }

  /** Packs one block. */
  async push(key: Uint8Array, fork: number, seq: number, block: Uint8Array): Promise<void> {
    this.#push(key, fork, seq, block)
    if (this.#pendingBytes >= SHARD_BYTES || this.#pendingBlocks >= SHARD_BLOCKS) await this.#storeFull()
  }

  /** Makes what is left a shard of its own. */
  async finish(): Promise<void> {
    if (this.#runs.length > 0) await this.#store(this.#runs.splice(0))
  }

  /** Makes what is left a shard that lies in another object. */
  finishAs(object: string): Uint8Array {
    const { bytes, sections } = encodeRuns(this.#runs, this.#uploads.salt)
    this.#note(this.#runs.splice(0), sections, object)
    return bytes
  }

  #push(key: Uint8Array, fork: number, seq: number, block: Uint8Array): void {
    const last = this.#runs.at(-1)
    const isNext = last?.key === key && last.fork === fork && last.start + last.blocks.length === seq
    const goesOn = isNext && this.#isOpen
    if (goesOn) last.blocks.push(block)
    else this.#runs.push({ key, fork, start: seq, blocks: [block] })
    this.#isOpen = true
    const packed = this.#packed.get(key) ?? []
    const open = packed.at(-1)
    if (open?.[1] === seq) open[1] = seq + 1
    else packed.push([seq, seq + 1])
    this.#packed.set(key, packed)
    this.#pendingBytes += block.byteLength
    this.#pendingBlocks++
    this.bytes += block.byteLength
    this.blocks++
  }

  /** The last run is cut where the tree has a node over as much as possible, so that one hash vouches for all of a shard. */
  async #storeFull(): Promise<void> {
    const last = this.#runs.pop() as PendingRun
    const cut = cutOf(last, this.#pendingBytes, this.#pendingBlocks)
    const [head, rest] = [last.blocks.slice(0, cut), last.blocks.slice(cut)]
    await this.#store([...this.#runs.splice(0), { ...last, blocks: head }])
    if (rest.length === 0) return
    this.#runs.push({ ...last, start: last.start + cut, blocks: rest })
    this.#pendingBytes = bytesOf(rest)
    this.#pendingBlocks = rest.length
  }

  async #store(runs: PendingRun[]): Promise<void> {
    const { bytes, sections } = encodeRuns(runs, this.#uploads.salt)
    this.#note(runs, sections, await this.#uploads.add('shard', bytes))
  }

  #note(runs: readonly PendingRun[], sections: readonly Section[], object: string): void {
    for (const [i, { key }] of runs.entries()) {
      const known = this.#segments.get(key) ?? []
      known.push(segmentOf(object, sections[i] as Section))
      this.#segments.set(key, known)
    }
    this.#pendingBytes = 0
    this.#pendingBlocks = 0
  }
}

/** After how many of its blocks a run is cut: in the second half of a shard, where the number of the next block has the most factors of two. */
function cutOf({ start, blocks }: PendingRun, pendingBytes: number, pendingBlocks: number): number {
  let [best, bytes] = [0, pendingBytes]
  const others = pendingBlocks - blocks.length
  for (let cut = blocks.length; cut > 0 && isFull(bytes, others + cut); cut--) {
    const isBetter = best === 0 || evenness(start + cut) > evenness(start + best)
    if (bytes <= SHARD_BYTES && isBetter) best = cut
    bytes -= (blocks[cut - 1] as Uint8Array).byteLength
  }
  return best === 0 ? blocks.length : best
}

/** Whether something is large enough for a shard of its own. @param bytes - of its blocks */
export function isFull(bytes: number, blocks: number): boolean {
  return bytes >= SHARD_BYTES / 2 || blocks >= SHARD_BLOCKS / 2
}

/** The largest power of two that divides a number. */
function evenness(value: number): number {
  let power = 1
  while (value % (2 * power) === 0) power *= 2
  return power
}

function encodeRuns(runs: readonly PendingRun[], salt: Uint8Array): EncodedShard {
  return encodeShard(
    runs.map(({ key, fork, start, blocks }) => ({ blindId: blindIdOf(key), fork, start, blocks })),
    salt
  )
}

function segmentOf(object: string, { fork, start, count, nodes }: Section): BlockSegment {
  return { kind: 'blocks', object, fork, start, count, nodes: combine(start, start + count, nodes) }
}

function bytesOf(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((sum, { byteLength }) => sum + byteLength, 0)
}
