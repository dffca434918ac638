import b4a from 'b4a'
import flat from 'flat-tree'
import crypto from 'hypercore-crypto'
import { spanOf, type TreeNode } from './subtree.ts'

const HASH_BYTES = 32

/** Nodes of one height, from left to right. */
interface Level {
  hashes: Uint8Array
  sizes: Float64Array
  /** Of all nodes of this height in the whole core's tree, the first that is here. */
  first: number
}

/** All nodes over a run of blocks, which is given block by block, up to those that stand over all of it. Memory: about 80 bytes a block. */
export class RunTree {
  readonly #levels: Level[] = []
  readonly #start: number
  readonly #end: number
  #added: number

  /** @param end - of the run; it begins with the block `start` */
  constructor(start: number, end: number) {
    this.#start = start
    this.#end = end
    this.#added = start
    for (let span = 1; ; span *= 2) {
      const [first, last] = [Math.ceil(start / span), Math.floor(end / span)]
      const count = last - first
      if (count <= 0) return
      this.#levels.push({ hashes: b4a.alloc(count * HASH_BYTES), sizes: new Float64Array(count), first })
    }
  }

  /** Bytes of a block that was added. */
  sizeOf(seq: number): number {
    return this.#levels[0]?.sizes[seq - this.#start] ?? 0
  }

  /** The next block. */
  add(block: Uint8Array): void {
    this.#put(0, this.#added++, crypto.data(block), block.byteLength)
  }

  /** @returns `null` of one that does not stand over blocks of the run alone */
  node(index: number): TreeNode | null {
    const [first, end] = spanOf(index)
    const level = this.#levels[Math.log2(end - first)]
    if (level === undefined || first < this.#start || end > this.#end) return null
    return at(level, first / (end - first), index)
  }

  /** The nodes whose last block this is: its leaf, and what stands over it. Those of all blocks, in order, are all there are. */
  *endingAt(seq: number): Generator<TreeNode> {
    let index = 2 * seq
    for (let node = this.node(index); node !== null; node = this.node(index)) {
      yield node
      if (flat.offset(index) % 2 === 0) return
      index = flat.parent(index)
    }
  }

  #put(height: number, place: number, hash: Uint8Array, size: number): void {
    const level = this.#levels[height]
    if (level === undefined) return
    level.hashes.set(hash, (place - level.first) * HASH_BYTES)
    level.sizes[place - level.first] = size
    if (place % 2 === 0 || place === level.first) return
    const [left, right] = [at(level, place - 1, 0), at(level, place, 1)]
    this.#put(height + 1, (place - 1) / 2, crypto.parent(left, right), left.size + right.size)
  }
}

function at({ hashes, sizes, first }: Level, place: number, index: number): TreeNode {
  const i = place - first
  return { index, size: sizes[i] as number, hash: hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES) }
}
