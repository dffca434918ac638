import { LogCursor } from '../log/log-cursor.ts'
import { initialLogState } from '../log/log-state.ts'
import type { Place, Transaction } from '../merge/transaction.ts'
import { withLength, type VersionVector } from '../merge/version-vector.ts'
import { appliedLength, type DeviceState } from './device-state.ts'
import { earlierLogs, type Tail } from './own-forks.ts'

/** A transaction of this device, and where it was written first. */
export interface Own {
  transaction: Transaction
  place: Place
}

/** What this device wrote, from the first of its logs that has lost something on. */
export class OwnHistory {
  readonly #state: DeviceState
  readonly #tails: readonly Tail[]
  /** Local numbers, in the order in which they were written. */
  readonly #line: readonly number[]

  constructor(state: DeviceState, tails: readonly Tail[]) {
    this.#state = state
    this.#tails = tails
    const line = [...earlierLogs(state), state.self]
    const first = Math.min(...tails.map(({ writer }) => line.indexOf(writer)))
    this.#line = line.slice(first)
  }

  /** What is to be done again, also of what was done again before, in order. */
  async *lost(): AsyncGenerator<Own> {
    for (const tail of this.#inOrder())
      for await (const transaction of quarantinedTransactions(this.#state, tail.writer))
        if (isIn(tail, transaction)) yield { transaction, place: placeOf(transaction) }
  }

  /** The rest, and whether it counts. */
  async *kept(): AsyncGenerator<Own & { counts: boolean }> {
    const { membership } = this.#state
    for (const [i, writer] of this.#line.entries()) {
      const tail = this.#tails.find((other) => other.writer === writer)
      const limit = membership.limitOf(writer)
      for await (const transaction of i === 0
        ? quarantinedTransactions(this.#state, writer)
        : wholeLog(this.#state, writer))
        if (tail === undefined || !isIn(tail, transaction))
          yield { transaction, place: placeOf(transaction), counts: transaction.seq < limit }
    }
  }

  /** The vector, and all that is applied of the logs that came after a place: what there is of that in them was written before. */
  seenBy({ writer }: Place, vector: VersionVector): VersionVector {
    return this.#line
      .slice(this.#line.indexOf(writer) + 1)
      .reduce((seen, log) => withLength(seen, log, appliedLength(this.#state, log)), vector)
  }

  /** Whether this device wrote the one after the other. */
  isAfter(a: Place, b: Place): boolean {
    const [left, right] = [this.#line.indexOf(a.writer), this.#line.indexOf(b.writer)]
    return left === right ? a.seq > b.seq : left > right
  }

  #inOrder(): Tail[] {
    return [...this.#tails].sort((a, b) => this.#line.indexOf(a.writer) - this.#line.indexOf(b.writer))
  }
}

function isIn({ from, until }: Tail, { seq }: Transaction): boolean {
  return seq >= from && seq < until
}

function placeOf({ again, writer, seq }: Transaction): Place {
  return again ?? { writer, seq }
}

/** The transactions past a writer's cut-off that are here, in the order of its log. */
export async function* quarantinedTransactions(
  { membership, logs, applied }: DeviceState,
  writer: number
): AsyncGenerator<Transaction> {
  const cutOff = membership.get(writer)?.cutOff
  const cursor = logs.get(writer)?.cursor.clone()
  if (!cutOff || cursor === undefined) return
  const end = Math.max(cutOff.length, applied[writer] ?? 0)
  for await (const transaction of cursor.transactions()) if (transaction.seq >= end) yield transaction
}

async function* wholeLog({ logs, writers }: DeviceState, writer: number): AsyncGenerator<Transaction> {
  const log = logs.get(writer)?.log
  if (log !== undefined) yield* new LogCursor(log, writers, 0, initialLogState(writer)).transactions()
}
