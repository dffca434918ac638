import { MultiBeeError } from '../errors.ts'
import { encodeTransaction, type Draft, type Encoded } from '../log/encode.ts'
import type { LogState } from '../log/log-state.ts'
import type { Membership } from '../membership/membership.ts'
import type { HybridClock } from '../merge/hybrid-clock.ts'
import type { Transaction } from '../merge/transaction.ts'
import { raise, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import type { Stored } from '../view/record.ts'
import type { View } from '../view/view.ts'
import { Group, GROUP_BYTES, type Outcome } from './group.ts'
import type { Repetitions } from './repetitions.ts'
import type { Compare, LocalRequest, Write, WriteRequest } from './requests.ts'
import { keyId } from '../view/key-id.ts'

/** Requests one turn takes. */
const TURN_REQUESTS = 4096

/** A request with its caller waiting. */
export interface Waiting {
  request: LocalRequest
  resolve: () => void
  reject: (error: unknown) => void
}

/** The device's own state at the start of a turn. */
export interface TurnScope {
  writer: number
  writers: WriterTable
  deleteWins: boolean
  seq: number
  state: LogState
  applied: VersionVector
  membership: Membership
  repetitions: Repetitions
  version: number
  clock: HybridClock
}

/** One transaction that is ready to be appended. */
export interface Sealed {
  transaction: Transaction
  blocks: Uint8Array[]
  state: LogState
  outcomes: Outcome[]
}

/** What one turn makes of the requests it took. */
export interface Turn {
  sealed: Sealed[]
  /** To be resolved once everything sealed has been appended. */
  done: Waiting[]
  /** To be rejected whatever comes of the rest. */
  refused: { waiting: Waiting; error: unknown }[]
}

/** Takes the requests of one turn off the queue: writes, or one change of membership. */
export function takeTurn(queue: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  for (; count < queue.length && count < TURN_REQUESTS && bytes < GROUP_BYTES; count++) {
    const request = queue[count]?.request
    if (request?.type === 'membership') return queue.splice(0, Math.max(1, count))
    bytes += sizeOf(request)
  }
  return queue.splice(0, count)
}

/** Turns requests, in order, into as few transactions as their rules allow. Reads the view, changes nothing. */
export async function prepareTurn(taken: readonly Waiting[], view: View, scope: TurnScope): Promise<Turn> {
  const turn = new TurnInProgress(scope, view, await loadNewest(taken, view))
  for (const waiting of taken) {
    try {
      await turn.take(waiting)
    } catch (error) {
      turn.refused.push({ waiting, error })
    }
  }
  turn.seal()
  return turn
}

class TurnInProgress implements Turn {
  readonly sealed: Sealed[] = []
  readonly done: Waiting[] = []
  readonly refused: Turn['refused'] = []
  readonly #scope: TurnScope
  readonly #view: View
  /** By key id: records as the sealed transactions of this turn leave them. */
  readonly #newest: Map<string, Stored | null>
  #seq: number
  #state: LogState
  #group: Group | null = null
  /** Whose writes the transaction in progress holds. */
  #sharing: Waiting[] = []

  /** @param newest - records of all keys that will be written, by key id; taken over */
  constructor(scope: TurnScope, view: View, newest: Map<string, Stored | null>) {
    this.#scope = scope
    this.#view = view
    this.#newest = newest
    this.#seq = scope.seq
    this.#state = scope.state
  }

  async take(waiting: Waiting): Promise<void> {
    const { request } = waiting
    if (request.type === 'write' && !request.atomic) {
      for (const write of request.writes) await this.#takeWrite(waiting, write)
      return
    }
    this.seal()
    if (request.type === 'write') await this.#takeAtomic(request)
    else
      this.#push(
        {
          ...this.#scope.clock.tick(),
          context: this.#vectors().context,
          again: request.again ?? null,
          membership: request.records,
          operations: []
        },
        []
      )
    this.done.push(waiting)
  }

  /** Ends the transaction in progress. If it cannot be written, none of those who share it is done. */
  seal(): void {
    const [group, sharing] = [this.#group, this.#sharing]
    this.#group = null
    this.#sharing = []
    try {
      if (group !== null && !group.isEmpty) this.#push(group.draft(), group.outcomes())
      this.done.push(...sharing)
    } catch (error) {
      for (const waiting of sharing) this.refused.push({ waiting, error })
    }
  }

  async #takeAtomic({ writes, again = null }: WriteRequest): Promise<void> {
    const group = this.#newGroup(true)
    for (const write of writes) {
      const id = keyId(write.key)
      const newest = this.#newest.get(id) ?? null
      if (write.compare !== null && (await this.#isRefused(id, write.compare, newest, group))) continue
      if (!group.add(id, write, newest, await asRead(write, newest, this.#view))) throw overlap()
    }
    if (!group.isEmpty) this.#push({ ...group.draft(), again }, group.outcomes())
  }

  async #takeWrite(waiting: Waiting, write: Write): Promise<void> {
    const id = keyId(write.key)
    const newest = this.#newest.get(id) ?? null
    if (write.compare === null || !(await this.#isRefused(id, write.compare, newest, this.#open()))) {
      const read = await asRead(write, newest, this.#view)
      if (!this.#open().add(id, write, newest, read)) {
        this.seal()
        if (!this.#open().add(id, write, this.#newest.get(id) ?? null, read)) throw overlap()
      }
    }
    this.#sharing.push(waiting)
    if (this.#open().bytes >= GROUP_BYTES) this.seal()
  }

  /** Whether the write's own comparison says no. */
  async #isRefused(id: string, compare: Compare, newest: Stored | null, group: Group): Promise<boolean> {
    const { shown } = group.current(id, newest)
    const nextVersion = this.#scope.version + this.sealed.length + 1
    const previous =
      shown === null
        ? null
        : { version: newest?.shown === shown ? newest.version : nextVersion, value: shown }
    return !(await compare(previous, nextVersion))
  }

  /** The transaction in progress. */
  #open(): Group {
    this.#group ??= this.#newGroup(false)
    return this.#group
  }

  #newGroup(isAtomic: boolean): Group {
    const { writer, writers, deleteWins, membership, repetitions, clock } = this.#scope
    const { applied, context } = this.#vectors()
    const admit = (vector: VersionVector): VersionVector => membership.admitted(vector, { writer, context })
    const time = clock.tick()
    const seenWith = (vector: VersionVector): VersionVector => repetitions.seenWith(vector)
    return new Group(
      { writer, writers, deleteWins, seq: this.#seq, applied, context, admit, seenWith, time },
      isAtomic
    )
  }

  /**
   * What is applied, and the context that says so. The context never falls below the one before it, also when operations were taken
   * back, and covers what the membership rests on.
   */
  #vectors(): { applied: VersionVector; context: VersionVector } {
    const applied = withLength(this.#scope.applied, this.#scope.writer, this.#seq)
    const context = applied.slice()
    raise(context, this.#state.context)
    raise(context, this.#scope.membership.takenBack(this.#scope.applied))
    return { applied, context }
  }

  #push(draft: Draft, outcomes: Outcome[]): void {
    const encoded: Encoded | null = encodeTransaction(draft, this.#state, this.#scope.writers)
    if (encoded === null)
      throw new MultiBeeError(
        'MULTI_BEE_TOO_LARGE',
        'a transaction holds at most 64 MiB and a million changes (split it), and a log 2,048 changes of membership'
      )
    const { blocks, state } = encoded
    const transaction: Transaction = {
      ...draft,
      writer: this.#scope.writer,
      seq: this.#seq,
      length: blocks.length
    }
    this.sealed.push({ transaction, blocks, state, outcomes })
    const version = this.#scope.version + this.sealed.length
    for (const { id, register, shown } of outcomes) this.#newest.set(id, { version, register, shown })
    this.#seq += blocks.length
    this.#state = state
  }
}

function overlap(): MultiBeeError {
  return new MultiBeeError(
    'MULTI_BEE_BAD_ARGUMENT',
    'these writes overlap in a way that one transaction cannot hold'
  )
}

async function loadNewest(taken: readonly Waiting[], view: View): Promise<Map<string, Stored | null>> {
  const keys = new Map<string, Uint8Array>()
  for (const { request } of taken) {
    if (request.type === 'write') for (const { key } of request.writes) keys.set(keyId(key), key)
  }
  const stored = await view.load([...keys.values()])
  return new Map([...keys.keys()].map((id, i) => [id, stored[i] ?? null]))
}

/** The record a write was made against. Read from the store only when the key has changed since. */
function asRead(
  { key, base }: Write,
  newest: Stored | null,
  view: View
): Stored | null | Promise<Stored | null> {
  return base === null || newest === null || newest.version <= base.version
    ? newest
    : view.recordAt(key, base.version)
}

function sizeOf(request: LocalRequest | undefined): number {
  if (request?.type !== 'write') return 0
  return request.writes.reduce(
    (sum, { key, intent }) =>
      sum + key.byteLength + (intent.type === 'del' ? 0 : (intent.value?.bytes.byteLength ?? 0)),
    0
  )
}
