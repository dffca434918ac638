import type { Transaction } from '../merge/transaction.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { ChainCheck, decodeTransaction, type Decoded } from './decode.ts'
import type { LogState } from './log-state.ts'
import type { OpLog } from './op-log.ts'

/** Blocks read ahead in one go: as many as are about so many bytes, by the size of those read last. */
const READ_AHEAD_BLOCKS = 128
const READ_AHEAD_BYTES = 4 * 1024 * 1024
/** A transaction that cannot be passed yet is kept when it and what was read ahead have no more bytes than this. */
const KEPT_BYTES = 64 * 1024

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
  /** Of a chain that is not all here. */
  #check: ChainCheck | null = null
  /** Whether the operations of `#next` were let go. */
  #isAtRest = false
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
    if (this.#isAtRest) this.#forget()
    return (await this.#decode())?.transaction ?? null
  }

  /** As {@link peek}, but the operations may be missing. */
  async peekHead(): Promise<Transaction | null> {
    return (await this.#decode())?.transaction ?? null
  }

  /** All that are here, from the next one on. Each is passed once the one after it is asked for. */
  async *transactions(): AsyncGenerator<Transaction> {
    for (let next = await this.peek(); next !== null; next = await this.peek()) {
      yield next
      this.advance()
    }
  }

  /** To be called when what was peeked has to wait, for as long as its author likes: lets go of what is large. */
  rest(): void {
    if (this.#next === null || this.#isAtRest) return
    if (this.#ahead.reduce((sum, block) => sum + block.byteLength, 0) <= KEPT_BYTES) return
    this.#isAtRest = true
    this.#ahead = []
    this.#next = { ...this.#next, transaction: { ...this.#next.transaction, operations: [] } }
  }

  /** Passes the transaction that was peeked. */
  advance(): void {
    if (this.#next === null) return
    const { transaction, state } = this.#next
    this.#ahead.splice(0, transaction.length)
    this.#position += transaction.length
    this.#state = state
    this.#next = null
    this.#isAtRest = false
  }

  /** Moves past a transaction that was written through the log rather than read from it. */
  skipTo(position: number, state: LogState): void {
    this.#position = position
    this.#state = state
    this.#check = null
    this.#forget()
  }

  #forget(): void {
    this.#ahead = []
    this.#next = null
    this.#isAtRest = false
  }

  async #decode(): Promise<Decoded | null> {
    if (this.#next !== null) return this.#next
    const broken = this.#check === null ? null : await this.#checkOn(this.#check)
    if (broken !== null) return this.#pass(broken)
    if (!(await this.#fill(this.#check?.length ?? 1))) return null
    let result = decodeTransaction(this.#position, this.#ahead, this.#state, this.#writers)
    if ('more' in result && (await this.#fill(result.more)))
      result = decodeTransaction(this.#position, this.#ahead, this.#state, this.#writers)
    if ('transaction' in result) return this.#pass(result)
    if ('unknown' in result) {
      this.#unknownVersion = result.unknown
      return null
    }
    const [first] = this.#ahead
    if (first === undefined || this.#check !== null) return null
    // Each block of the chain is looked at once when it comes, and once more when all are here; until then none is kept.
    this.#check = new ChainCheck(this.#position, first, this.#state, this.#writers)
    this.#ahead = []
    return this.#decode()
  }

  #pass(decoded: Decoded): Decoded {
    this.#check = null
    return (this.#next = decoded)
  }

  /** Looks at what is here of a chain. */
  async #checkOn(check: ChainCheck): Promise<Decoded | null> {
    while (check.blocks < check.length) {
      const start = this.#position + check.blocks
      if (start >= this.#log.available) return null
      for (const block of await this.#log.read(start, start + 1)) {
        const broken = check.take(block)
        if (broken !== null) return broken
      }
    }
    return null
  }

  /** Whether so many blocks are here now. */
  async #fill(wanted: number): Promise<boolean> {
    if (this.#position + wanted > this.#log.available) return false
    while (this.#ahead.length < wanted) {
      const start = this.#position + this.#ahead.length
      const blocks = await this.#log.read(start, Math.min(this.#log.available, start + this.#window))
      const bytes = blocks.reduce((sum, block) => sum + block.byteLength, 1)
      const fitting = Math.floor((READ_AHEAD_BYTES * blocks.length) / bytes)
      this.#window = Math.max(1, Math.min(READ_AHEAD_BLOCKS, fitting, this.#window * 4))
      this.#ahead.push(...blocks)
    }
    return true
  }
}
