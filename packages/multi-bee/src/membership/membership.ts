import type { CutOff, Genesis, Transaction } from '../merge/transaction.ts'
import { lengthAt, raise, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'

/** Most devices a database can ever have had; a log cannot name more (`MAX_WRITERS_PER_LOG`). An `add` beyond does nothing. */
export const MAX_MEMBERS: number = 512

export interface Member {
  /** Local number. */
  writer: number
  name: string
  /** What still counts of a removed writer; `null` while it is a member. */
  cutOff: CutOff | null
  /** Transactions that let it in; none for the first writer. */
  admissions: readonly Admission[]
}

/** A walked transaction that added a writer. */
interface Admission {
  writer: number
  seq: number
}

/**
 * Who may write, and how far. Members stand in order of joining; removed ones stay, with their cut-off.
 * Immutable: a change makes a new one.
 */
export class Membership {
  readonly members: readonly Member[]
  readonly genesis: Genesis | null
  /** Covers every transaction that made it what it is. */
  readonly walked: VersionVector
  readonly #byWriter: ReadonlyMap<number, Member>

  /** @param before - a membership it may share members with */
  constructor(
    members: readonly Member[],
    genesis: Genesis | null,
    walked: VersionVector,
    before: Membership | null = null
  ) {
    this.members = members
    this.genesis = genesis
    this.walked = walked
    this.#byWriter =
      before?.members === members
        ? before.#byWriter
        : new Map(members.map((member) => [member.writer, member]))
  }

  /** The state in which every walk starts. */
  static first(writer: number): Membership {
    return new Membership([{ writer, name: '', cutOff: null, admissions: [] }], null, [])
  }

  get(writer: number): Member | undefined {
    return this.#byWriter.get(writer)
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
    const isHarmless = (admission: Admission, before: Member | undefined): boolean =>
      (before !== undefined && has(before, admission)) || admission.seq < this.limitOf(admission.writer)
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
    const { writer: author, seq, context } = transaction
    if (seq >= this.limitOf(author)) return false
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
      this.extends(other) &&
      other.extends(this) &&
      this.members.every(({ writer }, place) => other.members[place]?.writer === writer) &&
      this.walked.every((length, writer) => length === lengthAt(other.walked, writer))
    )
  }

  /** Members, the best of them first. */
  *byRank(writers: WriterTable): Generator<number> {
    const ownerKey = this.genesis?.ownerKey
    const owner = ownerKey ? writers.find(ownerKey) : -1
    if (this.#byWriter.has(owner)) yield owner
    for (const { writer } of this.members) if (writer !== owner) yield writer
  }

  /**
   * After the membership records of one transaction.
   *
   * @param isFirst - whether the transaction opens the database's first log: only there a genesis counts
   */
  after(
    { writer: author, seq, length, membership }: Transaction,
    isFirst: boolean,
    writers: WriterTable
  ): Membership {
    let members = this.members
    let genesis = this.genesis
    for (const record of membership) {
      if (record.type === 'genesis') {
        if (!isFirst || genesis !== null) continue
        genesis = record
        members = members.map((member, place) => (place === 0 ? { ...member, name: record.name } : member))
      } else if (record.type === 'add') {
        // A key that can never be a member's gets no number: there may be any number of them.
        if (members.length >= MAX_MEMBERS && writers.find(record.writer) === -1) continue
        members = withAdmission(members, writers.idOf(record.writer), record.name, { writer: author, seq })
      } else {
        members = withCutOff(members, writers.find(record.writer), record.cutOff)
      }
    }
    const walked = this.walked.slice()
    raise(walked, withLength([], author, seq + length))
    return new Membership(members, genesis, walked, this)
  }
}

function has({ admissions }: Member, { writer, seq }: Admission): boolean {
  return admissions.some((admission) => admission.writer === writer && admission.seq === seq)
}

function withAdmission(
  members: readonly Member[],
  writer: number,
  name: string,
  admission: Admission
): readonly Member[] {
  const known = members.some((member) => member.writer === writer)
  if (!known && members.length >= MAX_MEMBERS) return members
  if (!known) return [...members, { writer, name, cutOff: null, admissions: [admission] }]
  // Who has seen a later one of the same author has seen the first.
  const isRepeated = members.some(
    (member) => member.writer === writer && member.admissions.some((add) => add.writer === admission.writer)
  )
  if (isRepeated) return members
  return members.map((member) =>
    member.writer === writer ? { ...member, admissions: [...member.admissions, admission] } : member
  )
}

function withCutOff(members: readonly Member[], writer: number, cutOff: CutOff): readonly Member[] {
  const member = members.find((each) => each.writer === writer)
  if (member === undefined || (member.cutOff !== null && member.cutOff.length <= cutOff.length))
    return members
  return members.map((each) => (each === member ? { ...each, cutOff } : each))
}
