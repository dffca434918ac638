import b4a from 'b4a'
import type { Epoch } from '../engine/upkeep.ts'
import { HypercoreLog, type LocalState, randomBytes } from '../hypercore-adapter.ts'
import type { LogFork } from '../log/fork-proof.ts'
import type { Doubt } from '../log/op-log.ts'
import { MAX_MEMBERS } from '../membership/membership.ts'
import type { StoreLike } from '../types.ts'
import { isMarkIntact, makeMark, markPath } from './device-mark.ts'

/** Why this device began its last epoch, and in which logs. Kept as JSON. */
interface EpochRecord {
  /** Keys in hex. */
  previous: string
  next: string
  reason: Doubt
  /** When the log before was forked; the proof in hex. */
  fork: { agreed: number; proof: string } | null
  /** Whether all that comes with it is done. */
  done: boolean
}

/** What the owner of the logs needs to know to make another one. */
export interface EpochScope {
  store: StoreLike
  local: LocalState
  encryptionKey: Uint8Array | null
  /** Where marks stand. */
  directory: string
  onUpdate: () => void
}

/**
 * The logs of this device's own, one after the other. A device goes on in a new one when it cannot trust that it alone writes the one it
 * has; what it notes about that survives a crash at any point. Borrows the local state.
 */
export class Epochs {
  readonly #scope: EpochScope
  #record: EpochRecord | null = null

  constructor(scope: EpochScope) {
    this.#scope = scope
  }

  /** The last epoch that was begun; `null` in a device's first log. */
  get last(): { previous: Uint8Array; reason: Doubt } | null {
    const record = this.#record
    return record && { previous: b4a.from(record.previous, 'hex'), reason: record.reason }
  }

  /**
   * Opens this device's own log: the one it wrote last, or a new one when the store is not where that was written.
   *
   * @param writer - key of the last log
   */
  async open(writer: Uint8Array): Promise<{ own: HypercoreLog; epoch: Epoch | null }> {
    const { local } = this.#scope
    const text = await local.get('epoch')
    const record = text === null ? null : (JSON.parse(b4a.toString(text)) as EpochRecord)
    this.#record = record?.next === b4a.toString(writer, 'hex') ? record : null
    if (await this.#isCopied(writer)) {
      const { previous, fork } = await this.#lastWritten(writer)
      const epoch = await this.next(previous, 'copied', fork)
      return { own: epoch.log as HypercoreLog, epoch }
    }
    const own = await this.#openLog(writer, true)
    const isDone = this.#record?.done ?? true
    return { own, epoch: isDone ? null : await this.#pending(own) }
  }

  /** Notes that a log is written here. */
  async mark(writer: Uint8Array): Promise<void> {
    const name = randomBytes(16)
    await makeMark(markPath(this.#scope.directory, name))
    await this.#scope.local.set('marked', b4a.concat([writer, name]))
  }

  /** Makes a new log to go on in after `previous`. It is this device's own from now on. */
  async next(previous: Uint8Array, reason: Doubt, fork: LogFork | null): Promise<Epoch> {
    const { store, local, encryptionKey, onUpdate } = this.#scope
    const log = await HypercoreLog.open(store, { key: null, encryptionKey, isOwn: true, onUpdate })
    const [from, next] = [b4a.toString(previous, 'hex'), b4a.toString(log.key, 'hex')]
    const noted = fork && { agreed: fork.agreed, proof: b4a.toString(fork.proof, 'hex') }
    await this.#note({ previous: from, next, reason, fork: noted, done: false })
    await this.remember(log.key)
    await local.set('writer', log.key)
    await this.mark(log.key)
    return this.#pending(log)
  }

  /** What comes with the last epoch is done. */
  async finish(): Promise<void> {
    if (this.#record !== null) await this.#note({ ...this.#record, done: true })
  }

  /** Logs that came in by a succession. Nobody's `add` may name them, so that they are found again by this alone. */
  async successors(): Promise<Uint8Array[]> {
    const bytes = (await this.#scope.local.get('successors')) ?? b4a.alloc(0)
    const keys: Uint8Array[] = []
    for (let i = 0; i + 32 <= bytes.byteLength; i += 32) keys.push(bytes.subarray(i, i + 32))
    return keys
  }

  async remember(key: Uint8Array): Promise<void> {
    const known = await this.successors()
    if (known.length >= MAX_MEMBERS || known.some((other) => b4a.equals(other, key))) return
    await this.#scope.local.set('successors', b4a.concat([...known, key]))
  }

  async #isCopied(writer: Uint8Array): Promise<boolean> {
    const marked = await this.#scope.local.get('marked')
    if (marked === null || !b4a.equals(marked.subarray(0, 32), writer)) {
      await this.mark(writer)
      return false
    }
    return !(await isMarkIntact(markPath(this.#scope.directory, marked.subarray(32))))
  }

  /** The log to go on from, and its fork: one that was made for an epoch and not written yet has nothing that could be succeeded. */
  async #lastWritten(writer: Uint8Array): Promise<{ previous: Uint8Array; fork: LogFork | null }> {
    if (this.#record === null) return { previous: writer, fork: null }
    const log = await this.#openLog(writer, true)
    const isWritten = log.available > 0
    await log.close()
    if (isWritten) return { previous: writer, fork: null }
    return { previous: b4a.from(this.#record.previous, 'hex'), fork: notedFork(this.#record) }
  }

  /** An epoch that is made, and of which not all may be done. */
  async #pending(log: HypercoreLog): Promise<Epoch> {
    const { previous, reason } = this.#record as EpochRecord
    const fork = notedFork(this.#record as EpochRecord)
    const before = await this.#openLog(b4a.from(previous, 'hex'), false)
    try {
      return { log, succession: before.succeededBy(log.key), reason, fork }
    } finally {
      await before.close()
    }
  }

  async #note(record: EpochRecord): Promise<void> {
    this.#record = record
    await this.#scope.local.set('epoch', b4a.from(JSON.stringify(record)))
  }

  #openLog(key: Uint8Array, isOwn: boolean): Promise<HypercoreLog> {
    const { store, encryptionKey, onUpdate } = this.#scope
    return HypercoreLog.open(store, { key, encryptionKey, isOwn, onUpdate })
  }
}

function notedFork({ fork }: EpochRecord): LogFork | null {
  return fork && { agreed: fork.agreed, proof: b4a.from(fork.proof, 'hex') }
}
