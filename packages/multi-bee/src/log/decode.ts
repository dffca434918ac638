import type { Transaction } from '../merge/transaction.ts'
import { withLength } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { FORMAT_VERSION } from './encode.ts'
import type { LogState } from './log-state.ts'
import { TransactionReader } from './transaction-reader.ts'

/** A transaction read from a log, and the state of the log after it. */
export interface Decoded {
  transaction: Transaction
  state: LogState
  /** Its bytes do not follow the format, so it is a block without content. */
  malformed: boolean
}

/** `more`: a chain of `length` blocks, of which not all are here. `unknown`: a format version this package does not read. */
export type DecodeResult = Decoded | { more: number } | { unknown: number }

/**
 * Reads the transaction that starts at `seq`.
 *
 * @param blocks - what is known of the log from `seq` on; borrowed, values are views into them
 */
export function decodeTransaction(
  seq: number,
  blocks: readonly Uint8Array[],
  state: LogState,
  writers: WriterTable
): DecodeResult {
  const [first] = blocks
  if (first === undefined) return { more: 1 }
  const version = first[0]
  if (version !== undefined && version !== FORMAT_VERSION) return { unknown: version }
  try {
    const reader = new TransactionReader(seq, first, state, writers, true)
    while (reader.blocks < reader.length) {
      const block = blocks[reader.blocks]
      if (block === undefined) return { more: reader.length }
      reader.take(block)
    }
    return { ...reader.finish(), malformed: false }
  } catch {
    return malformed(seq, state)
  }
}

/**
 * Looks at a chain block by block while not all of it is here: what it finds is what {@link decodeTransaction} would. Keeps neither
 * blocks nor operations; what it holds is a hash for each different `seen`.
 */
export class ChainCheck {
  readonly #reader: TransactionReader
  readonly #malformed: () => Decoded

  /** @param first - the first block of a chain, which `decodeTransaction` has read as `more` */
  constructor(seq: number, first: Uint8Array, state: LogState, writers: WriterTable) {
    this.#reader = new TransactionReader(seq, first, state, writers, false)
    this.#malformed = () => malformed(seq, state)
  }

  /** Blocks it has looked at. */
  get blocks(): number {
    return this.#reader.blocks
  }

  /** Blocks of the whole chain. */
  get length(): number {
    return this.#reader.length
  }

  /** @returns what the first block is, when this one breaks the chain */
  take(block: Uint8Array): Decoded | null {
    try {
      this.#reader.take(block)
      return null
    } catch {
      return this.#malformed()
    }
  }
}

/** Deterministic stand-in for a block that does not decode: nothing happened, at the time of the one before it. */
function malformed(seq: number, state: LogState): Decoded {
  const { ms, counter } = state
  const writer = state.table[0] ?? 0
  const context = withLength(state.context, writer, seq)
  return {
    transaction: {
      writer,
      seq,
      length: 1,
      ms,
      counter,
      context,
      again: null,
      membership: [],
      operations: []
    },
    state: { ...state, malformed: state.malformed + 1 },
    malformed: true
  }
}
