import b4a from 'b4a'
import type { MembershipRecord, Transaction } from '../merge/transaction.ts'
import { lengthAt } from '../merge/version-vector.ts'

/** Logs that are followed because somebody named them: twice the members there can be. */
export const MAX_NAMED: number = 1024

/** A transaction with membership records, without its operations. */
export interface Control {
  seq: number
  /** In blocks. */
  length: number
  /** What its context adds to that of the one before it in the same log. */
  raises: readonly (readonly [writer: number, length: number])[]
  membership: readonly MembershipRecord[]
}

/** Those of one log, in order. */
interface LogControls {
  list: Control[]
  /** Of the last one, its own entry apart. */
  context: number[]
}

/** All transactions with membership records that were read. Memory: a few times their bytes in the logs, however long contexts are. */
export class Controls {
  readonly #logs = new Map<number, LogControls>()
  readonly #named = new Map<string, Uint8Array>()
  #records = 0

  /** @param entries - as {@link entries} gave them */
  constructor(entries: Iterable<readonly [writer: number, list: readonly Control[]]> = []) {
    for (const [writer, list] of entries) {
      const context: number[] = []
      for (const { raises } of list) raiseAll(context, raises)
      this.#logs.set(writer, { list: [...list], context })
      for (const { membership } of list) this.#note(membership)
    }
  }

  /** Membership records in all of them. */
  get records(): number {
    return this.#records
  }

  /** Whether the transaction was added. Those of one log come in order. */
  has({ writer, seq }: Pick<Transaction, 'writer' | 'seq'>): boolean {
    return seq <= (this.#logs.get(writer)?.list.at(-1)?.seq ?? -1)
  }

  /** Adds a transaction, unless it was or has no membership records. */
  add(transaction: Transaction): void {
    const { writer, seq, length, membership, context } = transaction
    if (membership.length === 0 || this.has(transaction)) return
    const log = this.#logs.get(writer) ?? { list: [], context: [] }
    const raises: [number, number][] = []
    for (let other = 0; other < context.length; other++) {
      if (other !== writer && lengthAt(context, other) > lengthAt(log.context, other))
        raises.push([other, lengthAt(context, other)])
    }
    raiseAll(log.context, raises)
    log.list.push({ seq, length, raises, membership })
    this.#logs.set(writer, log)
    this.#note(membership)
  }

  /** Those of one writer, in order. */
  of(writer: number): readonly Control[] {
    return this.#logs.get(writer)?.list ?? []
  }

  /** Keys that records let in, whether they count or not: what their logs say may change that. At most {@link MAX_NAMED}. */
  get named(): Iterable<Uint8Array> {
    return this.#named.values()
  }

  #note(membership: readonly MembershipRecord[]): void {
    this.#records += membership.length
    for (const record of membership) {
      if (this.#named.size >= MAX_NAMED) return
      if (record.type === 'add' || record.type === 'admit')
        this.#named.set(b4a.toString(record.writer, 'hex'), record.writer)
    }
  }

  /** How many blocks of a writer's log there must be for all of them. */
  reach(writer: number): number {
    let blocks = 0
    for (const [author, { list, context }] of this.#logs) {
      const named = author === writer ? (list.at(-1)?.seq ?? -1) + 1 : lengthAt(context, writer)
      blocks = Math.max(blocks, named)
    }
    return blocks
  }

  /** By writer, in order. */
  entries(): Iterable<readonly [writer: number, list: readonly Control[]]> {
    return [...this.#logs].map(([writer, { list }]) => [writer, list] as const)
  }
}

/** The controls of one log, one after the other. */
export class ControlCursor {
  readonly #writer: number
  readonly #list: readonly Control[]
  readonly #context: number[] = []
  #place = 0

  constructor(writer: number, list: readonly Control[]) {
    this.#writer = writer
    this.#list = list
    this.#enter()
  }

  /** The next one, until {@link advance}; `null` at the end. */
  get next(): Transaction | null {
    const control = this.#list[this.#place]
    if (control === undefined) return null
    const { seq, length, membership } = control
    return {
      writer: this.#writer,
      seq,
      length,
      membership,
      context: this.#context,
      again: null,
      operations: [],
      ms: 0,
      counter: 0
    }
  }

  advance(): void {
    this.#place++
    this.#enter()
  }

  #enter(): void {
    const control = this.#list[this.#place]
    if (control !== undefined) raiseAll(this.#context, [...control.raises, [this.#writer, control.seq]])
  }
}

function raiseAll(context: number[], raises: Control['raises']): void {
  for (const [writer, length] of raises) {
    while (context.length <= writer) context.push(0)
    context[writer] = length
  }
}
