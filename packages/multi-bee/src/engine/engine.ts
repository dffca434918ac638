import b4a from 'b4a'
import { MultiBeeError } from '../errors.ts'
import { initialLogState } from '../log/log-state.ts'
import type { Doubt, OpLog } from '../log/op-log.ts'
import { HybridClock, type Timestamp } from '../merge/hybrid-clock.ts'
import type { MembershipRecord, Transaction } from '../merge/transaction.ts'
import { lengthAt } from '../merge/version-vector.ts'
import type { Membership } from '../membership/membership.ts'
import type { View } from '../view/view.ts'
import { collectChunk, installChunk, loadTouched } from './apply.ts'
import type { Change } from './change.ts'
import { prepareTurn, takeTurn, type Sealed, type Turn, type Waiting } from './committer.ts'
import {
  appliedLength,
  currentMembership,
  deleteWins,
  mayChangeWalk,
  noteApplied,
  noteRead,
  type DeviceState
} from './device-state.ts'
import { Flusher, later, type Later } from './flusher.ts'
import { readBeyond } from './read-beyond.ts'
import { installPlan, planReevaluation } from './reevaluate.ts'
import { ownTail } from './reissue.ts'
import type { Base, LocalRequest } from './requests.ts'
import { encodeState, initialState, type Origin } from './saved-state.ts'
import { appliedEverywhere, doubtAbout, dueRecords, forkRecord, type Epoch } from './upkeep.ts'
import { decodeViewState, type ViewState } from './view-state.ts'
import { followLog, type WriterLog } from './writer-log.ts'

/** Turns of this device's own writes that may go before what others wrote; then theirs is shown all the same. */
const MAX_TURNS_AHEAD = 64

/** What the engine asks of, and tells, the database around it. */
export interface EngineHost {
  openLog(key: Uint8Array): Promise<OpLog>
  onChanges(changes: readonly Change[], own: boolean): void
  onMembership(before: Membership, after: Membership): void
  onSkew(writer: number, offsetMs: number): void
  /** A new, empty log for this device, to go on in after `previous`. It is this device's own from now on, after a crash too. */
  nextEpoch(previous: OpLog, reason: Doubt, agreed: number | null): Promise<Epoch>
  /** This device goes on in the log of the epoch, and has done all that comes first. */
  onEpoch(epoch: Epoch): Promise<void>
  /** The view is about to be written at this version. */
  onFlush(version: number): Promise<void>
  onFailure(error: unknown): void
}

export interface EngineOptions extends Origin {
  view: View
  now: () => number
  /** @defaultValue the runtime's timers */
  later?: Later
  host: EngineHost
  /** This device's own log. */
  self: OpLog
  /** One that has begun, and is not finished; its `log` is `self`. */
  epoch: Epoch | null
}

/**
 * The one loop through which everything happens: this device's writes go into its log and the view, what others wrote is read from
 * their logs and merged. One step at a time, so that a write is always compared with a settled state.
 * Owns the view and the logs it opens.
 */
export class Engine {
  readonly state: DeviceState
  readonly #view: View
  readonly #host: EngineHost
  readonly #flusher: Flusher
  readonly #queue: Waiting[] = []
  #clock: HybridClock
  /** What this device has to do in a new log of its own before it writes anything else. */
  #epoch: Epoch | null
  /** What the host was last told of. */
  #announced: Membership
  #running: Promise<void> | null = null
  #again = false
  #closing = false
  /** Whether what was there when it was opened has been applied: only then the clock stands after this device's own log. */
  #isOpen = false

  private constructor(options: EngineOptions, saved: ViewState | null) {
    this.#view = options.view
    this.#host = options.host
    this.#clock = new HybridClock(options.now)
    this.state = initialState(options, saved)
    this.#announced = this.state.membership
    this.#epoch = options.epoch
    const source = {
      version: () => this.state.version,
      encodeState: () => encodeState(this.state),
      later: options.later ?? later,
      beforeWrite: (version: number) => this.#host.onFlush(version),
      onFailure: (error: unknown) => this.#host.onFailure(error)
    }
    this.#flusher = new Flusher(options.view, source, saved?.version ?? -1)
  }

  /** Opens view and logs, and applies what the view does not cover yet. Takes over the view, also when it fails. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { view, self, host } = options
    const logs = [self]
    let engine: Engine | null = null
    try {
      const bytes = await view.open()
      const found = bytes === null ? null : decodeViewState(bytes)
      for (const key of found === null ? [] : memberKeys(found))
        if (!b4a.equals(key, self.key)) logs.push(await host.openLog(key))
      const saved = found !== null && logs.some((log) => coversMore(found, log)) ? null : found
      // Rows of another layout would be taken for this one's, and what a log has lost for what it says.
      if (bytes !== null && saved === null) await view.clear()
      const versionFloor = Math.max(options.versionFloor, found?.version ?? 0)
      engine = new Engine({ ...options, versionFloor }, saved)
      engine.state.hasLostTail = found !== null && coversMore(found, self)
      for (const log of logs) engine.#follow(log, saved)
      await engine.#openMembers()
      await (engine.#running = engine.#loop())
      engine.#running = null
      engine.#clock = new HybridClock(options.now, engine.#ownTime())
      engine.#isOpen = true
      engine.kick()
      return engine
    } catch (error) {
      await view.close().catch(() => {})
      for (const { log } of engine?.state.logs.values() ?? []) if (!logs.includes(log)) logs.push(log)
      await Promise.all(logs.map((log) => log.close()))
      throw error
    }
  }

  /** What a read that happens now has seen. */
  get base(): Base {
    return { version: this.state.version, vector: this.state.applied }
  }

  /** Follows a log that is said to succeed another one; whether it counts, its first block decides. */
  async introduce(key: Uint8Array): Promise<void> {
    const { writers, logs } = this.state
    if (this.#closing || logs.has(writers.find(key))) return
    const log = await this.#host.openLog(key)
    if (this.#closing || logs.has(writers.idOf(key))) return log.close()
    this.#follow(log, null)
    this.kick()
  }

  /** Something new may be in a log. */
  kick(): void {
    this.#again = true
    if (this.#running !== null || this.#closing) return
    this.#running = this.#loop()
      .catch((error: unknown) => this.#recover(error))
      .finally(() => {
        this.#running = null
        if (this.#again && !this.#closing) this.kick()
      })
  }

  /** Resolves when what was there when it was called has been applied. */
  async settle(): Promise<void> {
    this.kick()
    while (this.#running !== null) await this.#running
  }

  /**
   * Does what this device's user asked for.
   *
   * @returns once it survives a killed process
   */
  submit(request: LocalRequest): Promise<void> {
    if (this.#closing) return Promise.reject(new MultiBeeError('MULTI_BEE_CLOSED', 'the database is closed'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject })
      this.kick()
    })
  }

  /** Writes everything that is shown to the view's store. */
  async flush(): Promise<void> {
    await this.settle()
    await this.#flusher.flush()
  }

  /** Finishes what was asked for, writes the view, and closes what it owns. A view that cannot be written is a failure the host hears of. */
  async close(): Promise<void> {
    this.#closing = true
    while (this.#running !== null) await this.#running.catch(() => {})
    while (this.#queue.length > 0) {
      await this.#keepUp().catch((error: unknown) => this.#refuseAll(error))
      await this.#commitTurn()
    }
    await this.#flusher.stop()
    try {
      await this.#flusher.flush()
      await this.#view.settle()
    } catch (error) {
      // Nothing is lost: the next open reads from the logs what the view lacks.
      this.#host.onFailure(error)
    } finally {
      await this.#view.close()
      await Promise.all([...this.state.logs.values()].map(({ log }) => log.close()))
    }
  }

  async #loop(): Promise<void> {
    while (!this.#closing) {
      this.#again = false
      if (await this.#keepUp()) continue
      await this.#commitQueue()
      const moved =
        (await this.#applyNext()) ||
        (await readBeyond(this.state, !this.#isOpen)) ||
        (await this.#walkAgain())
      if (!moved) this.#reportUnreadable()
      if (!moved && this.#queue.length === 0 && !this.#again) return
    }
  }

  /** After a failure: what was read but not applied is read again with the next kick. */
  #recover(error: unknown): void {
    if (this.#closing) return
    this.#again = false
    const { logs, writers } = this.state
    for (const [writer, { log, state, lastSeen, held, skewMs, isReported }] of logs) {
      logs.set(writer, {
        ...followLog(log, writers, appliedLength(this.state, writer), state, lastSeen),
        held,
        skewMs,
        isReported
      })
    }
    this.#refuseAll(error)
    this.#host.onFailure(error)
  }

  #refuseAll(error: unknown): void {
    for (const { reject } of this.#queue.splice(0)) reject(error)
  }

  /** @returns whether there was anything to apply */
  async #applyNext(): Promise<boolean> {
    const chunk = await collectChunk(this.state)
    if (chunk === null) {
      // All that is here of removals first, so that they cost one look at the logs and not one each.
      while (await readBeyond(this.state)) await this.#writeAhead()
      await this.#updateMembership()
      return true
    }
    if (chunk.transactions.length === 0) return false
    let touched = await loadTouched(chunk, this.#view)
    for (let turns = 0; this.#mayWriteAhead() && turns < MAX_TURNS_AHEAD; turns++) {
      await this.#commitTurn()
      // What was loaded may be out of date, and in the view's store by now.
      touched = await loadTouched(chunk, this.#view)
    }
    const changes = installChunk(chunk, touched, this.#view, this.state)
    this.#noteReceived(chunk.transactions)
    await this.#openMembers()
    this.#announce(changes, false)
    await this.#flusher.changed()
    return true
  }

  /**
   * What has to be done before this device writes anything else: go on in another log, or say what it owes the others.
   *
   * @returns whether there was anything
   */
  async #keepUp(): Promise<boolean> {
    if (!this.#isOpen) return false
    const doubt = doubtAbout(this.state)
    if (doubt !== null && this.#epoch === null) {
      this.#epoch = await this.#host.nextEpoch(this.#ownLog.log, doubt.reason, doubt.agreed)
      this.#follow(this.#epoch.log, null)
    }
    if (this.#epoch !== null) return this.#enter(this.#epoch)
    const records = await dueRecords(this.state)
    if (records.length === 0) return false
    await this.#write({ type: 'membership', records })
    return true
  }

  /**
   * Goes on in a new log: opens it with a succession, and does again what only a forked one held. Every step can be taken twice.
   *
   * @returns whether anything was done: a device that was never let in cannot be succeeded
   */
  async #enter(epoch: Epoch): Promise<boolean> {
    const { state } = this
    const { log, succession, reason, agreed } = epoch
    const previous = state.writers.idOf(succession.previous)
    const member = state.membership.get(previous)
    if (member === undefined) return false
    state.self = state.writers.idOf(log.key)
    state.hasLostTail = false
    state.logs.get(previous)?.log.retire()
    if (log.available === 0 && !member.removed) {
      const records: MembershipRecord[] = [succession]
      if (agreed !== null) records.push(await forkRecord(state, previous, agreed))
      await this.#write({ type: 'membership', records })
    }
    // A removal that was not known yet may go before the succession.
    if (reason === 'forked' && state.membership.isActive(state.self)) {
      for await (const request of ownTail(state, previous, agreed)) await this.#write(request)
    }
    await this.#host.onEpoch(epoch)
    this.#epoch = null
    return true
  }

  /** The time after which this device's next write must be: that of its own log and of those it goes on from. */
  #ownTime(): Timestamp {
    const { logs, membership, self, writers } = this.state
    const line = membership.lineOf(
      this.#epoch === null ? self : writers.idOf(this.#epoch.succession.previous)
    )
    return [self, ...line.map(({ writer }) => writer)]
      .map((writer): Timestamp => logs.get(writer)?.state ?? { ms: 0, counter: 0 })
      .reduce((latest, time) =>
        time.ms > latest.ms || (time.ms === latest.ms && time.counter > latest.counter) ? time : latest
      )
  }

  /** Writes something before anything that waits. */
  async #write(request: LocalRequest): Promise<void> {
    let failure: unknown = null
    const waiting = {
      request,
      resolve: () => {},
      reject: (error: unknown) => void (failure = error)
    }
    await this.#commit([waiting])
    if (failure !== null) throw failure
  }

  async #writeAhead(): Promise<void> {
    for (let turns = 0; this.#mayWriteAhead() && turns < MAX_TURNS_AHEAD; turns++) await this.#commitTurn()
  }

  /** What this device's user asked for goes first: it was compared with what is shown now. */
  async #commitQueue(): Promise<void> {
    for (let turns = 0; this.#queue.length > 0 && turns < MAX_TURNS_AHEAD; turns++) {
      await this.#commitTurn()
      if (doubtAbout(this.state) !== null) return
    }
  }

  async #commitTurn(): Promise<void> {
    await this.#commit(takeTurn(this.#queue))
  }

  async #commit(taken: readonly Waiting[]): Promise<void> {
    if (doubtAbout(this.state) !== null && !this.#closing) {
      this.#queue.unshift(...taken)
      return
    }
    try {
      if (!this.state.membership.isActive(this.state.self) && !isSuccession(taken)) {
        throw new MultiBeeError('MULTI_BEE_NOT_WRITABLE', 'this device is not a writer of the database')
      }
      // Only after a failure: what the log holds and the view does not goes first, or this would be written at its place.
      if (!this.#isCaughtUp) await this.#catchUp()
      const turn = await prepareTurn(taken, this.#view, this.#turnScope())
      await this.#append(turn)
      const changes = await this.#installTurn(turn)
      for (const { waiting, error } of turn.refused) waiting.reject(error)
      for (const { resolve } of turn.done) resolve()
      this.#announce(changes, true)
    } catch (error) {
      // Nothing was appended to a log that turns out to be old: it is written to the next.
      if (doubtAbout(this.state) !== null && !this.#closing) this.#queue.unshift(...taken)
      else for (const { reject } of taken) reject(error)
      return
    }
    await this.#flusher.changed()
  }

  #turnScope(): Parameters<typeof prepareTurn>[2] {
    const { self, writers, version, membership } = this.state
    const applied = appliedEverywhere(this.state)
    const { position: seq, state } = this.#ownLog.cursor
    return {
      writer: self,
      writers,
      deleteWins: deleteWins(this.state),
      seq,
      state,
      applied,
      membership,
      version,
      clock: this.#clock
    }
  }

  async #append({ sealed }: Turn): Promise<void> {
    const blocks = sealed.flatMap((transaction) => transaction.blocks)
    if (blocks.length === 0) return
    try {
      await this.#ownLog.log.append(blocks)
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
      noteApplied(this.state, transaction)
      this.#passOwn(transaction.seq + transaction.length, state)
      for (const { key, prior, register, shown } of outcomes) {
        this.#view.install(
          key,
          { version: this.state.version, register, shown },
          this.#view.newestPending(key) ?? prior
        )
        changes.push({ key, register })
      }
    }
    return changes
  }

  /** A membership change of this device's own; it is alone in its turn. */
  async #installMembership({ transaction, state }: Sealed): Promise<Change[]> {
    noteRead(this.state, transaction)
    const after = currentMembership(this.state)
    if (!after.extends(this.state.membership)) {
      await this.#reevaluate()
      return []
    }
    this.state.membership = after
    // A succession that lets nobody in waits like any other device's.
    if (!after.isActive(this.state.self)) return []
    noteApplied(this.state, transaction)
    this.#passOwn(transaction.seq + transaction.length, state)
    await this.#openMembers()
    return []
  }

  #passOwn(position: number, state: WriterLog['state']): void {
    const own = this.#ownLog
    own.cursor.skipTo(position, state)
    own.state = state
    own.lastSeen = this.#clock.now()
  }

  /** Works membership out anew; what this device's user asked for meanwhile is compared with the state before it. */
  async #reevaluate(): Promise<void> {
    let plan = await planReevaluation(this.state, this.#view)
    for (let turns = 0; this.#mayWriteAhead() && turns < MAX_TURNS_AHEAD; turns++) {
      await this.#commitTurn()
      plan = await planReevaluation(this.state, this.#view)
    }
    const before = this.state.applied
    const changes = installPlan(plan, this.#view, this.state)
    const grown = [...this.state.logs].filter(
      ([writer]) => appliedLength(this.state, writer) > lengthAt(before, writer)
    )
    this.#noteReceived(
      grown.map(
        ([
          writer,
          {
            state: { ms, counter }
          }
        ]) => ({ writer, ms, counter })
      )
    )
    await this.#openMembers()
    this.#announce(changes, false)
    await this.#flusher.changed()
  }

  /** Applies what this device's own log holds beyond what the view covers. */
  async #catchUp(): Promise<void> {
    while (await readBeyond(this.state));
    await this.#reevaluate()
    if (this.#isCaughtUp) return
    if ((await this.#ownLog.cursor.peek()) !== null) {
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
  #mayWriteAhead(): boolean {
    return this.#queue[0]?.request.type === 'write' && this.#isCaughtUp && doubtAbout(this.state) === null
  }

  /** Whether all that this device's own log holds is applied; it may not be after a failure. */
  get #isCaughtUp(): boolean {
    return appliedLength(this.state, this.state.self) === this.#ownLog.log.available
  }

  /** More of a log is here than when membership was last worked out: something may be ready that was not. */
  async #walkAgain(): Promise<boolean> {
    return mayChangeWalk(this.state) && (await this.#updateMembership())
  }

  /** @returns whether it changed */
  async #updateMembership(): Promise<boolean> {
    const { state } = this
    const after = currentMembership(state)
    if (after.isSame(state.membership)) return false
    if (!after.extends(state.membership)) {
      await this.#reevaluate()
      return true
    }
    state.membership = after
    await this.#openMembers()
    this.#announce([], false)
    return true
  }

  /** A log whose very first block is not in a format anybody has written: the encryption key is not the database's. */
  #reportUnreadable(): void {
    for (const log of this.state.logs.values()) {
      if (log.cursor.position > 0 || log.cursor.unknownVersion === null || log.isReported) continue
      log.isReported = true
      this.#host.onFailure(
        new MultiBeeError(
          'MULTI_BEE_WRONG_ENCRYPTION_KEY',
          'a log of this database does not decrypt with this encryptionKey'
        )
      )
    }
  }

  async #openMembers(): Promise<void> {
    const { membership, logs, writers } = this.state
    // Those, too, that are no members: who is one must not depend on what came first.
    const named = [...this.state.controls.named].map((key) => writers.idOf(key))
    for (const writer of new Set([...membership.members.map((member) => member.writer), ...named])) {
      if (logs.has(writer)) continue
      this.#follow(await this.#host.openLog(writers.keyOf(writer)), null)
      this.#again = true
    }
  }

  #follow(log: OpLog, saved: ViewState | null): void {
    const { writers, logs } = this.state
    const writer = writers.idOf(log.key)
    const state = saved?.logs.get(writer) ?? initialLogState(writer)
    const followed = followLog(
      log,
      writers,
      lengthAt(saved?.applied ?? [], writer),
      state,
      saved?.lastSeen.get(writer) ?? null
    )
    const held = saved?.held.get(writer) ?? followed.held
    logs.set(writer, { ...followed, held, skewMs: saved?.skew.get(writer) ?? 0 })
  }

  #noteReceived(times: readonly Pick<Transaction, 'writer' | 'ms' | 'counter'>[]): void {
    const { logs, self } = this.state
    for (const { writer, ms, counter } of times) {
      const log = logs.get(writer)
      if (log === undefined) continue
      log.lastSeen = this.#clock.now()
      const skewMs = writer === self ? 0 : this.#clock.receive({ ms, counter })
      if (skewMs > 0 && log.skewMs === 0) this.#host.onSkew(writer, skewMs)
      log.skewMs = skewMs
    }
  }

  #announce(changes: readonly Change[], own: boolean): void {
    const before = this.#announced
    this.#announced = this.state.membership
    if (before !== this.#announced) this.#host.onMembership(before, this.#announced)
    this.#host.onChanges(changes, own)
  }

  get #ownLog(): WriterLog {
    const own = this.state.logs.get(this.state.self)
    if (own === undefined) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database is not open')
    return own
  }
}

/** The one thing a log may hold before its writer is a member. */
function isSuccession([waiting]: readonly Waiting[]): boolean {
  return waiting?.request.type === 'membership' && waiting.request.records[0]?.type === 'succeed'
}

function memberKeys({ membership, writers }: ViewState): Uint8Array[] {
  return membership.members.map(({ writer }) => writers.keyOf(writer))
}

/**
 * Whether a view has more of a log than there is. A loss of power can do that: the view is synced to the disk when it is written, the
 * log is not.
 */
function coversMore({ applied, writers }: ViewState, log: OpLog): boolean {
  return lengthAt(applied, writers.find(log.key)) > log.available
}
