import type { CutOff, ForkedWriter, Genesis, MembershipRecord, Transaction } from '../merge/transaction.ts'
import { raise, withLength } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { cut, lowest, newMember, removed, type Admission, type Member } from './member.ts'
import { hexOf, MAX_MEMBERS, Membership } from './membership.ts'

/** What stands above the steps of a walk. */
export interface WalkScope {
  writers: WriterTable
  /** Writer of the database's first log: only its first transaction founds the database. */
  first: number
  /** Cut-offs of forked writers, by key in hex; known from the start. */
  cuts: Map<string, ForkedWriter>
  /** By key in hex of a writer that is no member: what a removal leaves of it should it join. Filled on the way. */
  removals: Map<string, CutOff>
  /** Filled on the way: see {@link Membership.admits}. */
  admits: Map<string, readonly Admission[]>
}

/** The membership after the records of one transaction. */
export function afterTransaction(
  membership: Membership,
  transaction: Transaction,
  scope: WalkScope
): Membership {
  const { writer, seq, length } = transaction
  const walked = membership.walked.slice()
  raise(walked, withLength([], writer, seq + length))
  const { members, genesis, admits } = membership
  const step = new WalkStep(
    new Membership(members, genesis, walked, admits, membership),
    { writer, seq },
    scope
  )
  for (const record of transaction.membership) step.take(record)
  return step.membership
}

/** One transaction of a walk, record by record. */
class WalkStep {
  membership: Membership
  readonly #author: Admission
  readonly #scope: WalkScope

  constructor(membership: Membership, author: Admission, scope: WalkScope) {
    this.membership = membership
    this.#author = author
    this.#scope = scope
  }

  take(record: MembershipRecord): void {
    const { writer, seq } = this.#author
    if (record.type === 'genesis' && writer === this.#scope.first && seq === 0) this.#found(record)
    else if (record.type === 'add') this.#add(record.writer, record.name)
    else if (record.type === 'admit') this.#admit(record.writer)
    else if (record.type === 'succeed') this.#succeed(record.previous)
    else if (record.type === 'remove') this.#remove(record.writer, record.cutOff)
    // The cut-off of a fork stood from the start.
  }

  #found(genesis: Genesis): void {
    const { members, genesis: known, walked, admits } = this.membership
    const [first, ...others] = members
    if (first === undefined || known !== null) return
    const named = [{ ...first, name: genesis.name }, ...others]
    this.membership = new Membership(named, genesis, walked, admits, this.membership)
  }

  #add(key: Uint8Array, name: string): void {
    const { writers } = this.#scope
    const isFull = this.membership.members.length >= MAX_MEMBERS
    // A key that can never be a member's gets no number: there may be any number of them.
    if (isFull && writers.find(key) === -1) return
    const writer = writers.idOf(key)
    const isIn = this.membership.get(writer) !== undefined
    if (!isIn && isFull) return
    if (!isIn) this.#join(writer, name, null)
    this.#admit(key)
  }

  #join(writer: number, name: string, previous: number | null): void {
    const { writers, removals, cuts } = this.#scope
    const id = hexOf(writers.keyOf(writer))
    const removal = removals.get(id)
    const admissions = this.membership.admits.get(id) ?? []
    const member = cut({ ...newMember(writer, name), previous, admissions }, cuts.get(id))
    const joined = removal === undefined ? member : removed(member, removal)
    this.#replaceMembers([...this.membership.members, joined])
  }

  /** Who has seen a later admission by the same author has seen the first: one is enough. */
  #admit(key: Uint8Array): void {
    const { writers, admits } = this.#scope
    const member = this.membership.get(writers.find(key))
    const known = member?.admissions ?? admits.get(hexOf(key)) ?? []
    if (known.some((other) => other.writer === this.#author.writer)) return
    const admissions = [...known, this.#author]
    if (member === undefined) admits.set(hexOf(key), admissions)
    else this.#change(member, { ...member, admissions })
  }

  #succeed(key: Uint8Array): void {
    const { writer } = this.#author
    const previous = this.#scope.writers.find(key)
    const before = this.membership.get(previous)
    if (before === undefined || before.removed) return
    const member = this.membership.get(writer)
    if (member !== undefined) {
      const mayFollow = member.previous === null && this.membership.rootOf(previous) !== writer
      if (mayFollow) this.#change(member, { ...member, previous })
    } else if (this.membership.members.length < MAX_MEMBERS) this.#join(writer, before.name, previous)
  }

  #remove(key: Uint8Array, cutOff: CutOff): void {
    const { writers, removals } = this.#scope
    const member = this.membership.get(writers.find(key))
    if (member === undefined) removals.set(hexOf(key), lowest(removals.get(hexOf(key)) ?? null, cutOff))
    else this.#change(member, removed(member, cutOff))
  }

  #change(member: Member, changed: Member): void {
    if (member === changed) return
    this.#replaceMembers(this.membership.members.map((other) => (other === member ? changed : other)))
  }

  #replaceMembers(members: readonly Member[]): void {
    const { genesis, walked, admits } = this.membership
    this.membership = new Membership(members, genesis, walked, admits, this.membership)
  }
}
