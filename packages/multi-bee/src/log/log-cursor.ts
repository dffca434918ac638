import type { Transaction } from '../merge/transaction.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { decodeTransaction, type Decoded } from './decode.ts'
import type { LogState } from './log-state.ts'
import type { OpLog } from './op-log.ts'

/** Blocks read ahead in one go: as many as are about so many bytes, by the size of those read last. */
const READ_AHEAD_BLOCKS = 128
const READ_AHEAD_BYTES = 4 * 1024 * 1024

/**
 * Reads one log transaction by transaction, in order, as far as its blocks are here.
 * Borrows the log.
 */
export class LogCursor {
  readonly #log: OpLog
  readonly #writers: WriterTable
  #state: LogState
  #position: number
  #ahead: Uint8Array[] = []
  #window = 4
  #next: Decoded | null = null
  #unknownVersion: number | null = null

  /**
   * @param position - in blocks; a transaction starts there
   * @param state - of the log just before it
   */
  constructor(log: OpLog, writers: WriterTable, position: number, state: LogState) {
    this.#log = log
    this.#writers = writers
    this.#position = position
    this.#state = state
  }

  /** In blocks: everything before was passed. */
  get position(): number {
    return this.#position
  }

  /** Of the log at {@link position}. */
  get state(): LogState {
    return this.#state
  }

  /** The format version that ends the readable part of this log, if one does. */
  get unknownVersion(): number | null {
    return this.#unknownVersion
  }

  /** A second cursor at the same place. */
  clone(): LogCursor {
    return new LogCursor(this.#log, this.#writers, this.#position, this.#state)
  }

  /** The next transaction, without passing it; `null` when not all of it is here. */
  async peek(): Promise<Transaction | null> {
    return (await this.#decode())?.transaction ?? null
  }

  /** Whether what {@link peek} returned last was a block that does not decode. */
  get isMalformed(): boolean {
    return this.#next?.malformed ?? false
  }

  /** Passes the transaction that was peeked. */
  advance(): void {
    if (this.#next === null) return
    const { transaction, state } = this.#next
    this.#ahead.splice(0, transaction.length)
    this.#position += transaction.length
    this.#state = state
    this.#next = null
  }

  /** Moves past a transaction that was written through the log rather than read from it. */
  skipTo(position: number, state: LogState): void {
    this.#position = position
    this.#state = state
    this.#ahead = []
    this.#next = null
  }

  async #decode(): Promise<Decoded | null> {
    if (this.#next !== null) return this.#next
    let wanted = 1
    for (;;) {
      if (!(await this.#fill(wanted))) return null
      const result = decodeTransaction(this.#position, this.#ahead, this.#state, this.#writers)
      if ('transaction' in result) return (this.#next = result)
      if ('unknown' in result) {
        this.#unknownVersion = result.unknown
        return null
      }
      wanted = this.#ahead.length + 1
    }
  }

  async #fill(wanted: number): Promise<boolean> {
    if (this.#ahead.length >= wanted) return true
    const start = this.#position + this.#ahead.length
    const end = Math.min(this.#log.available, start + this.#window)
    if (end - this.#position < wanted) return false
    const blocks = await this.#log.read(start, end)
    const bytes = blocks.reduce((sum, block) => sum + block.byteLength, 1)
    const fitting = Math.floor((READ_AHEAD_BYTES * blocks.length) / bytes)
    this.#window = Math.max(1, Math.min(READ_AHEAD_BLOCKS, fitting, this.#window * 4))
    this.#ahead.push(...blocks)
    return true
  }
}
