import type { LogFork } from '../log/fork-proof.ts'
import type { Doubt, OpLog } from '../log/op-log.ts'
import { isLater, type Timestamp } from '../merge/hybrid-clock.ts'
import { MultiBeeError, type MultiBeeErrorCode } from '../errors.ts'
import type { Membership } from '../membership/membership.ts'
import type { MembershipRecord } from '../merge/transaction.ts'
import type { OwnWrites } from './own-writes.ts'
import type { DeviceState } from './device-state.ts'
import type { LocalRequest } from './requests.ts'
import { ownLogOf, type Parts } from './parts.ts'
import { earlierFork, forkRecord, knownFork } from './fork-records.ts'
import { isLineApplied, pendingTails } from './own-forks.ts'
import { ownTail } from './reissue.ts'
import { doubtAbout, dueRecords, type Epoch } from './upkeep.ts'

/** Sees to it that this device writes only in a log it can trust, and says what it owes the others. */
export class EpochKeeper {
  readonly #parts: Parts
  readonly #writes: OwnWrites
  /** What this device has to do in a new log of its own before it writes anything else. */
  #epoch: Epoch | null
  /** As of when nothing was left to do again. */
  #settled: Membership | null = null

  constructor(parts: Parts, writes: OwnWrites, epoch: Epoch | null) {
    this.#parts = parts
    this.#writes = writes
    this.#epoch = epoch
  }

  /**
   * What has to be done before this device writes anything else: go on in another log, or say what it owes the others.
   *
   * @returns whether there was anything
   */
  async keepUp(): Promise<boolean> {
    const { state } = this.#parts
    const { log } = ownLogOf(state)
    // Nothing will ever be written to it: what there is of it elsewhere is read as any other device's.
    if (log.isOvertaken && state.membership.get(state.self)?.removed) log.retire()
    const doubt = doubtAbout(state)
    const isNew = this.#epoch === null || state.self === state.writers.find(this.#epoch.log.key)
    if (doubt !== null && isNew) this.#epoch = await this.#begin(log, doubt.reason, doubt.fork)
    if (this.#epoch !== null) return this.#enter(this.#epoch)
    if (!state.membership.isActive(state.self)) return false
    const records = await dueRecords(state)
    // They come first: only with them can what is done again have seen what this device's other logs hold.
    if (records.length === 0) return !this.#isSettled && isLineApplied(state) && this.doAgain()
    if (!(await this.#isCaughtUp())) return false
    await this.#writes.write({ type: 'membership', records })
    return true
  }

  /** Whether nothing was left to do again when membership was last worked out. */
  get #isSettled(): boolean {
    return this.#settled === this.#parts.state.membership
  }

  /**
   * Does again what this device's own logs have lost by forks. Not before all that they hold and that can be applied is: it has seen that.
   *
   * @returns whether anything was left
   */
  async doAgain(): Promise<boolean> {
    const { state } = this.#parts
    if (this.#isSettled || this.#epoch !== null || !state.membership.isActive(state.self)) return false
    const tails = pendingTails(state)
    if (tails.length === 0) {
      this.#settled = state.membership
      return false
    }
    // A cut-off that is known and not applied yet has cut nothing off.
    if (!(await this.#isCaughtUp())) return false
    const begin = ownLogOf(state).cursor.position
    const needs = hasPut(state) ? begin : 0
    for await (const { place, request } of ownTail(state, this.#parts.view, tails)) {
      if (!(await this.#writeAgain(request))) return true
      state.repetitions.add({ place, log: state.self, needs, end: ownLogOf(state).cursor.position })
    }
    const records = tails.map(({ writer, from }): MembershipRecord => ({
      type: 'again',
      writer: state.writers.keyOf(writer),
      from
    }))
    await this.#writeAgain({ type: 'membership', records })
    this.#settled = state.membership
    return true
  }

  /** Whether all that this device's own log holds is applied; not while that waits for what removals have taken back. */
  async #isCaughtUp(): Promise<boolean> {
    try {
      await this.#writes.catchUp()
      return true
    } catch (error) {
      if (isCoded(error, 'MULTI_BEE_NOT_WRITABLE')) return false
      throw error
    }
  }

  /**
   * Writes what cannot be one transaction as several, and reports what cannot be written at all: whoever has a copy of the old log may have
   * put there what this device would not write, and that must not keep it from going on.
   *
   * @returns false when there is doubt about this device's log
   */
  async #writeAgain(request: LocalRequest): Promise<boolean> {
    try {
      return await this.#writes.write(request)
    } catch (error) {
      if (!isCoded(error, 'MULTI_BEE_TOO_LARGE') && !isCoded(error, 'MULTI_BEE_BAD_ARGUMENT')) throw error
      if (request.type === 'write' && request.atomic)
        return this.#writeAgain({ ...request, atomic: false, again: null })
      this.#parts.host.onFailure(error)
      return true
    }
  }

  /** Makes a new log, which is followed from now on. */
  async #begin(previous: OpLog, reason: Doubt, fork: LogFork | null): Promise<Epoch> {
    const epoch = await this.#parts.host.nextEpoch(previous, reason, fork)
    this.#parts.follow(epoch.log)
    return epoch
  }

  /**
   * Goes on in a new log: opens it with a succession. Every step can be taken twice.
   *
   * @returns whether anything was done: a device that was never let in cannot be succeeded
   */
  async #enter(epoch: Epoch): Promise<boolean> {
    const { state } = this.#parts
    const { log, succession, reason, fork } = epoch
    const previous = state.writers.idOf(succession.previous)
    const member = state.membership.get(previous)
    if (member === undefined) return false
    if (log.isOvertaken && log.available === 0) {
      // A copy of this device, made before the log was opened, has opened it first.
      log.retire()
      const before = state.logs.get(previous)?.log
      if (before === undefined) return false
      this.#epoch = await this.#begin(before, reason, fork)
      return true
    }
    state.self = state.writers.idOf(log.key)
    state.hasLostTail = false
    state.logs.get(previous)?.log.retire()
    if (log.available === 0 && !member.removed && !(await this.#succeed(epoch, previous))) return true
    const isIn = state.membership.isActive(state.self)
    // It may come after a removal that was not known; or wait for what is not here yet, and then so does the rest.
    if (!isIn && !state.membership.get(previous)?.removed) return false
    await this.#parts.host.onEpoch(epoch)
    this.#epoch = null
    return true
  }

  /** @returns false when a copy of this device has opened the log in this very moment */
  async #succeed(epoch: Epoch, previous: number): Promise<boolean> {
    const { state } = this.#parts
    const { log, succession } = epoch
    const records: MembershipRecord[] = [succession]
    // It may have become known while the log was made.
    const fork = earlierFork(epoch.fork, knownFork(state, previous))
    if (fork !== null) records.push(await forkRecord(state, previous, fork))
    // Its copies are told apart by those who meet one; what was told before a crash is not asked for again.
    state.leaving = fork && { writer: previous, agreed: fork.agreed }
    try {
      return await this.#writes.write({ type: 'membership', records })
    } catch (error) {
      if (log.isOvertaken) return false
      throw error
    } finally {
      state.leaving = null
    }
  }

  /** The time after which this device's next write must be: that of its own log and of those it goes on from. */
  ownTime(): Timestamp {
    const { logs, membership, self, writers } = this.#parts.state
    const line = membership.lineOf(
      this.#epoch === null ? self : writers.idOf(this.#epoch.succession.previous)
    )
    return [self, ...line.map(({ writer }) => writer)]
      .map((writer): Timestamp => logs.get(writer)?.state ?? { ms: 0, counter: 0 })
      .reduce((latest, time) => (isLater(time, latest) ? time : latest))
  }
}

function isCoded(error: unknown, code: MultiBeeErrorCode): boolean {
  return error instanceof MultiBeeError && error.code === code
}

/** Whether this device's present log holds anything but changes of membership. */
function hasPut(state: DeviceState): boolean {
  const controls = state.controls.of(state.self).reduce((blocks, { length }) => blocks + length, 0)
  return ownLogOf(state).cursor.position > controls
}
