/**
 * Honest devices at the level of the model: each has its own clock, holds prefixes of the others' logs, and
 * writes with the context that the oracle gives it.
 */

import { compareNames, isMap } from './canonical-json.ts'
import { oracle } from './oracle.ts'
import { putOperations } from './put.ts'
import type { Membership, Operation, OracleState, Transaction, Value, World } from './types.ts'
import { SPARES, WRITERS } from './values.ts'

/**
 * One change of one entry. `pick` chooses among the paths that are shown, `back` among this device's older
 * reads.
 */
export type Change =
  | { change: 'put'; key: string; value: Value }
  | { change: 'based put'; key: string; value: Value; back: number }
  | { change: 'del'; key: string }
  | { change: 'drop'; key: string; pick: number }
  | { change: 'resolve'; key: string; pick: number; value: Value }

/**
 * One step. Devices are numbers; what cannot be done (no member, nothing to do) is skipped. `epoch` goes on in a new
 * log, after so many of its last transactions were `lost` to this device. A device with several logs is `back` logs
 * behind its newest when it is removed or forked.
 */
export type Command =
  | { do: 'write'; device: number; changes: Change[]; length: number; passedMs: number }
  | { do: 'deliver'; from: number; to: number; count: number }
  | { do: 'sync'; from: number; to: number }
  | { do: 'add'; device: number; whom: number }
  | { do: 'remove' | 'fork'; device: number; whom: number; back: number }
  | { do: 'epoch'; device: number; lost: number }

/**
 * `offsetMs` is what the clock is off by; `rate` how it runs: 1 with the true time, 0 frozen, -1 stepping
 * back.
 */
export interface Clock {
  offsetMs: number
  rate: -1 | 0 | 1
}

export interface Scenario {
  deleteWins: boolean
  owner: number | null
  clocks: Clock[]
  /** How many devices are members, and know it, before the first command. */
  joined: number
  commands: Command[]
}

/**
 * What a device held and wrote at a step. `before` and `after` are what it saw; `wrote` is its transaction.
 */
export interface Moment {
  command: Command
  writer: string
  before: OracleState
  after: OracleState
  wrote: Transaction | null
  /** How many transactions of each log the device holds after the step. */
  held: Record<string, number>
}

export interface Run {
  /** All logs, whole. */
  world: World
  /** What each device holds at the end. */
  held: World[]
  moments: Moment[]
}

const START_MS = 1_700_000_000_000
const MAX_AHEAD_MS = 60_000

/** An HLC: own time = max(now, last) with a counter; a received time pushes it to now + 60 s at most. */
class HybridClock {
  #ms = 0
  #counter = 0

  tick(now: number): { ms: number; counter: number } {
    if (now > this.#ms) {
      this.#ms = now
      this.#counter = 0
    } else {
      this.#counter++
    }
    return { ms: this.#ms, counter: this.#counter }
  }

  receive(now: number, ms: number, counter: number): void {
    const pushed = Math.min(ms, now + MAX_AHEAD_MS)
    if (pushed < this.#ms || (pushed === this.#ms && this.#counter >= counter)) return
    this.#ms = pushed
    this.#counter = pushed === ms ? counter : 0
  }
}

/** One device. It writes only while it is a member as far as it knows. */
class Device {
  /** Its logs, one per epoch. */
  readonly writers: string[]
  readonly held: Record<string, Transaction[]> = {}
  #clock: Clock
  #hlc = new HybridClock()
  #context: Record<string, number> = {}
  #reads: Array<{ state: OracleState; seen: Record<string, number> }> = []
  #state: OracleState | null = null
  #first: string

  constructor(writer: string, first: string, clock: Clock) {
    this.writers = [writer]
    this.#first = first
    this.#clock = clock
  }

  /** Its newest log. */
  get writer(): string {
    return this.writers.at(-1) as string
  }

  get world(): World {
    return {
      first: this.#first,
      logs: Object.fromEntries(Object.entries(this.held).map(([w, log]) => [w, [...log]]))
    }
  }

  get state(): OracleState {
    this.#state ??= oracle(this.world)
    return this.#state
  }

  get isMember(): boolean {
    return this.state.members.some(({ writer, cutOff }) => writer === this.writer && cutOff === null)
  }

  get isRemoved(): boolean {
    return !this.state.members.some(({ writer, removed }) => writer === this.writer && !removed)
  }

  get #seq(): number {
    const last = this.held[this.writer]?.at(-1)
    return last === undefined ? 0 : last.seq + last.length
  }

  #now(trueMs: number): number {
    return START_MS + this.#clock.offsetMs + this.#clock.rate * trueMs
  }

  receive(writer: string, transactions: Transaction[], trueMs: number): void {
    if (transactions.length === 0 || writer === this.writer) return
    this.held[writer] = [...(this.held[writer] ?? []), ...transactions]
    for (const { ms, counter } of transactions) this.#hlc.receive(this.#now(trueMs), ms, counter)
    this.#state = null
  }

  /**
   * What this device had applied, ever: contexts of one log never shrink, also when something is retracted. A
   * context has nothing of a log that it does not know, until there is an `add` or `admit`.
   */
  remember(): void {
    const seen = this.#seen
    for (const writer of this.state.known(this.writer, seen)) this.#context[writer] = seen[writer] ?? 0
    this.#reads.push({ state: this.state, seen })
  }

  /** Covers the walked transactions that a cut-off has taken back too. */
  get #seen(): Record<string, number> {
    const { applied, walked, members } = this.state
    const seen = { ...this.#context }
    const cover = (writer: string, blocks = 0): void => {
      seen[writer] = Math.max(blocks, seen[writer] ?? 0)
    }
    for (const [writer, blocks] of Object.entries(applied)) cover(writer, blocks)
    for (const { writer, cutOff } of members) {
      if (cutOff !== null && (applied[writer] ?? 0) >= cutOff) cover(writer, walked[writer])
    }
    return { ...seen, [this.writer]: this.#seq }
  }

  /** An `admit` of each log that goes on from a member's and that the context does not know. */
  endorsements(): Membership[] {
    const known = this.state.known(this.writer, this.#seen)
    return this.state.members
      .filter(({ writer, previous }) => previous !== null && !known.includes(writer))
      .map(({ writer }): Membership => ({ type: 'admit', writer }))
  }

  /** Goes on in a new log, from a store that has lost the end of the one before; never its first transaction. */
  succeed(writer: string, lost: number, trueMs: number): Transaction {
    const previous = this.writer
    const log = this.held[previous] ?? []
    this.held[previous] = log.slice(0, Math.max(1, log.length - lost))
    this.#state = null
    this.#context = {}
    this.#reads.length = 0
    this.writers.push(writer)
    this.remember()
    return this.append([{ type: 'succeed', previous }, ...this.endorsements()], [], 1, trueMs)
  }

  append(membership: Membership[], operations: Operation[], length: number, trueMs: number): Transaction {
    const { ms, counter } = this.#hlc.tick(this.#now(trueMs))
    const seq = this.#seq
    const transaction = { seq, length, ms, counter, context: { ...this.#context }, membership, operations }
    this.held[this.writer] = [...(this.held[this.writer] ?? []), transaction]
    this.#state = null
    this.remember()
    return transaction
  }

  /** The last change of each key stands for what folding would leave. */
  operations(changes: Change[]): Operation[] {
    const last = new Map(changes.map((change) => [change.key, change]))
    return [...last.values()].flatMap((change) => this.#operationsOf(change))
  }

  #operationsOf(change: Change): Operation[] {
    const { key } = change
    const { state } = this
    if (change.change === 'put') {
      return putOperations(key, state.entries.get(key) ?? null, change.value, (path) =>
        state.hasMarker(key, path)
      )
    }
    if (change.change === 'based put') {
      const base = this.#reads[this.#reads.length - 1 - (change.back % Math.max(1, this.#reads.length))]
      if (base === undefined) return []
      const shown = base.state.entries.get(key) ?? null
      return putOperations(key, shown, change.value, (path) => base.state.hasMarker(key, path)).map(
        (operation) => ({ ...operation, seen: base.seen })
      )
    }
    if (change.change === 'del') return state.entries.has(key) ? [{ type: 'unset', key, path: [] }] : []
    const paths = shownPaths(state.entries.get(key) ?? null)
    const path = paths[change.pick % Math.max(1, paths.length)]
    if (path === undefined) return []
    if (change.change === 'drop') return [{ type: 'unset', key, path }]
    const isMisplaced = change.value.kind === 'opaque' && path.length > 0
    return isMisplaced ? [] : [{ type: 'assign', key, path, value: change.value }]
  }
}

/** The paths of a shown value, `[]` first. */
export function shownPaths(shown: Value | null): string[][] {
  if (shown === null) return []
  if (shown.kind === 'opaque') return [[]]
  return pathsOfJson([], JSON.parse(shown.text))
}

function pathsOfJson(path: string[], json: unknown): string[][] {
  const names = isMap(json) ? Object.keys(json).sort(compareNames) : []
  return [path, ...names.flatMap((name) => pathsOfJson([...path, name], isMap(json) ? json[name] : null))]
}

/** Runs the commands. Device 0 creates the database. */
export function simulate({ deleteWins, owner, clocks, joined, commands }: Scenario): Run {
  const first = WRITERS[0] as string
  const devices = clocks.map((clock, place) => new Device(WRITERS[place] as string, first, clock))
  const spares = [...SPARES]
  const at = (place: number): Device => devices[place % devices.length] as Device
  const creator = at(0)
  const ownerKey = owner === null ? null : at(owner).writer
  const adds = devices
    .slice(1, joined)
    .map(({ writer }, place): Membership => ({ type: 'add', writer, name: `device ${place + 1}` }))
  creator.append([{ type: 'genesis', deleteWins, ownerKey, name: 'device 0' }, ...adds], [], 1, 0)
  for (const device of devices.slice(1, joined)) {
    device.receive(first, creator.held[first] ?? [], 0)
    device.remember()
  }

  let trueMs = 0
  const moments: Moment[] = []
  for (const command of commands) {
    const device = at(command.do === 'deliver' || command.do === 'sync' ? command.to : command.device)
    const before = device.state
    let wrote: Transaction | null = null
    if (command.do === 'deliver' || command.do === 'sync') {
      deliver(command, at(command.from), device, devices, trueMs)
    } else if (command.do === 'epoch') {
      const spare = device.isRemoved ? undefined : spares.shift()
      if (spare !== undefined) wrote = device.succeed(spare, command.lost, trueMs)
    } else if (device.isMember) {
      if (command.do === 'write') trueMs += command.passedMs
      const admits = device.endorsements()
      if (admits.length > 0) device.append(admits, [], 1, trueMs)
      wrote =
        command.do === 'write'
          ? writeOf(command, device, trueMs)
          : changeMembers(command, device, at(command.whom), trueMs)
    }
    const held = Object.fromEntries(Object.entries(device.held).map(([writer, log]) => [writer, log.length]))
    moments.push({ command, writer: device.writer, before, after: device.state, wrote, held })
  }
  const logs = Object.fromEntries(
    devices.flatMap(({ writers }) => writers.map((writer) => [writer, longest(writer, devices)]))
  )
  return { world: { first, logs }, held: devices.map((device) => device.world), moments }
}

/** What is left of a log that its device may have lost the end of. */
function longest(writer: string, devices: Device[]): Transaction[] {
  const copies = devices.map(({ held }) => held[writer] ?? [])
  return copies.reduce((best, copy) => (copy.length > best.length ? copy : best))
}

/**
 * `deliver` takes the next transactions of one log of the other device, `sync` takes all that the other device holds.
 */
function deliver(
  command: Extract<Command, { do: 'deliver' | 'sync' }>,
  from: Device,
  to: Device,
  devices: Device[],
  trueMs: number
): void {
  const writers =
    command.do === 'sync' ? devices.flatMap((device) => device.writers) : [logOf(from, command.count)]
  for (const writer of writers) {
    const log = from.held[writer] ?? []
    const have = to.held[writer]?.length ?? 0
    to.receive(writer, log.slice(have, command.do === 'sync' ? log.length : have + command.count), trueMs)
  }
  to.remember()
}

/** The newest log of a device, or one so many before it, around the end. */
function logOf({ writers }: Device, back: number): string {
  return writers.at(-1 - (back % writers.length)) as string
}

function writeOf(
  command: Extract<Command, { do: 'write' }>,
  device: Device,
  trueMs: number
): Transaction | null {
  const operations = device.operations(command.changes)
  return operations.length === 0 ? null : device.append([], operations, command.length, trueMs)
}

function changeMembers(
  command: Extract<Command, { do: 'add' | 'remove' | 'fork' }>,
  device: Device,
  whom: Device,
  trueMs: number
): Transaction | null {
  const writer = command.do === 'add' ? whom.writer : logOf(whom, command.back)
  const member = device.state.members.find((other) => other.writer === writer)
  if (command.do === 'add') {
    return member === undefined
      ? device.append([{ type: 'add', writer, name: `late ${writer.slice(0, 2)}` }], [], 1, trueMs)
      : null
  }
  if (member === undefined || (command.do === 'fork' ? member.cutOff !== null : member.removed)) return null
  // All copies of the first log agree on the genesis.
  const least = command.do === 'fork' && writer === WRITERS[0] ? 1 : 0
  const length = Math.max(least, (device.state.applied[writer] ?? 0) - command.back)
  return device.append([{ type: command.do, writer, length }], [], 1, trueMs)
}
