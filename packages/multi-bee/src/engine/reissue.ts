import { LogCursor } from '../log/log-cursor.ts'
import { initialLogState } from '../log/log-state.ts'
import { withoutPaths } from '../merge/diff.ts'
import type { Path } from '../merge/path.ts'
import type { Operation, Place, Transaction } from '../merge/transaction.ts'
import { withLength, type VersionVector } from '../merge/version-vector.ts'
import { keyId } from '../view/key-id.ts'
import { appliedLength, type DeviceState } from './device-state.ts'
import { earlierLogs, type Tail } from './own-forks.ts'
import type { Base, WriteRequest } from './requests.ts'

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

/**
 * What this device's own logs held past the cut-offs of forks, to be done again. Each transaction has seen what it had seen when it was
 * written, and of this device's later logs all there is: so it competes with what others did meanwhile, and does not replace it. What
 * this device has changed since stays out of it. Each says what it does again, so that after a crash, or in the next log, only the rest is done.
 *
 * Cost: reads those logs from the cut-offs on, and all that came after them, three times; memory for the keys that are done again, and the paths
 * of those that were changed since.
 */
export async function* ownTail(state: DeviceState, tails: readonly Tail[]): AsyncGenerator<WriteRequest> {
  const history = new OwnHistory(state, tails)
  const changes = await changesSince(history)
  for await (const { transaction, place } of history.lost()) {
    const name = nameOf(place)
    if (changes.done.has(name)) continue
    changes.done.add(name)
    // Writes of one key go together when they name one base; in the log, too, they had seen the same.
    const bases = new Map<string, Base>()
    const writes = transaction.operations.flatMap((operation) => {
      const { key, seen } = operation
      const id = keyId(key)
      const later = changes.after(id, place, history)
      const left = later === null ? operation : withoutPaths(operation, later)
      if (left === null) return []
      const base = bases.get(id) ?? {
        version: state.version,
        // What this device has changed of the key since is not to be replaced by what it wrote before.
        vector:
          later === null ? history.seenBy(place, seen ?? transaction.context) : (seen ?? transaction.context)
      }
      bases.set(id, base)
      const { path, value } = left
      return [{ key, intent: { type: 'resolve' as const, path, value }, base, compare: null }]
    })
    if (writes.length > 0) yield { type: 'write', writes, atomic: true, again: place }
  }
}

/** A transaction of this device, and where it was written first. */
interface Own {
  transaction: Transaction
  place: Place
}

/** What this device wrote, from the first of its logs that has lost something on. */
class OwnHistory {
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

function nameOf({ writer, seq }: Place): string {
  return `${writer}:${seq}`
}

/** Paths of one key that this device has changed, and where. */
type Changes = { place: Place; path: Path }[]

/** What this device did after what is to be done again. */
class ChangesSince {
  /** What is done again already, by name of its place. */
  readonly done = new Set<string>()
  /** By key id: what counts; and, of the same keys, what is to be done again. */
  readonly kept = new Map<string, Changes>()
  readonly lost = new Map<string, Changes>()

  /** @returns the paths that were changed later, in what is to be done again too; `null` when nothing that counts changed the key later */
  after(id: string, place: Place, history: OwnHistory): Path[] | null {
    const isLater = (change: Changes[number]): boolean => history.isAfter(change.place, place)
    const kept = this.kept.get(id)?.filter(isLater) ?? []
    if (kept.length === 0) return null
    return [...kept, ...(this.lost.get(id)?.filter(isLater) ?? [])].map(({ path }) => path)
  }
}

async function changesSince(history: OwnHistory): Promise<ChangesSince> {
  const changes = new ChangesSince()
  const keys = new Set<string>()
  for await (const { transaction } of history.lost())
    for (const { key } of transaction.operations) keys.add(keyId(key))
  for await (const { transaction, place, counts } of history.kept()) {
    if (counts && transaction.again !== null) changes.done.add(nameOf(place))
    note(changes.kept, transaction.operations, place, keys)
  }
  if (changes.kept.size > 0)
    for await (const { transaction, place } of history.lost())
      note(changes.lost, transaction.operations, place, changes.kept)
  return changes
}

function note(
  changes: Map<string, Changes>,
  operations: readonly Operation[],
  place: Place,
  keys: { has(id: string): boolean }
): void {
  for (const { key, path } of operations) {
    const id = keyId(key)
    if (!keys.has(id)) continue
    const known = changes.get(id)
    if (known === undefined) changes.set(id, [{ place, path }])
    else known.push({ place, path })
  }
}

async function* wholeLog({ logs, writers }: DeviceState, writer: number): AsyncGenerator<Transaction> {
  const log = logs.get(writer)?.log
  if (log !== undefined) yield* new LogCursor(log, writers, 0, initialLogState(writer)).transactions()
}
