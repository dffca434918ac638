import type { Draft } from '../log/encode.ts'
import { diff, fold, type Change } from '../merge/diff.ts'
import type { Timestamp } from '../merge/hybrid-clock.ts'
import { ROOT } from '../merge/path.ts'
import { applyOperations } from '../merge/apply-operations.ts'
import { EMPTY_REGISTER, type Register } from '../merge/register.ts'
import { shownValue } from '../merge/show.ts'
import type { Operation, Value } from '../merge/transaction.ts'
import { lengthAt, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import type { Stored } from '../view/record.ts'
import type { Base, Write } from './requests.ts'

/** Bytes of writes that share one transaction, about. */
export const GROUP_BYTES: number = 4 * 1024 * 1024

interface KeyInGroup {
  key: Uint8Array
  /** The newest record, which the group's replaces. */
  prior: Stored | null
  /** The record the writes were made against; the newest one unless they name a base. */
  origin: Stored | null
  base: Base | null
  changes: Change[]
  /** What the writes had seen, when that is less than the group's context. */
  seen: VersionVector | null
}

/** What a group needs to know of the device that writes it. */
export interface GroupScope {
  writer: number
  writers: WriterTable
  deleteWins: boolean
  /** Index of the block it will be. */
  seq: number
  /** What is shown. */
  applied: VersionVector
  /** At least {@link applied}, and what this log's contexts have named before. */
  context: VersionVector
  /** What of a vector counts, as every other device will read it under this context. */
  admit: (vector: VersionVector) => VersionVector
  /** What who has seen so much has seen, with what this device has done again of it. */
  seenWith: (vector: VersionVector) => VersionVector
  time: Timestamp
}

/** A key's new register, and the record it replaces. */
export interface Outcome {
  id: string
  key: Uint8Array
  prior: Stored | null
  register: Register
  shown: Value | null
}

/**
 * Writes that will be one transaction: the group commit. Each is compared with what is shown at its turn, those before it in the
 * group included, and changes of one key are folded into one another.
 */
export class Group {
  readonly scope: GroupScope
  /** By key id. */
  readonly #keys = new Map<string, KeyInGroup>()
  bytes = 0

  readonly #isAtomic: boolean

  /** @param isAtomic - all its writes are one request's, and belong together whatever they cost */
  constructor(scope: GroupScope, isAtomic: boolean) {
    this.scope = scope
    this.#isAtomic = isAtomic
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0
  }

  /** What the key shows with the group's changes so far, and the register behind it. */
  current(id: string, newest: Stored | null): { register: Register; shown: Value | null } {
    const entry = this.#keys.get(id)
    return entry === undefined ? viewOf(newest) : this.#working(entry)
  }

  /**
   * @param id - the key's
   * @param newest - the key's newest record
   * @param asRead - the record the write was made against, when it names a base
   * @returns false when the write does not go with what the group holds: it belongs into the next
   */
  add(id: string, write: Write, newest: Stored | null, asRead: Stored | null): boolean {
    const { key, base } = write
    const entry = this.#keys.get(id)
    if (entry !== undefined && entry.base !== base) return false

    const { applied, context, seenWith } = this.scope
    const isOlder = base !== null && isLower(base.vector, applied)
    const origin = isOlder ? asRead : newest
    const vector = isOlder ? seenWith(base.vector) : applied
    const seen = isLower(vector, context) ? vector : null
    const changes = changesOf(write, entry === undefined ? viewOf(origin) : this.#working(entry))
    if (changes.length === 0) return true
    const cost = changes.reduce(
      (sum, { path, value }) => sum + key.byteLength + path.length + (value?.bytes.byteLength ?? 0) + 16,
      0
    )
    // What may turn out too large for one transaction must not take others along.
    if (!this.#isAtomic && !this.isEmpty && this.bytes + cost > 2 * GROUP_BYTES) return false
    // Changes of one write never overlap one another.
    const all = entry === undefined ? changes : [...entry.changes]
    if (entry !== undefined) for (const change of changes) if (!fold(all, change)) return false
    this.#keys.set(id, { key, prior: newest, origin, base, changes: all, seen })
    this.bytes += cost
    return true
  }

  /** The transaction, ready to be encoded. */
  draft(): Draft {
    const operations: Operation[] = []
    for (const { key, changes, seen } of this.#keys.values())
      for (const { path, value } of changes) operations.push({ key, path, value, seen })
    return { ...this.scope.time, context: this.scope.context, again: null, membership: [], operations }
  }

  /** What each key becomes. Dots count operations in the order of {@link draft}. */
  outcomes(): Outcome[] {
    let index = 0
    return Array.from(this.#keys, ([id, entry]) => {
      const { key, prior } = entry
      const register = this.#apply(entry, prior, index)
      index += entry.changes.length
      return { id, key, prior, register, shown: shownValue(register, this.scope.writers) }
    })
  }

  /** What the writes of a key see: the record they were made against, with those before them. */
  #working(entry: KeyInGroup): { register: Register; shown: Value | null } {
    const register = this.#apply(entry, entry.origin, 0)
    return { register, shown: shownValue(register, this.scope.writers) }
  }

  #apply({ key, changes, seen }: KeyInGroup, onto: Stored | null, firstIndex: number): Register {
    const { writer, seq, time, context, admit, deleteWins } = this.scope
    const counted = admit(seen ?? context)
    const operations = changes.map(({ path, value }, i) => ({
      operation: { key, path, value, seen },
      dot: { writer, seq, index: firstIndex + i, ms: time.ms, counter: time.counter },
      seen: counted
    }))
    return applyOperations(onto?.register ?? EMPTY_REGISTER, operations, deleteWins)
  }
}

function isLower(vector: VersionVector, than: VersionVector): boolean {
  return than.some((length, writer) => lengthAt(vector, writer) < length)
}

function changesOf(
  { intent }: Write,
  { register, shown }: { register: Register; shown: Value | null }
): Change[] {
  if (intent.type === 'put') return diff(register, shown, intent.value)
  if (intent.type === 'resolve') return [{ path: intent.path, value: intent.value }]
  return shown === null ? [] : [{ path: ROOT, value: null }]
}

function viewOf(stored: Stored | null): { register: Register; shown: Value | null } {
  return { register: stored?.register ?? EMPTY_REGISTER, shown: stored?.shown ?? null }
}
