import b4a from 'b4a'
import type { ForkedWriter, Genesis, Transaction } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { cut, has, isSameMember, newMember, type Admission, type Member } from './member.ts'

/** Most devices a database can ever have had; a log cannot name more (`MAX_WRITERS_PER_LOG`). An `add` beyond does nothing. */
export const MAX_MEMBERS: number = 512

/**
 * Who may write, and how far. Members stand in order of joining; removed ones stay, with their cut-off.
 * Immutable: a change makes a new one.
 */
export class Membership {
  readonly members: readonly Member[]
  readonly genesis: Genesis | null
  /** Covers every transaction that made it what it is. */
  readonly walked: VersionVector
  /** By key, in hex, of a writer that is no member: transactions that admit it. Shared by all steps of one walk. */
  readonly admits: ReadonlyMap<string, readonly Admission[]>
  /** Those that are known, of each writer the one that cuts lowest. */
  readonly forks: readonly ForkedWriter[]
  readonly #places: ReadonlyMap<number, number>

  /** @param before - a membership it may share members with */
  constructor(
    members: readonly Member[],
    genesis: Genesis | null,
    walked: VersionVector,
    admits: ReadonlyMap<string, readonly Admission[]>,
    before: Membership | null = null,
    forks: readonly ForkedWriter[] = []
  ) {
    this.members = members
    this.genesis = genesis
    this.walked = walked
    this.admits = admits
    this.forks = forks
    this.#places = isSameOrder(before, members)
      ? before.#places
      : new Map(members.map((member, place) => [member.writer, place]))
  }

  /** The state in which every walk starts. */
  static first(
    writer: number,
    fork: ForkedWriter | undefined,
    admits: ReadonlyMap<string, readonly Admission[]> = new Map()
  ): Membership {
    return new Membership([cut(newMember(writer, ''), fork)], null, [], admits)
  }

  get(writer: number): Member | undefined {
    const place = this.#places.get(writer)
    return place === undefined ? undefined : this.members[place]
  }

  /**
   * What a context should cover to know all that a cut-off has taken back and that still made this membership, such as the `add` of a
   * writer by one who was removed since. Not where that would make others wait for what may never be applied.
   */
  takenBack(applied: VersionVector): VersionVector {
    return this.walked.map((length, writer) => {
      const limit = this.limitOf(writer)
      return length > limit && lengthAt(applied, writer) >= limit ? length : 0
    })
  }

  /**
   * Whether everything that was applied under the other membership is applied under this one too, and means the same: this one only
   * lets more in.
   */
  extends(other: Membership): boolean {
    const isKept = (before: Member): boolean => {
      const now = this.get(before.writer)
      if (now === undefined || now.cutOff?.length !== before.cutOff?.length) return false
      return before.admissions.every((admission) => has(now, admission))
    }
    // What has been applied never waited for an `add` past a cut-off, and may yet come to know a writer by it.
    // But an `admit` may have been applied before the writer it names was a member.
    const isHarmless = (admission: Admission, before: Member | undefined): boolean =>
      (before !== undefined && has(before, admission)) ||
      (admission.seq < this.limitOf(admission.writer) && !isKnown(other.admits, admission))
    return (
      other.members.every(isKept) &&
      this.members.every(({ writer, admissions }) =>
        admissions.every((admission) => isHarmless(admission, other.get(writer)))
      )
    )
  }

  /** Whether the writer may write now. */
  isActive(writer: number): boolean {
    return this.get(writer)?.cutOff === null
  }

  /** Up to which seq the writer's transactions count; 0 for a stranger. */
  limitOf(writer: number): number {
    const member = this.get(writer)
    if (member === undefined) return 0
    return member.cutOff === null ? Infinity : member.cutOff.length
  }

  /** Whether a transaction's author may be heard at that place, and all it has seen that counts is there. */
  isReady(transaction: Transaction, has: (writer: number) => number): boolean {
    return transaction.seq < this.limitOf(transaction.writer) && this.#hasSeen(transaction, has)
  }

  /** Whether a transaction of a stranger lets its author in: it succeeds a member that was not removed, and all it has seen is there. */
  isSuccession(transaction: Transaction, has: (writer: number) => number, writers: WriterTable): boolean {
    const previous = this.get(previousOf(transaction, writers))
    return previous !== undefined && !previous.removed && this.#hasSeen(transaction, has)
  }

  #hasSeen(transaction: Transaction, has: (writer: number) => number): boolean {
    const { writer: author, context } = transaction
    const isMissing = (writer: number): boolean =>
      writer !== author && Math.min(lengthAt(context, writer), this.limitOf(writer)) > has(writer)
    if (!context.some((_, writer) => isMissing(writer))) return true
    const known = this.#knownTo(transaction)
    return !context.some((_, writer) => isMissing(writer) && known.has(writer))
  }

  /**
   * A context, or what an operation has seen, without entries for writers that the transaction's context does not know: MERGE.md,
   * "Words". The vector itself when it knows all, which is the rule.
   */
  admitted(vector: VersionVector, transaction: Pick<Transaction, 'writer' | 'context'>): VersionVector {
    const known = this.#knownTo(transaction)
    let result = vector
    for (let writer = 0; writer < vector.length; writer++) {
      if (lengthAt(vector, writer) > 0 && !known.has(writer)) result = withLength(result, writer, 0)
    }
    return result
  }

  #knownTo({ writer: author, context }: Pick<Transaction, 'writer' | 'context'>): Set<number> {
    const known = new Set([author])
    const [first] = this.members
    if (first !== undefined) known.add(first.writer)
    for (let size = 0; size < known.size;) {
      size = known.size
      for (const { writer, admissions } of this.members) {
        if (
          !known.has(writer) &&
          admissions.some((add) => known.has(add.writer) && add.seq < lengthAt(context, add.writer))
        )
          known.add(writer)
      }
    }
    return known
  }

  /** Whether both were made by the same transactions in the same order, as far as that can be told from outside. */
  isSame(other: Membership): boolean {
    return (
      isSameForks(this.forks, other.forks) &&
      this.extends(other) &&
      other.extends(this) &&
      this.members.every((member, place) => isSameMember(member, other.members[place])) &&
      this.walked.every((length, writer) => length === lengthAt(other.walked, writer))
    )
  }

  /** Negative when the author of `a` ranks better than that of `b`; both are ready. */
  compareRank(a: Transaction, b: Transaction, writers: WriterTable): number {
    const [left, right] = [this.#rankOf(a, writers), this.#rankOf(b, writers)]
    return (
      left.line - right.line ||
      left.place - right.place ||
      b4a.compare(writers.keyOf(a.writer), writers.keyOf(b.writer))
    )
  }

  /** Smaller goes first: by line, and inside a line by place of joining. */
  #rankOf(transaction: Transaction, writers: WriterTable): { line: number; place: number } {
    const { writer } = transaction
    const isMember = this.get(writer) !== undefined
    const root = this.rootOf(isMember ? writer : previousOf(transaction, writers))
    const owner = this.genesis?.ownerKey
    const isOwners = owner != null && this.rootOf(writers.find(owner)) === root
    return {
      line: isOwners ? -1 : this.#placeOf(root),
      place: isMember ? this.#placeOf(writer) : this.members.length
    }
  }

  /** The member a line goes back to; the writer itself when it is a stranger. */
  rootOf(writer: number): number {
    let root = writer
    for (let previous = this.get(root)?.previous; previous != null; previous = this.get(root)?.previous)
      root = previous
    return root
  }

  #placeOf(writer: number): number {
    return this.#places.get(writer) ?? -1
  }

  /** The members of a writer's line: all logs that one device has written, as far as successions tell. */
  lineOf(writer: number): Member[] {
    const root = this.rootOf(writer)
    return this.members.filter((member) => this.rootOf(member.writer) === root)
  }

  /** The same at the end of a walk that was done with these forks. */
  knowing(forks: readonly ForkedWriter[]): Membership {
    return forks.length === 0
      ? this
      : new Membership(this.members, this.genesis, this.walked, this.admits, this, forks)
  }
}

/** A writer's key as what a Map can look up, for those that have no number. */
export function hexOf(key: Uint8Array): string {
  return b4a.toString(key, 'hex')
}

/** Whether members stand in the places they had, whatever has changed of them. */
function isSameOrder(before: Membership | null, members: readonly Member[]): before is Membership {
  return (
    before !== null &&
    before.members.length === members.length &&
    before.members.at(-1)?.writer === members.at(-1)?.writer
  )
}

function isKnown(admits: Membership['admits'], { writer, seq }: Admission): boolean {
  for (const admissions of admits.values())
    if (admissions.some((other) => other.writer === writer && other.seq === seq)) return true
  return false
}

/** The writer that a transaction says its author succeeds; -1 when it says nothing of that kind. */
function previousOf({ membership: [record] }: Transaction, writers: WriterTable): number {
  return record?.type === 'succeed' ? writers.find(record.previous) : -1
}

function isSameForks(a: readonly ForkedWriter[], b: readonly ForkedWriter[]): boolean {
  const lengths = new Map(b.map(({ writer, cutOff }) => [hexOf(writer), cutOff.length]))
  return (
    a.length === b.length && a.every(({ writer, cutOff }) => lengths.get(hexOf(writer)) === cutOff.length)
  )
}
