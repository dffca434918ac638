import b4a from 'b4a'
import { decodeCommit } from '../format/commit.ts'
import { blindIdOf, commitSeq } from '../format/names.ts'
import { byteLengthOf, type BlockSegment } from '../format/segment.ts'
import { decodeShardTable, tableLength, type Section } from '../format/shard.ts'
import { leafOf, spanOf, type TreeNode } from '../merkle/subtree.ts'
import { ByteCache } from './byte-cache.ts'
import { damaged } from './objects.ts'
import type { RangeReader } from './range-reader.ts'
import { ReadAhead } from './read-ahead.ts'

/** Blocks, and nodes of their tree: as somebody says. */
export interface Claims {
  blocks: ReadonlyMap<number, Uint8Array>
  nodes: readonly TreeNode[]
}

/** A shard up to this size is read as a whole: it costs one request instead of two. */
const SMALL_BYTES = 128 * 1024
/** Largest table that is read, of a shard with a block of one byte each. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024
/** Most that is read besides what is asked for; of a small cache an eighth, so that it is still there when it is asked for. */
const MAX_READ_AHEAD_BYTES: number = 1024 * 1024

/** A section of an object, as far as it is known. */
interface Opened {
  section: Section
  /** Where a block begins, from the start of the section's blocks on; also where the last one ends. */
  offsetOf: (seq: number) => number
  /** All of the object, when it is small. */
  bytes: Uint8Array | null
}

/** Reads blocks of archived segments in groups. Checks nothing but that they can be read. */
export class SegmentReader {
  readonly #blindId: Uint8Array
  readonly #ranges: RangeReader
  readonly #chunkBytes: number
  /** By group: nothing is read twice at once. */
  readonly #reading = new Map<string, Promise<Map<number, Uint8Array>>>()
  readonly #opened: ByteCache<Promise<Opened>>
  readonly #tails: ByteCache<Uint8Array>
  readonly ahead: ReadAhead

  /**
   * @param cacheBytes - of which a quarter is for tables that are kept
   * @param chunkBytes - that are read at once, as far as whole groups go
   */
  constructor(key: Uint8Array, ranges: RangeReader, cacheBytes: number, chunkBytes: number) {
    const aheadBytes = Math.min(MAX_READ_AHEAD_BYTES, cacheBytes / 8)
    this.ahead = new ReadAhead(aheadBytes)
    this.#chunkBytes = Math.min(chunkBytes, aheadBytes)
    this.#blindId = blindIdOf(key)
    this.#ranges = ranges
    this.#opened = new ByteCache(cacheBytes * 0.1875)
    this.#tails = new ByteCache(cacheBytes * 0.0625)
  }

  /** What lies in a commit that was read anyway. */
  offerTail(object: string, tail: Uint8Array): void {
    this.#tails.set(object, tail, tail.byteLength)
  }

  /** Drops what is kept of an object: it may have been damaged on its way. */
  forget(object: string): void {
    for (const name of this.#opened.keys())
      if ((name as string).startsWith(`${object} `)) this.#opened.delete(name)
    this.#tails.delete(object)
    this.ahead.reset()
  }

  /** Nodes over all groups of a segment, from which it can be made. Cost: one request, two when its table is larger than could be told. */
  async groupNodes(segment: BlockSegment): Promise<readonly TreeNode[]> {
    const { section } = await this.#open(segment)
    const end = segment.start + segment.count
    const nodes = section.nodes.filter(({ index }) => {
      const [first, last] = spanOf(index)
      return first >= segment.start && last <= end
    })
    // Of a group that goes beyond the segment, what the segment has of it.
    const size = 2 ** section.groupShift
    const cut = new Set<number>()
    if (segment.start > section.start && segment.start % size !== 0) cut.add(segment.start)
    if (end < section.start + section.count && end % size !== 0) cut.add(end - 1)
    for (const seq of cut)
      for (const [at, block] of await this.group(segment, seq)) nodes.push(leafOf(at, block))
    return nodes
  }

  /**
   * The group of blocks that one is in; more of them when the group before was read just before. Cost: one request, none when it is being read.
   *
   * @param isAlone - that and no more
   */
  async group(segment: BlockSegment, seq: number, isAlone = false): Promise<Map<number, Uint8Array>> {
    const opened = await this.#open(segment)
    const size = 2 ** opened.section.groupShift
    const last = segment.start + segment.count
    const bytesOf = (from: number, to: number): number => opened.offsetOf(to) - opened.offsetOf(from)
    const firstOf = (at: number): number => Math.max(segment.start, Math.floor(at / size) * size)
    const endOf = (at: number): number => Math.min(last, (Math.floor(at / size) + 1) * size)
    const nameOf = (at: number): string =>
      `${segment.object} ${segment.fork} ${firstOf(at)} ${endOf(at)}${isAlone ? ' alone' : ''}`
    const isFree = (at: number): boolean => !this.#reading.has(nameOf(at))
    const underWay = this.#reading.get(nameOf(seq))
    if (underWay !== undefined) return underWay
    let [first, end] = [firstOf(seq), endOf(seq)]
    if (!isAlone) {
      const most = this.ahead.bytesFrom(first, this.#chunkBytes)
      while (end < last && isFree(end) && bytesOf(first, endOf(end)) <= most.ahead) end = endOf(end)
      const chunkOf = (at: number): number => Math.floor(opened.offsetOf(at) / most.chunk)
      if (most.chunk > 0) {
        const chunk = chunkOf(seq)
        while (first > segment.start && isFree(first - 1) && chunkOf(firstOf(first - 1)) === chunk)
          first = firstOf(first - 1)
        while (end < last && isFree(end) && chunkOf(end) === chunk) end = endOf(end)
      }
      this.ahead.note(first, end, (at) => bytesOf(at, at + 1), [firstOf(seq), endOf(seq)])
    }
    const names: string[] = []
    for (let at = first; at < end; at = endOf(at)) names.push(nameOf(at))
    const reading = this.#readBlocks(segment.object, opened, first, end).finally(() => {
      for (const name of names) this.#reading.delete(name)
    })
    for (const name of names) this.#reading.set(name, reading)
    return reading
  }

  async #readBlocks(
    object: string,
    { section, offsetOf, bytes }: Opened,
    first: number,
    end: number
  ): Promise<Map<number, Uint8Array>> {
    const [from, to] = [section.offset + offsetOf(first), section.offset + offsetOf(end)]
    const data = bytes?.subarray(from, to) ?? (await this.#ranges.read(object, from, to))
    if (data.byteLength !== to - from) throw damaged('an object is cut short')
    const blocks = new Map<number, Uint8Array>()
    for (let at = first; at < end; at++)
      blocks.set(at, data.subarray(offsetOf(at) - offsetOf(first), offsetOf(at + 1) - offsetOf(first)))
    return blocks
  }

  #open(segment: BlockSegment): Promise<Opened> {
    const name = `${segment.object} ${segment.fork} ${segment.start}`
    const known = this.#opened.get(name)
    if (known !== undefined) return known
    const opening = this.#read(segment)
    this.#opened.set(name, opening, 0)
    opening.then(
      ({ section, bytes }) =>
        this.#opened.set(
          name,
          opening,
          40 * section.count + 150 * section.nodes.length + (bytes?.byteLength ?? 0)
        ),
      () => this.#opened.delete(name)
    )
    return opening
  }

  async #read(segment: BlockSegment): Promise<Opened> {
    const { object } = segment
    if (commitSeq(object) !== null) return this.#find(segment, await this.#tailOf(object), true)
    const blockBytes = byteLengthOf(segment)
    const guess = guessTable(segment.count, blockBytes)
    const start = await this.#ranges.readStart(
      object,
      guess + (blockBytes + guess <= SMALL_BYTES ? blockBytes : 0)
    )
    const length = tableLength(start)
    if (length > MAX_TABLE_BYTES) throw damaged('a table is too long')
    if (length <= start.byteLength) return this.#find(segment, start, start.byteLength >= length + blockBytes)
    const rest = await this.#ranges.read(object, start.byteLength, length)
    return this.#find(segment, b4a.concat([start, rest]), false)
  }

  /** What lies in a commit. Its size is not known beforehand. */
  async #tailOf(object: string): Promise<Uint8Array> {
    const known = this.#tails.get(object)
    if (known !== undefined) return known
    const { tail } = decodeCommit(await this.#ranges.readStart(object, MAX_TABLE_BYTES))
    this.offerTail(object, tail)
    return tail
  }

  #find(segment: BlockSegment, bytes: Uint8Array, isWhole: boolean): Opened {
    const { fork, start, count } = segment
    const section = decodeShardTable(bytes).find(
      (section) =>
        b4a.equals(section.blindId, this.#blindId) &&
        section.fork === fork &&
        section.start <= start &&
        section.start + section.count >= start + count
    )
    if (section === undefined) throw damaged('an object lacks what it should hold')
    // A part may be small, and the sizes of the others be anything: only its own are signed.
    const offsets = new Float64Array(section.count + 1)
    for (let i = 0; i < section.count; i++)
      offsets[i + 1] = (offsets[i] as number) + (section.sizes[i] as number)
    const isAllThere = isWhole && bytes.byteLength >= section.offset + (offsets[section.count] as number)
    const offsetOf = (seq: number): number =>
      offsets[Math.max(0, Math.min(section.count, seq - section.start))] as number
    if (offsetOf(start + count) - offsetOf(start) !== byteLengthOf(segment))
      throw damaged('a table is not that of its blocks')
    if (!Number.isSafeInteger(section.offset + offsetOf(start + count))) throw damaged('a table')
    return { section, offsetOf, bytes: isAllThere ? bytes : null }
  }
}

/** Bytes of a shard's table, as far as its one section tells, and a little more. */
function guessTable(count: number, bytes: number): number {
  const each = bytes / Math.max(1, count)
  const groupSize = Math.max(1, Math.min(1024, 4096 / Math.max(1, each)))
  const sizes = count * (each < 200 ? 1.3 : 3)
  return Math.ceil(256 + sizes + (count / groupSize + 64) * 32)
}
