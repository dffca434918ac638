import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { spanOf, type TreeNode } from './subtree.ts'

const HASH_BYTES = 32

/** One height of a tree, from left to right. */
interface Level {
  hashes: Uint8Array
  sizes: Float64Array
  count: number
}

/** All nodes of a tree that is given block by block. Memory: about 80 bytes a block. */
export class WholeTree {
  readonly #levels: Level[] = []
  readonly #length: number

  /** @param length - blocks that will be added */
  constructor(length: number) {
    this.#length = length
    for (let count = length; count > 0; count >>= 1)
      this.#levels.push({ hashes: b4a.alloc(count * HASH_BYTES), sizes: new Float64Array(count), count: 0 })
  }

  /** Bytes of a block that was added. */
  sizeOf(seq: number): number {
    return this.#levels[0]?.sizes[seq] ?? 0
  }

  add(block: Uint8Array): void {
    this.#put(0, crypto.data(block), block.byteLength)
  }

  /** @returns `null` of one that is not in the tree */
  node(index: number): TreeNode | null {
    const [first, end] = spanOf(index)
    if (end > this.#length) return null
    const level = this.#levels[Math.log2(end - first)]
    return level === undefined ? null : this.#at(level, first / (end - first), index)
  }

  #put(height: number, hash: Uint8Array, size: number): void {
    const level = this.#levels[height]
    if (level === undefined) return
    level.hashes.set(hash, level.count * HASH_BYTES)
    level.sizes[level.count++] = size
    if (level.count % 2 !== 0) return
    const [left, right] = [level.count - 2, level.count - 1].map((at) => this.#at(level, at, 0))
    if (left !== undefined && right !== undefined)
      this.#put(height + 1, crypto.parent(left, right), left.size + right.size)
  }

  #at({ hashes, sizes }: Level, at: number, index: number): TreeNode {
    return {
      index,
      size: sizes[at] as number,
      hash: hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)
    }
  }
}
