import b4a from 'b4a'
import { Engine } from '../../src/engine/engine.ts'
import type { Epoch } from '../../src/engine/upkeep.ts'
import { appliedLength } from '../../src/engine/device-state.ts'
import { alternatives } from '../../src/merge/show.ts'
import { pathNames } from '../../src/merge/path.ts'
import { View } from '../../src/view/view.ts'
import type { LogFork } from '../../src/log/fork-proof.ts'
import type { Doubt, OpLog } from '../../src/log/op-log.ts'
import type { Value } from '../../src/merge/transaction.ts'
import type { OracleState } from '../oracle/types.ts'
import { MemoryLog } from './memory-log.ts'
import { MemoryViewStore } from './memory-view-store.ts'
import { succession } from './world-blocks.ts'

const hex = (value: Uint8Array): string => b4a.toString(value, 'hex')

/** What a device shows, in the oracle's words. */
export interface Shown {
  members: OracleState['members']
  applied: Record<string, number>
  entries: Record<string, unknown>
  conflicts: Record<string, unknown>
}

/** One device: the real engine over logs and a view in memory, with crashes and restarts. */
export class EngineDevice {
  readonly store: MemoryViewStore = new MemoryViewStore()
  readonly logs: Map<string, MemoryLog> = new Map()
  /** Its newest log. */
  own: MemoryLog
  readonly failures: unknown[] = []
  /** Hex keys of the logs that it follows: its own, and those the engine asked for. Of another it holds nothing, whatever was delivered. */
  readonly followed: Set<string> = new Set()
  /** Version that the view was last about to be written at. */
  announcedVersion: number = -1
  readonly #first: Uint8Array
  readonly #now: () => number
  readonly #originals: ReadonlyMap<string, MemoryLog>
  readonly #spares: string[]
  #epoch: Epoch | null = null
  #engine: Engine | null = null
  #view: View | null = null

  /**
   * @param originals - all logs there are, by hex key
   * @param spares - keys of the logs that it may go on in
   */
  constructor(
    own: MemoryLog,
    first: Uint8Array,
    originals: ReadonlyMap<string, MemoryLog>,
    now: () => number,
    spares: readonly string[] = []
  ) {
    this.own = own
    this.#spares = [...spares]
    this.#first = first
    this.#originals = originals
    this.#now = now
    this.logs.set(hex(own.key), own)
    this.followed.add(hex(own.key))
  }

  get engine(): Engine {
    if (this.#engine === null) throw new Error('the device is off')
    return this.#engine
  }

  get view(): View {
    if (this.#view === null) throw new Error('the device is off')
    return this.#view
  }

  get isWritable(): boolean {
    const { membership, self } = this.engine.state
    return membership.isActive(self)
  }

  async open(): Promise<void> {
    const view = new View(this.store)
    this.#view = view
    const host = {
      openLog: (key: Uint8Array) => {
        this.followed.add(hex(key))
        return Promise.resolve(this.log(hex(key)))
      },
      onChanges: () => {},
      onMembership: () => {},
      onSkew: () => {},
      nextEpoch: (...given: [OpLog, Doubt, LogFork | null]) => this.#nextEpoch(...given),
      onEpoch: () => {
        this.#epoch = null
        return Promise.resolve()
      },
      onFlush: (version: number) => {
        this.announcedVersion = version
        return Promise.resolve()
      },
      onFailure: (error: unknown) => void this.failures.push(error)
    }
    this.#engine = await Engine.open({
      view,
      now: this.#now,
      host,
      first: this.#first,
      self: this.own,
      epoch: this.#epoch,
      generation: 'test',
      versionFloor: 0
    })
  }

  #nextEpoch(previous: OpLog, reason: Doubt, fork: LogFork | null): Promise<Epoch> {
    const key = this.#spares.shift()
    if (key === undefined) return Promise.reject(new Error('no key is left'))
    const log = new MemoryLog(b4a.from(key, 'hex'))
    this.logs.set(key, log)
    this.followed.add(key)
    this.own = log
    this.#epoch = { log, succession: succession(hex(previous.key), key), reason, fork }
    return Promise.resolve(this.#epoch)
  }

  /** As if its store had been copied while it was off: when it is opened, it goes on in a new log. */
  async moveStore(): Promise<void> {
    const epoch = this.#epoch
    const isWritten = epoch === null || this.own.available > 0
    const previous = isWritten ? this.own : this.log(hex(epoch.succession.previous))
    await this.#nextEpoch(previous, 'copied', isWritten ? null : epoch.fork)
  }

  /** This device's copy of a log. */
  log(key: string): MemoryLog {
    let log = this.logs.get(key)
    if (log === undefined)
      this.logs.set(key, (log = new MemoryLog(b4a.from(key, 'hex'), this.#originals.get(key) ?? null)))
    return log
  }

  /** As if the process were killed: what the store holds is all that is left. */
  async crash(): Promise<void> {
    const left = this.store.contents
    await this.engine.close()
    this.store.contents = left
    await this.open()
  }

  /** One that is off, with a copy of this one's disk as it is now. */
  copy(): EngineDevice {
    const copy = new EngineDevice(this.own, this.#first, this.#originals, this.#now, this.#spares)
    for (const [key, log] of this.logs) copy.logs.set(key, log.copy())
    for (const key of this.followed) copy.followed.add(key)
    copy.own = copy.log(hex(this.own.key))
    copy.#epoch = this.#epoch && { ...this.#epoch, log: copy.own }
    copy.store.contents = this.store.contents
    return copy
  }

  async restart(): Promise<void> {
    await this.engine.close()
    await this.open()
  }

  /** What the device shows, once it has applied all that was delivered. */
  async shown(keys: readonly string[]): Promise<Shown> {
    const { engine } = this
    await engine.settle()
    const { state } = engine
    const { view } = this
    const entries: Record<string, unknown> = {}
    for await (const { key, value } of view.entries({}, state.version, false))
      entries[hex(key)] = plain(value)
    const conflicts: Record<string, unknown> = {}
    const stored = await view.load(keys.map((key) => b4a.from(key, 'hex')))
    for (const [i, key] of keys.entries()) {
      const register = stored[i]?.register
      if (register === undefined) continue
      const found = Array.from(alternatives(register, state.writers), ({ path, value, dot }) => ({
        path: pathNames(path),
        value: value === null ? null : plain(value),
        deleted: value === null,
        writer: hex(state.writers.keyOf(dot.writer)),
        ms: dot.ms,
        counter: dot.counter
      }))
      if (found.length > 0) conflicts[key] = found
    }
    const members = state.membership.members.map(({ writer, name, cutOff, removed, previous }) => ({
      writer: hex(state.writers.keyOf(writer)),
      name,
      cutOff: cutOff?.length ?? null,
      removed,
      previous: previous === null ? null : hex(state.writers.keyOf(previous))
    }))
    const applied: Record<string, number> = {}
    for (const [id, key] of state.writers.keys().entries()) {
      const length = appliedLength(state, id)
      if (length > 0) applied[hex(key)] = length
    }
    return { members, applied, entries, conflicts }
  }
}

function plain(value: Value): unknown {
  return value.document
    ? { kind: 'document', text: b4a.toString(value.bytes) }
    : { kind: 'opaque', hex: hex(value.bytes) }
}

/** The oracle's answer in the same shape. */
export function shownByOracle(state: OracleState, keys: readonly string[]): Shown {
  const conflicts: Record<string, unknown> = {}
  for (const key of keys) {
    const found = state.conflicts(key)
    if (found.length > 0) conflicts[key] = found
  }
  return {
    members: state.members,
    applied: state.applied,
    entries: Object.fromEntries(state.entries),
    conflicts
  }
}
