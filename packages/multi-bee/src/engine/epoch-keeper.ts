import type { LogFork } from '../log/fork-proof.ts'
import type { Doubt, OpLog } from '../log/op-log.ts'
import { isLater, type Timestamp } from '../merge/hybrid-clock.ts'
import type { MembershipRecord } from '../merge/transaction.ts'
import type { OwnWrites } from './own-writes.ts'
import { ownLogOf, type Parts } from './parts.ts'
import { lastTails, ownTail } from './reissue.ts'
import { doubtAbout, dueRecords, forkRecord, type Epoch } from './upkeep.ts'

/** Sees to it that this device writes only in a log it can trust, and says what it owes the others. */
export class EpochKeeper {
  readonly #parts: Parts
  readonly #writes: OwnWrites
  /** What this device has to do in a new log of its own before it writes anything else. */
  #epoch: Epoch | null
  /** Whether what the present log's last word on a fork calls for is done again; `null` when that was not looked at yet. */
  #isTailDone: boolean | null = null

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
    if (doubt !== null) this.#epoch ??= await this.#begin(log, doubt.reason, doubt.fork)
    if (this.#epoch !== null) return this.#enter(this.#epoch)
    // What comes with an epoch is noted to be done.
    this.#isTailDone ??= lastTails(state).seq === 0
    if (!this.#isTailDone) await this.#reissue()
    const records = await dueRecords(state)
    if (records.length === 0) return false
    const { seq } = lastTails(state)
    this.#isTailDone = null
    await this.#writes.write({ type: 'membership', records })
    this.#isTailDone = lastTails(state).seq === seq
    return true
  }

  async #reissue(): Promise<void> {
    // A cut-off that is said and not applied yet has cut nothing off.
    await this.#writes.catchUp()
    for await (const request of ownTail(this.#parts.state)) await this.#writes.write(request)
    this.#isTailDone = true
  }

  /** Makes a new log, which is followed from now on. */
  async #begin(previous: OpLog, reason: Doubt, fork: LogFork | null): Promise<Epoch> {
    const epoch = await this.#parts.host.nextEpoch(previous, reason, fork)
    this.#parts.follow(epoch.log)
    return epoch
  }

  /**
   * Goes on in a new log: opens it with a succession, and does again what only a forked one held. Every step can be taken twice.
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
    if (reason === 'forked' && isIn) await this.#reissue()
    await this.#parts.host.onEpoch(epoch)
    this.#epoch = null
    return true
  }

  /** @returns false when a copy of this device has opened the log in this very moment */
  async #succeed({ log, succession, fork }: Epoch, previous: number): Promise<boolean> {
    const { state } = this.#parts
    const records: MembershipRecord[] = [succession]
    if (fork !== null) records.push(await forkRecord(state, previous, fork))
    // Its copies are told apart by those who meet one; what was told before a crash is not asked for again.
    state.leaving = fork && { writer: previous, agreed: fork.agreed }
    try {
      await this.#writes.write({ type: 'membership', records })
      return true
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
