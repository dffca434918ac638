import { MultiBeeError } from '../errors.ts'
import { initialLogState } from '../log/log-state.ts'
import type { OpLog } from '../log/op-log.ts'
import { HybridClock } from '../merge/hybrid-clock.ts'
import { lengthAt } from '../merge/version-vector.ts'
import type { Membership } from '../membership/membership.ts'
import type { View } from '../view/view.ts'
import type { Change } from './change.ts'
import { appliedLength, type DeviceState } from './device-state.ts'
import { EpochKeeper } from './epoch-keeper.ts'
import { Flusher, later, type Later } from './flusher.ts'
import { Merging } from './merging.ts'
import { openView } from './open-view.ts'
import { OwnWrites } from './own-writes.ts'
import type { EngineHost, Parts } from './parts.ts'
import { readBeyond } from './read-beyond.ts'
import type { Base, LocalRequest } from './requests.ts'
import { encodeState, initialState, type Origin } from './saved-state.ts'
import type { Epoch } from './upkeep.ts'
import type { ViewState } from './view-state.ts'
import { followLog } from './writer-log.ts'

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
  readonly #parts: Parts
  readonly #writes: OwnWrites
  readonly #merging: Merging
  readonly #epochs: EpochKeeper
  /** By what all logs were last opened. */
  #opened: { membership: Membership | null; records: number } = { membership: null, records: 0 }
  /** What the host was last told of. */
  #announced: Membership
  #running: Promise<void> | null = null
  #again = false
  #closing = false
  /** Whether what was there when it was opened has been applied: only then the clock stands after this device's own log. */
  #isOpen = false

  private constructor(options: EngineOptions, saved: ViewState | null) {
    const { view, host } = options
    const state = initialState(options, saved)
    this.state = state
    this.#announced = state.membership
    const source = {
      version: () => state.version,
      encodeState: () => encodeState(state),
      later: options.later ?? later,
      beforeWrite: (version: number) => host.onFlush(version),
      onFailure: (error: unknown) => host.onFailure(error)
    }
    this.#parts = {
      state,
      view,
      host,
      flusher: new Flusher(view, source, saved?.version ?? -1),
      clock: new HybridClock(options.now),
      openMembers: () => this.#openMembers(),
      follow: (log) => this.#follow(log, null),
      announce: (changes, own) => this.#announce(changes, own)
    }
    this.#writes = new OwnWrites(this.#parts, () => this.#merging.reevaluate())
    this.#merging = new Merging(this.#parts, this.#writes)
    this.#epochs = new EpochKeeper(this.#parts, this.#writes, options.epoch)
  }

  /** Opens view and logs, and applies what the view does not cover yet. Takes over the view, also when it fails. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { view, self, host } = options
    const logs = [self]
    let engine: Engine | null = null
    try {
      const { saved, version, hasLostTail } = await openView(view, self, logs, host)
      engine = new Engine({ ...options, versionFloor: Math.max(options.versionFloor, version) }, saved)
      engine.state.hasLostTail = hasLostTail
      for (const log of logs) engine.#follow(log, saved)
      await engine.#openMembers()
      await (engine.#running = engine.#loop())
      engine.#running = null
      engine.#parts.clock = new HybridClock(options.now, engine.#epochs.ownTime())
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
    const log = await this.#parts.host.openLog(key)
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
      this.#writes.add({ request, resolve, reject })
      this.kick()
    })
  }

  /** Writes everything that is shown to the view's store. */
  async flush(): Promise<void> {
    await this.settle()
    await this.#parts.flusher.flush()
  }

  /** Finishes what was asked for, writes the view, and closes what it owns. A view that cannot be written is a failure the host hears of. */
  async close(): Promise<void> {
    this.#closing = true
    this.#writes.isClosing = true
    while (this.#running !== null) await this.#running.catch(() => {})
    while (!this.#writes.isEmpty) {
      await this.#keepUpAll().catch((error: unknown) => this.#writes.refuseAll(error))
      await this.#writes.commitTurn()
    }
    await this.#parts.flusher.stop()
    try {
      await this.#parts.flusher.flush()
      await this.#parts.view.settle()
    } catch (error) {
      // Nothing is lost: the next open reads from the logs what the view lacks.
      this.#parts.host.onFailure(error)
    } finally {
      await this.#parts.view.close()
      await Promise.all([...this.state.logs.values()].map(({ log }) => log.close()))
    }
  }

  /** All that has to be done before anything else is written: what is said of a fork, and what that calls for, go together. */
  async #keepUpAll(): Promise<void> {
    while (await this.#epochs.keepUp());
  }

  async #loop(): Promise<void> {
    while (!this.#closing) {
      this.#again = false
      if (this.#isOpen && (await this.#epochs.keepUp())) continue
      await this.#writes.commitQueue()
      await this.#openMembers()
      const moved =
        (await this.#merging.applyNext()) ||
        (await readBeyond(this.state, !this.#isOpen)) ||
        (await this.#merging.walkAgain())
      if (!moved && this.#isOpen && (await this.#epochs.doAgain())) continue
      if (!moved) this.#reportUnreadable()
      if (!moved && this.#writes.isEmpty && !this.#again) return
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
    this.#writes.refuseAll(error)
    this.#parts.host.onFailure(error)
  }

  /** A log whose very first block is not in a format anybody has written: the encryption key is not the database's. */
  #reportUnreadable(): void {
    for (const log of this.state.logs.values()) {
      if (log.cursor.position > 0 || log.cursor.unknownVersion === null || log.isReported) continue
      log.isReported = true
      this.#parts.host.onFailure(
        new MultiBeeError(
          'MULTI_BEE_WRONG_ENCRYPTION_KEY',
          'a log of this database does not decrypt with this encryptionKey'
        )
      )
    }
  }

  /** Opens the logs that count and are not followed yet. Nothing to do unless records of membership were read since the last time. */
  async #openMembers(): Promise<void> {
    const { membership, controls, logs, writers } = this.state
    if (this.#opened.membership === membership && this.#opened.records === controls.records) return
    const opened = { membership, records: controls.records }
    // Those, too, that are no members: who is one must not depend on what came first.
    const named = [...controls.named].map((key) => writers.idOf(key))
    for (const writer of new Set([...membership.members.map((member) => member.writer), ...named])) {
      if (logs.has(writer)) continue
      this.#follow(await this.#parts.host.openLog(writers.keyOf(writer)), null)
      this.#again = true
    }
    this.#opened = opened
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

  #announce(changes: readonly Change[], own: boolean): void {
    const before = this.#announced
    this.#announced = this.state.membership
    if (before !== this.#announced) this.#parts.host.onMembership(before, this.#announced)
    this.#parts.host.onChanges(changes, own)
  }
}
