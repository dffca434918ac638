import { LogCursor } from '../log/log-cursor.ts'
import { initialLogState } from '../log/log-state.ts'
import { withoutPaths } from '../merge/diff.ts'
import { isAtOrBelow, isBelow, type Path } from '../merge/path.ts'
import { elementsOf, EMPTY_REGISTER, type Element } from '../merge/register.ts'
import type { Operation, Place, Transaction } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import { keyId } from '../view/key-id.ts'
import type { View } from '../view/view.ts'
import { appliedLength, deleteWins, type DeviceState } from './device-state.ts'
import { earlierLogs, type Tail } from './own-forks.ts'
import type { Base, LocalRequest, Write } from './requests.ts'

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
 * What this device's own logs held past the cut-offs of forks, to be done again: whom they let in and removed, and what they put. Each
 * transaction has seen what it had seen when it was written, and of this device's later logs all there is: so it competes with what others did
 * meanwhile, and does not replace it. What this device has changed since stays out of it. Each says what it does again, so that after a crash,
 * or in the next log, only the rest is done.
 *
 * Cost: reads those logs from the cut-offs on, and all that came after them, three times; memory for the keys that are done again, and the paths
 * of those that were changed since.
 */
export async function* ownTail(
  state: DeviceState,
  view: View,
  tails: readonly Tail[]
): AsyncGenerator<{ place: Place; request: LocalRequest }> {
  const history = new OwnHistory(state, tails)
  const changes = await changesSince(history)
  for await (const own of history.lost()) {
    const { place } = own
    const name = nameOf(place)
    if (changes.done.has(name)) continue
    changes.done.add(name)
    const records = own.transaction.membership.filter(({ type }) => type === 'add' || type === 'remove')
    const writes = await writesAgain(own, state, view, history, changes)
    // Only what comes last says so: after a crash in between all is done once more.
    if (records.length > 0)
      yield { place, request: { type: 'membership', records, again: writes.length === 0 ? place : null } }
    if (writes.length > 0) yield { place, request: { type: 'write', writes, atomic: true, again: place } }
  }
}

async function writesAgain(
  { transaction, place }: Own,
  state: DeviceState,
  view: View,
  history: OwnHistory,
  changes: ChangesSince
): Promise<Write[]> {
  const { operations, context } = transaction
  const vectors = new Map<VersionVector, VersionVector>()
  // Writes of one key go together when they name one base; in the log, too, they had seen the same.
  const bases = new Map<string, Base>()
  const writes: Write[] = []
  for (const operation of operations) {
    const { key, seen } = operation
    const id = keyId(key)
    const later = changes.after(id, place, history)
    const left = later === null ? operation : withoutPaths(operation, later)
    if (left === null || (await isOutlived(operation, context, later, state, view))) continue
    // What this device has changed of the key since is not to be replaced by what it wrote before.
    let vector = seen ?? context
    if (later === null) {
      vector = vectors.get(seen ?? context) ?? history.seenBy(place, vector)
      vectors.set(seen ?? context, vector)
    }
    const base = bases.get(id) ?? { version: state.version, vector }
    bases.set(id, base)
    const { path, value } = left
    writes.push({ key, intent: { type: 'resolve', path, value }, base, compare: null })
  }
  return writes
}

/**
 * Whether a deletion is better not done again. Where deletions win, it would take away also what others have put since they saw it: no context
 * says which copy of a log it has seen. Elsewhere, when this device has put something below its path since and nothing older is left there.
 */
async function isOutlived(
  { key, path, value, seen }: Operation,
  context: VersionVector,
  later: readonly Path[] | null,
  state: DeviceState,
  view: View
): Promise<boolean> {
  if (value !== null) return false
  const [stored] = await view.load([key])
  const elements = elementsOf(stored?.register ?? EMPTY_REGISTER).filter((element) =>
    isAtOrBelow(element.path, path)
  )
  const isNew = ({ seq, writer }: Element): boolean => seq >= lengthAt(seen ?? context, writer)
  if (deleteWins(state)) return elements.some(isNew)
  return elements.length > 0 && (later ?? []).some((below) => isBelow(below, path)) && elements.every(isNew)
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

/** Paths of one key that this device has changed, and where it did last. */
type Changes = Map<Path, Place>

/** What this device did after what is to be done again. */
class ChangesSince {
  /** What is done again already, by name of its place. */
  readonly done = new Set<string>()
  /** By key id: what counts; and, of the same keys, what is to be done again. */
  readonly kept = new Map<string, Changes>()
  readonly lost = new Map<string, Changes>()

  /** @returns the paths that were changed later, in what is to be done again too; `null` when nothing that counts changed the key later */
  after(id: string, place: Place, history: OwnHistory): Path[] | null {
    const later = (changes: Changes | undefined): Path[] =>
      [...(changes ?? [])].filter(([, last]) => history.isAfter(last, place)).map(([path]) => path)
    const kept = later(this.kept.get(id))
    return kept.length === 0 ? null : [...kept, ...later(this.lost.get(id))]
  }
}

async function changesSince(history: OwnHistory): Promise<ChangesSince> {
  const changes = new ChangesSince()
  const keys = new Set<string>()
  for await (const { transaction } of history.lost())
    for (const { key } of transaction.operations) keys.add(keyId(key))
  for await (const { transaction, place, counts } of history.kept()) {
    if (counts && transaction.again !== null) changes.done.add(nameOf(place))
    if (counts) note(changes.kept, transaction.operations, place, keys, history)
  }
  if (changes.kept.size > 0)
    for await (const { transaction, place } of history.lost())
      note(changes.lost, transaction.operations, place, changes.kept, history)
  return changes
}

function note(
  changes: Map<string, Changes>,
  operations: readonly Operation[],
  place: Place,
  keys: { has(id: string): boolean },
  history: OwnHistory
): void {
  for (const { key, path } of operations) {
    const id = keyId(key)
    if (!keys.has(id)) continue
    const known = changes.get(id) ?? new Map<Path, Place>()
    changes.set(id, known)
    const last = known.get(path)
    if (last === undefined || history.isAfter(place, last)) known.set(path, place)
  }
}

async function* wholeLog({ logs, writers }: DeviceState, writer: number): AsyncGenerator<Transaction> {
  const log = logs.get(writer)?.log
  if (log !== undefined) yield* new LogCursor(log, writers, 0, initialLogState(writer)).transactions()
}
