import b4a from 'b4a'
import crypto, { type KeyPair } from 'hypercore-crypto'
import type { LogFork } from '../../src/log/fork-proof.ts'
import type { OpLog } from '../../src/log/op-log.ts'
import { forkOf } from '../support/fork-proofs.ts'
import type { Disk } from './disk.ts'

/** A device's copy of a log, as Hypercore keeps one: it takes what continues it, and notices what does not. */
export class SimLog implements OpLog {
  readonly key: Uint8Array
  readonly #disk: Disk
  readonly #id: string
  #written: number | null = null
  readonly #pair: KeyPair
  fork: LogFork | null = null

  /** @param pair - the log's, which signed every copy there is */
  constructor(disk: Disk, id: string, pair: KeyPair, isOwn: boolean) {
    this.key = b4a.from(id, 'hex')
    this.#id = id
    this.#disk = disk
    this.#pair = pair
    if (isOwn) this.#written = this.#blocks.length
  }

  get available(): number {
    return this.#written ?? this.#blocks.length
  }

  get known(): number {
    return this.#blocks.length
  }

  get isOvertaken(): boolean {
    return this.#written !== null && this.#blocks.length > this.#written
  }

  retire(): void {
    this.#written = null
  }

  read(start: number, end: number): Promise<Uint8Array[]> {
    if (end > this.available) throw new Error(`block ${end - 1} is not here`)
    return Promise.resolve(this.#blocks.slice(start, end).map((block) => b4a.from(block)))
  }

  async append(blocks: readonly Uint8Array[]): Promise<void> {
    let isOld = false
    await this.#disk.write(() => {
      isOld = this.#written === null || this.#blocks.length > this.#written
      if (isOld) return
      this.#blocks.push(...blocks)
      this.#written = this.#blocks.length
    })
    if (isOld) throw new Error('a longer copy of this log has come in')
  }

  fingerprint(length: number): Promise<{ fork: number; treeHash: Uint8Array }> {
    return Promise.resolve({ fork: 0, treeHash: crypto.hash(this.#blocks.slice(0, length)) })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /**
   * Takes blocks from another copy. What came before them is compared, as Hypercore compares trees: where two copies part, both then know.
   *
   * @param copy - all of it, up to the last block that is sent
   * @param start - the first block that is sent
   * @returns how many were new
   */
  receive(copy: readonly Uint8Array[], start = 0): number {
    const own = this.#blocks
    if (start > own.length) return 0
    for (let i = 0; i < copy.length && i < own.length; i++) {
      if (own[i] === copy[i]) continue
      this.noteFork(i)
      return 0
    }
    const news = copy.slice(own.length)
    own.push(...news)
    return news.length
  }

  /** Another copy differs from there on. */
  noteFork(agreed: number): void {
    if (this.fork === null || agreed < this.fork.agreed) this.fork = forkOf(this.#pair, agreed)
  }

  /** All blocks of this copy; the same block is the same object wherever it went. */
  get #blocks(): Uint8Array[] {
    let blocks = this.#disk.logs.get(this.#id)
    if (blocks === undefined) this.#disk.logs.set(this.#id, (blocks = []))
    return blocks
  }

  get blocks(): readonly Uint8Array[] {
    return this.#blocks
  }
}
