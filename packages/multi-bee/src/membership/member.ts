import type { CutOff, ForkedWriter } from '../merge/transaction.ts'

export interface Member {
  /** Local number. */
  writer: number
  name: string
  /** What still counts of a removed or forked writer; `null` while it may write. */
  cutOff: CutOff | null
  /** Whether it was removed; a cut-off can also come from a fork alone, and then it may be succeeded. */
  removed: boolean
  /** Blocks on which all copies of its log agree, when a fork of it is known. */
  forkedAt: number | null
  /** Local number of the writer it succeeds. */
  previous: number | null
  /** Transactions by which contexts may name it; none for the first writer. */
  admissions: readonly Admission[]
}

/** A walked transaction that added or admitted a writer. */
export interface Admission {
  writer: number
  seq: number
}

/** Whether two are the same, their names and what they have let in apart. */
export function isSameMember(a: Member, b: Member | undefined): boolean {
  return (
    a.writer === b?.writer &&
    a.removed === b.removed &&
    a.forkedAt === b.forkedAt &&
    a.previous === b.previous
  )
}

/** Whether the transaction admits the member. */
export function has({ admissions }: Member, { writer, seq }: Admission): boolean {
  return admissions.some((admission) => admission.writer === writer && admission.seq === seq)
}

export function removed(member: Member, cutOff: CutOff): Member {
  const { cutOff: now } = member
  if (member.removed && now !== null && now.length <= cutOff.length) return member
  return { ...member, cutOff: lowest(now, cutOff), removed: true }
}

function forked(member: Member, cutOff: CutOff): Member {
  if (member.forkedAt !== null && member.forkedAt <= cutOff.length) return member
  return { ...member, cutOff: lowest(member.cutOff, cutOff), forkedAt: cutOff.length }
}

/** @param fork - known before the member joined */
export function cut(member: Member, fork: ForkedWriter | undefined): Member {
  return fork === undefined ? member : forked(member, fork.cutOff)
}

export function lowest(a: CutOff | null, b: CutOff): CutOff {
  return a !== null && a.length <= b.length ? a : b
}

export function newMember(writer: number, name: string): Member {
  return { writer, name, cutOff: null, removed: false, forkedAt: null, previous: null, admissions: [] }
}
