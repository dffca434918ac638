import b4a from 'b4a'
import { BeeEditor } from '../../src/bee/bee-editor.ts'
import type { ReadPoint } from '../../src/bee/bee-reader.ts'
import { ChangeFeed, type OpenDatabase } from '../../src/bee/open-database.ts'
import { Engine } from '../../src/engine/engine.ts'
import type { EngineHost } from '../../src/engine/parts.ts'
import { successions, type Epoch } from '../../src/engine/upkeep.ts'
import { MultiBeeError } from '../../src/errors.ts'
import { Keyspace } from '../../src/keyspace.ts'
import type { LogFork } from '../../src/log/fork-proof.ts'
import type { Doubt, OpLog } from '../../src/log/op-log.ts'
import { isSuccession, signSuccession, type Successor } from '../../src/log/succession.ts'
import { View } from '../../src/view/view.ts'
import { DiskViewStore, type Disk, type EpochNote } from './disk.ts'
import type { Keys } from './keys.ts'
import { SimLog } from './sim-log.ts'

const hex = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')
const bytesOf = (key: string): Uint8Array => b4a.from(key, 'hex')

/** A clock that may be off, stand still, or run backwards. */
export interface SimClock {
  offsetMs: number
  rate: -1 | 0 | 1
}

/** What happens outside of a device. */
export interface Surroundings {
  readonly keys: Keys
  /** Key of the database's first log. */
  readonly first: string
  /** True time in ms. */
  now(): number
}

/** One device: the real engine and the real reading and writing interface, over a disk and a network that are simulated. */
export class SimDevice extends BeeEditor<string, unknown> {
  readonly name: string
  disk: Disk
  clock: SimClock
  readonly failures: unknown[] = []
  /** Why it has gone on in new logs, in order. */
  readonly epochs: Doubt[] = []
  /** Whether its files are no longer where they were written, and it can tell. */
  isMoved = false
  logs = new Map<string, SimLog>()
  /** Keys of the logs it has written. */
  readonly #written = new Set<string>()
  readonly #around: Surroundings
  #timers = new Set<() => void>()
  #heard: Successor[] = []
  #database: OpenDatabase | null = null

  constructor(name: string, disk: Disk, clock: SimClock, around: Surroundings) {
    super(new Keyspace('utf-8', 'json'))
    this.name = name
    this.disk = disk
    this.clock = clock
    this.#around = around
  }

  get isOn(): boolean {
    return this.#database !== null && !this.disk.isDead
  }

  get engine(): Engine {
    return this.#opened().engine
  }

  get writer(): string {
    const { state } = this.engine
    return hex(state.writers.keyOf(state.self))
  }

  /** Whether nobody has removed it, nor any log that it wrote before. */
  get isUntouched(): boolean {
    const { membership, self, writers } = this.engine.state
    // A log whose writer was removed is in nobody's line, also when the device was added again.
    const line = [...this.#written].map((key) => membership.get(writers.find(bytesOf(key))))
    return this.isWritable && [...membership.lineOf(self), ...line].every((member) => !member?.removed)
  }

  /** Whether a log that it wrote is cut off by a fork. */
  get isForked(): boolean {
    const { membership, self } = this.engine.state
    return membership.lineOf(self).some(({ forkedAt }) => forkedAt !== null)
  }

  /** Whether its logs go on from that one, or it is its own. */
  hasWritten(key: string): boolean {
    const { membership, self, writers } = this.engine.state
    return membership.lineOf(self).some(({ writer }) => writer === writers.find(bytesOf(key)))
  }

  get isWritable(): boolean {
    const { membership, self } = this.engine.state
    return membership.isActive(self)
  }

  openedDatabase(): OpenDatabase | null {
    return this.#database
  }

  database(): Promise<OpenDatabase> {
    return Promise.resolve(this.#opened())
  }

  readPoint({ engine }: OpenDatabase): ReadPoint {
    return { version: engine.base.version, base: engine.base }
  }

  /** Starts on what the disk holds. May die on the way. */
  async open(): Promise<void> {
    this.logs = new Map()
    this.#timers = new Set()
    this.#heard = []
    const { own, epoch } = await this.#openOwn()
    this.logs.set(hex(own.key), own)
    const view = new View(new DiskViewStore(this.disk))
    const engine = await Engine.open({
      view,
      now: () => this.#now(),
      later: (run) => this.#later(run),
      host: this.#host(),
      first: bytesOf(this.#around.first),
      self: own,
      epoch,
      generation: 'simulated',
      versionFloor: this.disk.local.version
    })
    this.#database = { engine, view, logs: this.logs as never, changes: new ChangeFeed() }
    for (const key of this.disk.local.successors) await engine.introduce(bytesOf(key))
    await engine.settle()
  }

  /** Leaves in good order. May die on the way. */
  async shut(): Promise<void> {
    await this.engine.close()
    this.#database = null
  }

  /** As if the process were killed: what the disk holds is all that is left. */
  kill(): void {
    this.disk.die()
    this.disk = this.disk.copy()
    this.#timers = new Set()
    this.#database = null
  }

  /** Lets everything that waits for time to pass happen. */
  elapse(): void {
    const due = [...this.#timers]
    this.#timers.clear()
    for (const run of due) run()
  }

  /** What it can tell others of logs that they may not know. */
  successions(): Successor[] {
    return successions(this.engine.state)
  }

  /** Is told of logs that succeed others. */
  async hear(successors: readonly Successor[]): Promise<void> {
    for (const successor of successors) {
      const { writer, succession } = successor
      if (!isSuccession(succession, writer)) throw new Error('a succession that does not hold')
      const { membership, writers } = this.engine.state
      const previous = membership.get(writers.find(succession.previous))
      if (previous === undefined) this.#heard.push(successor)
      else {
        await this.#remember(hex(writer))
        await this.engine.introduce(writer)
      }
    }
  }

  #opened(): OpenDatabase {
    if (this.#database === null) throw new MultiBeeError('MULTI_BEE_CLOSED', `${this.name} is off`)
    return this.#database
  }

  async #openOwn(): Promise<{ own: SimLog; epoch: Epoch | null }> {
    const { writer, epoch: note } = this.disk.local
    const isCurrent = note !== null && note.next === writer
    if (this.isMoved) {
      const isWritten = !isCurrent || (this.disk.logs.get(writer)?.length ?? 0) > 0
      const [previous, fork] = isWritten ? [writer, null] : [note.previous, note.fork]
      const epoch = await this.#makeEpoch(previous, 'copied', fork)
      this.isMoved = false
      return { own: epoch.log as SimLog, epoch }
    }
    const own = this.#openLog(writer, true)
    return { own, epoch: isCurrent && !note.done ? this.#epochOf(own, note) : null }
  }

  /** What `bee/epochs.ts` does, one storage write after the other. */
  async #makeEpoch(previous: string, reason: Doubt, fork: LogFork | null): Promise<Epoch> {
    const next = this.#around.keys.make()
    const note: EpochNote = { previous, next, reason, fork, done: false }
    const { disk } = this
    await disk.write(() => void (disk.local = { ...disk.local, epoch: note }))
    await this.#remember(next)
    await disk.write(() => void (disk.local = { ...disk.local, writer: next }))
    const log = this.#openLog(next, true)
    this.logs.set(next, log)
    return this.#epochOf(log, note)
  }

  #openLog(key: string, isOwn: boolean): SimLog {
    if (isOwn) this.#written.add(key)
    return new SimLog(this.disk, key, this.#around.keys.pairOf(key), isOwn)
  }

  #epochOf(log: SimLog, { previous, next, reason, fork }: EpochNote): Epoch {
    const pair = this.#around.keys.pairOf(previous)
    return { log, succession: signSuccession(pair, bytesOf(previous), bytesOf(next)), reason, fork }
  }

  async #remember(key: string): Promise<void> {
    const { disk } = this
    if (disk.local.successors.includes(key)) return
    await disk.write(() => void (disk.local = { ...disk.local, successors: [...disk.local.successors, key] }))
  }

  #host(): EngineHost {
    const { disk } = this
    return {
      openLog: (key) => {
        const log = this.#openLog(hex(key), false)
        this.logs.set(hex(key), log)
        return Promise.resolve(log)
      },
      nextEpoch: (previous: OpLog, reason, fork) => this.#makeEpoch(hex(previous.key), reason, fork),
      onEpoch: async ({ reason }) => {
        const { epoch } = disk.local
        if (epoch !== null)
          await disk.write(() => void (disk.local = { ...disk.local, epoch: { ...epoch, done: true } }))
        this.epochs.push(reason)
      },
      onChanges: () => {},
      onMembership: () => {
        if (this.#database !== null) void this.hear(this.#heard.splice(0))
      },
      onSkew: () => {},
      onFlush: (version) => disk.write(() => void (disk.local = { ...disk.local, version })),
      onFailure: (error) => void this.failures.push(error)
    }
  }

  #now(): number {
    return this.clock.offsetMs + this.clock.rate * this.#around.now()
  }

  #later(run: () => void): () => void {
    this.#timers.add(run)
    return () => this.#timers.delete(run)
  }
}
