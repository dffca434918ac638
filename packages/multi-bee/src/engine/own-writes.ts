import { MultiBeeError } from '../errors.ts'
import type { Change } from './change.ts'
import { prepareTurn, takeTurn, type Sealed, type Turn, type Waiting } from './committer.ts'
import { appliedLength, currentMembership, deleteWins, noteApplied, noteRead } from './device-state.ts'
import { MAX_TURNS_AHEAD, ownLogOf, type Parts } from './parts.ts'
import { readBeyond } from './read-beyond.ts'
import type { LocalRequest } from './requests.ts'
import { appliedEverywhere, doubtAbout } from './upkeep.ts'
import type { WriterLog } from './writer-log.ts'

/** What this device's user asked for, on its way into the device's own log and the view. One turn at a time. */
export class OwnWrites {
  /** No new log is begun for what still waits. */
  isClosing = false
  readonly #parts: Parts
  readonly #reevaluate: () => Promise<void>
  readonly #queue: Waiting[] = []

  /** @param reevaluate - works membership out anew, and all that follows from it */
  constructor(parts: Parts, reevaluate: () => Promise<void>) {
    this.#parts = parts
    this.#reevaluate = reevaluate
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0
  }

  add(waiting: Waiting): void {
    this.#queue.push(waiting)
  }

  refuseAll(error: unknown): void {
    for (const { reject } of this.#queue.splice(0)) reject(error)
  }

  /** Only after a failure: applies what the log holds and the view does not. @throws when it cannot be applied now */
  async catchUp(): Promise<void> {
    if (!this.#isCaughtUp) await this.#catchUp()
  }

  /**
   * Writes something before anything that waits.
   *
   * @returns false when it is not written, as there is doubt about this device's log: it has to be asked for again
   */
  async write(request: LocalRequest): Promise<boolean> {
    let failure: unknown = null
    const waiting = {
      request,
      resolve: () => {},
      reject: (error: unknown) => void (failure = error)
    }
    const isTaken = await this.#commit([waiting])
    if (failure !== null) throw failure
    return isTaken
  }

  /** What may go before what is about to be installed. */
  async writeAhead(): Promise<void> {
    for (let turns = 0; this.mayGoAhead && turns < MAX_TURNS_AHEAD; turns++) await this.commitTurn()
  }

  /** What this device's user asked for goes first: it was compared with what is shown now. */
  async commitQueue(): Promise<void> {
    for (let turns = 0; this.#queue.length > 0 && turns < MAX_TURNS_AHEAD; turns++) {
      await this.commitTurn()
      if (doubtAbout(this.#parts.state) !== null) return
    }
  }

  async commitTurn(): Promise<void> {
    const taken = takeTurn(this.#queue)
    if (!(await this.#commit(taken))) this.#queue.unshift(...taken)
  }

  /** @returns false when nothing is written of it nor will be, as the log of this device is in doubt: it belongs into the next */
  async #commit(taken: readonly Waiting[]): Promise<boolean> {
    if (this.#isInDoubt) return false
    let isAppended = false
    try {
      if (!this.#parts.state.membership.isActive(this.#parts.state.self) && !isSuccession(taken)) {
        throw new MultiBeeError('MULTI_BEE_NOT_WRITABLE', 'this device is not a writer of the database')
      }
      // Or this would be written at the place of what the log holds already.
      await this.catchUp()
      const turn = await prepareTurn(taken, this.#parts.view, this.#turnScope())
      await this.#append(turn)
      isAppended = true
      const changes = await this.#installTurn(turn)
      for (const { waiting, error } of turn.refused) waiting.reject(error)
      for (const { resolve } of turn.done) resolve()
      this.#parts.announce(changes, true)
    } catch (error) {
      // Nothing was appended to a log that turns out to be old.
      if (!isAppended && this.#isInDoubt) return false
      for (const { reject } of taken) reject(error)
      return true
    }
    await this.#parts.flusher.changed()
    return true
  }

  get #isInDoubt(): boolean {
    return doubtAbout(this.#parts.state) !== null && !this.isClosing
  }

  #turnScope(): Parameters<typeof prepareTurn>[2] {
    const { self, writers, version, membership, repetitions } = this.#parts.state
    const applied = appliedEverywhere(this.#parts.state)
    const { position: seq, state } = ownLogOf(this.#parts.state).cursor
    // Part of the log may have been applied only since it was opened, and readers let no time in a log go back.
    this.#parts.clock.goOnAfter(state)
    return {
      writer: self,
      writers,
      deleteWins: deleteWins(this.#parts.state),
      seq,
      state,
      applied,
      membership,
      repetitions,
      version,
      clock: this.#parts.clock
    }
  }

  async #append({ sealed }: Turn): Promise<void> {
    const blocks = sealed.flatMap((transaction) => transaction.blocks)
    if (blocks.length === 0) return
    try {
      await ownLogOf(this.#parts.state).log.append(blocks)
    } catch (cause) {
      throw new MultiBeeError('MULTI_BEE_STORE_FAILED', 'the write could not be stored', { cause })
    }
  }

  async #installTurn({ sealed }: Turn): Promise<Change[]> {
    const [first] = sealed
    if (first === undefined) return []
    if (first.transaction.membership.length > 0) return this.#installMembership(first)
    const changes: Change[] = []
    for (const { transaction, state, outcomes } of sealed) {
      noteApplied(this.#parts.state, transaction)
      this.#passOwn(transaction.seq + transaction.length, state)
      for (const { key, prior, register, shown } of outcomes) {
        this.#parts.view.install(key, { version: this.#parts.state.version, register, shown }, prior)
        changes.push({ key, register })
      }
    }
    return changes
  }

  /** A membership change of this device's own; it is alone in its turn. */
  async #installMembership({ transaction, state }: Sealed): Promise<Change[]> {
    noteRead(this.#parts.state, transaction)
    const after = currentMembership(this.#parts.state)
    if (!after.extends(this.#parts.state.membership)) {
      await this.#reevaluate()
      return []
    }
    this.#parts.state.membership = after
    // A succession that lets nobody in waits like any other device's.
    if (!after.isActive(this.#parts.state.self)) return []
    noteApplied(this.#parts.state, transaction)
    this.#passOwn(transaction.seq + transaction.length, state)
    await this.#parts.openMembers()
    return []
  }

  #passOwn(position: number, state: WriterLog['state']): void {
    const own = ownLogOf(this.#parts.state)
    own.cursor.skipTo(position, state)
    own.state = state
    own.lastSeen = this.#parts.clock.now()
  }

  /** Applies what this device's own log holds beyond what the view covers. */
  async #catchUp(): Promise<void> {
    while (await readBeyond(this.#parts.state));
    await this.#reevaluate()
    if (this.#isCaughtUp) return
    if ((await ownLogOf(this.#parts.state).cursor.peek()) !== null) {
      const help =
        'what this device wrote builds on operations that a removal has taken back, and waits; see status()'
      throw new MultiBeeError('MULTI_BEE_NOT_WRITABLE', help)
    }
    throw new MultiBeeError('MULTI_BEE_STORE_FAILED', "this device's own log cannot be read to its end")
  }

  /**
   * Whether a turn may go before what is about to be installed. Only writes may: a change of membership would make what was
   * collected, or planned, wrong.
   */
  get mayGoAhead(): boolean {
    return (
      this.#queue[0]?.request.type === 'write' && this.#isCaughtUp && doubtAbout(this.#parts.state) === null
    )
  }

  /** Whether all that this device's own log holds is applied; it may not be after a failure. */
  get #isCaughtUp(): boolean {
    return (
      appliedLength(this.#parts.state, this.#parts.state.self) === ownLogOf(this.#parts.state).log.available
    )
  }
}

/** The one thing a log may hold before its writer is a member. */
function isSuccession([waiting]: readonly Waiting[]): boolean {
  return waiting?.request.type === 'membership' && waiting.request.records[0]?.type === 'succeed'
}
