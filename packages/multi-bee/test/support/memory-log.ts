import b4a from 'b4a'
import type { LogFork } from '../../src/log/fork-proof.ts'
import type { OpLog } from '../../src/log/op-log.ts'

/** An op log in memory. A replica shares the blocks of its original and sees as many of them as were delivered. */
export class MemoryLog implements OpLog {
  readonly key: Uint8Array
  readonly blocks: Uint8Array[]
  #delivered: number
  readonly #isOriginal: boolean

  constructor(key: Uint8Array, original: MemoryLog | null = null) {
    this.key = key
    this.blocks = original?.blocks ?? []
    this.#isOriginal = original === null
    this.#delivered = 0
  }

  get available(): number {
    return this.#isOriginal ? this.blocks.length : this.#delivered
  }

  isOvertaken = false

  /** What a peer has proven of it; forgotten when the device is off. */
  fork: LogFork | null = null

  retire(): void {}

  get known(): number {
    return this.available
  }

  /** One of its own with what is here of this one. */
  copy(): MemoryLog {
    const copy = new MemoryLog(this.key)
    copy.blocks.push(...this.blocks.slice(0, this.available))
    return copy
  }

  /** Lets a replica see so many blocks, never fewer than before. */
  deliver(length: number): void {
    this.#delivered = Math.max(this.#delivered, Math.min(length, this.blocks.length))
  }

  read(start: number, end: number): Promise<Uint8Array[]> {
    if (end > this.available) throw new Error(`block ${end - 1} is not here`)
    return Promise.resolve(this.blocks.slice(start, end).map((block) => b4a.from(block)))
  }

  append(blocks: readonly Uint8Array[]): Promise<void> {
    this.blocks.push(...blocks)
    return Promise.resolve()
  }

  fingerprint(): Promise<{ fork: number; treeHash: Uint8Array }> {
    return Promise.resolve({ fork: 0, treeHash: b4a.alloc(32) })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
