import b4a from 'b4a'
import { isDeepStrictEqual } from 'node:util'
import { seededRandom, type SeededRandom } from '@cloudpal/test-kit'
import type { Engine } from '../../src/engine/engine.ts'
import type { MembershipRecord } from '../../src/merge/transaction.ts'
import type { Outcome } from './outcome.ts'
import { shownByOracle, type Shown } from '../support/shown.ts'
import { oracleOver, shownOf, statusByOracle, statusOf } from './check.ts'
import { Disk } from './disk.ts'
import { Keys } from './keys.ts'
import { carry, deliver, type Parcel } from './network.ts'
import { SimDevice, type SimClock, type Surroundings } from './sim-device.ts'

const START_MS = 1_700_000_000_000
const YEAR_MS = 365 * 24 * 3_600_000
const KEYS = ['a', 'b', 'c', 'd']
/** Rounds in which all devices meet, before it counts as not coming to rest. */
const MAX_ROUNDS = 40
/** Turns of the event loop in which what does not wait for time or a disk must be done. */
const TURNS = 20

/** A value that a device was told is written. */
interface Acknowledged {
  device: SimDevice
  value: string
  /** Whether the device's store was moved since. */
  isMoved: boolean
}

/** Something that can happen. */
export interface Action {
  weight: number
  /** Returns when it has begun; what it started may still be going on. */
  run(simulation: Simulation): unknown
}

/** One run: devices, what they hold, and the network between them. Everything that happens comes from the seed. */
export class Simulation implements Surroundings {
  readonly seed: number
  readonly random: SeededRandom
  readonly keys: Keys
  readonly first: string
  readonly devices: SimDevice[] = []
  readonly entryKeys: readonly string[] = KEYS
  readonly parcels: Parcel[] = []
  readonly backups: { of: SimDevice; disk: Disk }[] = []
  /** Pairs that cannot reach each other, as `a b`. */
  readonly walls = new Set<string>()
  readonly acknowledged: Acknowledged[] = []
  readonly counts: Outcome = {
    steps: 0,
    writes: 0,
    crashes: 0,
    restores: 0,
    epochs: 0,
    forks: 0,
    removals: 0,
    split: 0
  }
  readonly #actions: readonly Action[]
  readonly #tell: (line: string) => void
  #ms = START_MS

  constructor(seed: number, actions: readonly Action[], tell: (line: string) => void) {
    this.seed = seed
    this.#actions = actions
    this.random = seededRandom(seed)
    this.keys = new Keys(seed)
    this.first = this.keys.make()
    this.#tell = tell
  }

  now(): number {
    return this.#ms
  }

  pass(ms: number): void {
    this.#ms += ms
  }

  /** A line of the run's story. */
  tell(line: string): void {
    this.#tell(line)
  }

  async run(): Promise<Outcome> {
    await this.#begin()
    const steps = this.random.integer(20, 90)
    for (let step = 0; step < steps; step++) {
      this.counts.steps++
      this.pass(this.random.pick([0, 0, 1, 5, 1000, 120_000]))
      const action = this.#choose()
      await action.run(this)
      // Sometimes the next thing happens while this one is still going on.
      if (this.random.float() < 0.7) await this.rest()
      else for (let i = this.random.integer(0, 12); i > 0; i--) await Promise.resolve()
    }
    await this.rest()
    await this.#converge()
    this.counts.epochs = this.devices.reduce((sum, { epochs }) => sum + epochs.length, 0)
    return this.counts
  }

  get on(): SimDevice[] {
    return this.devices.filter(({ isOn }) => isOn)
  }

  canMeet(a: SimDevice, b: SimDevice): boolean {
    return (
      a !== b &&
      a.isOn &&
      b.isOn &&
      !this.walls.has(`${a.name} ${b.name}`) &&
      !this.walls.has(`${b.name} ${a.name}`)
    )
  }

  makeDevice(disk: Disk): SimDevice {
    const device = new SimDevice(String.fromCharCode(65 + this.devices.length), disk, this.#clock(), this)
    this.devices.push(device)
    return device
  }

  /** Lets everything happen that can happen now. A device whose power has gone is off then. */
  async rest(): Promise<void> {
    await turns(TURNS)
    for (const device of this.devices) {
      if (!device.disk.isDead) continue
      this.tell(`${device.name} has lost its power`)
      this.counts.crashes++
      device.kill()
    }
  }

  /** Starts a device. @returns once it is on, or its power has gone */
  async start(device: SimDevice): Promise<void> {
    const isDone = await this.#finish(device, device.open())
    if (isDone && device.isOn) await this.check(device)
  }

  /** Ends a device in good order. */
  async stop(device: SimDevice): Promise<void> {
    await this.#finish(device, device.shut())
  }

  /** A device must show exactly what the oracle makes of the logs that it holds. */
  async check(device: SimDevice): Promise<void> {
    if (!device.isOn) return
    await this.#finish(device, device.engine.settle())
    if (!device.isOn) return
    const expected = oracleOver(device, this.first)
    const shown = await this.#finish(device, shownOf(device, KEYS))
    if (shown === null) return
    this.#demand(device, 'what it shows', shown, shownByOracle(expected, KEYS))
    const status = await this.#finish(device, statusOf(device))
    this.#demand(device, 'its status', status, statusByOracle(expected))
    if (device.failures.length > 0)
      throw new Error(`${device.name} has failed: ${String(device.failures[0])}`)
  }

  /** Waits for something a device does. @returns null when its power went first */
  async #finish<T>(device: SimDevice, doing: Promise<T>): Promise<T | null> {
    const { disk } = device
    const outcome = await Promise.race([
      doing.then((value) => ({ value })),
      disk.died.then(() => 'dead' as const),
      // What it does takes no time but turns of the event loop.
      turns(TURNS).then(() => 'stuck' as const)
    ])
    if (disk.isDead) {
      await this.rest()
      return null
    }
    if (typeof outcome === 'string') throw new Error(`${device.name} does not come to an end`)
    return outcome.value
  }

  #demand(device: SimDevice, what: string, actual: unknown, expected: unknown): void {
    if (isDeepStrictEqual(actual, expected)) return
    const lines = [
      `${device.name}: ${what} differs from the oracle`,
      difference(actual, expected),
      this.#picture()
    ]
    throw new Error(lines.join('\n'))
  }

  async #begin(): Promise<void> {
    const count = this.random.integer(2, 5)
    for (let i = 0; i < count; i++) {
      const writer = i === 0 ? this.first : this.keys.make()
      this.makeDevice(new Disk({ writer, epoch: null, successors: [], version: 0 }))
    }
    const [creator, ...others] = this.devices as [SimDevice, ...SimDevice[]]
    await this.start(creator)
    const owner = this.random.float() < 0.3 ? this.random.pick(this.devices) : null
    const genesis = {
      type: 'genesis' as const,
      deleteWins: this.random.float() < 0.3,
      ownerKey: owner === null ? null : keyBytes(owner.disk.local.writer),
      name: creator.name
    }
    const adds = others
      .filter(() => this.random.float() < 0.8)
      .map(({ name, disk }) => ({ type: 'add' as const, writer: keyBytes(disk.local.writer), name }))
    await this.#finish(creator, creator.engine.submit({ type: 'membership', records: [genesis, ...adds] }))
    this.tell(
      `${this.devices.map(({ name, clock }) => `${name} (${clock.offsetMs} ms, ×${clock.rate})`).join(', ')}; owner ${owner?.name ?? 'none'}; deletes ${genesis.deleteWins ? 'win' : 'lose'}`
    )
    for (const device of others) await this.start(device)
  }

  #clock(): SimClock {
    const offsetMs = this.random.pick([0, 0, 0, YEAR_MS, -YEAR_MS, 61_000, 1])
    return { offsetMs, rate: this.random.pick([1, 1, 1, 0, -1] as const) }
  }

  #choose(): Action {
    const total = this.#actions.reduce((sum, { weight }) => sum + weight, 0)
    let at = this.random.integer(1, total)
    for (const action of this.#actions) {
      at -= action.weight
      if (at <= 0) return action
    }
    throw new Error('the weights do not add up')
  }

  /** Everybody meets everybody until nothing is left to say; then all must agree. */
  async #converge(): Promise<void> {
    this.tell('everybody meets')
    this.walls.clear()
    for (const parcel of this.parcels.splice(0)) deliver(parcel)
    for (let round = 0; ; round++) {
      if (round === MAX_ROUNDS) throw new Error(`the devices do not come to rest\n${this.#picture()}`)
      for (const device of this.devices) if (!device.isOn) await this.start(device)
      const before = this.#size()
      for (const from of this.devices)
        for (const to of this.devices) if (this.canMeet(from, to)) await carry(from, to)
      await this.rest()
      for (const device of this.on) device.elapse()
      await this.rest()
      if (this.on.length === this.devices.length && this.#size() === before) break
    }
    for (const device of this.devices) await this.check(device)
    if (this.#isSplit()) {
      this.counts.split++
      return
    }
    const [first, ...others] = await Promise.all(this.devices.map((device) => shownOf(device, KEYS)))
    for (const [i, other] of others.entries())
      this.#demand(
        this.devices[i + 1] as SimDevice,
        `what it shows (the expected is ${this.devices[0]?.name}'s)`,
        other,
        first
      )
    if (first !== undefined) this.#demandAcknowledged(first)
  }

  /** The blocks that hold a value. */
  #whereIs(value: string): string {
    const places = this.devices.flatMap(({ name, logs }) =>
      [...logs].flatMap(([key, { blocks }]) =>
        [...blocks.keys()]
          .filter((seq) => b4a.toString(blocks[seq] as Uint8Array, 'latin1').includes(value))
          .map((seq) => `${name} has it in ${key.slice(0, 4)} at ${seq}`)
      )
    )
    return places.join(', ')
  }

  /** What every device holds of every log. */
  #picture(): string {
    const lines = this.devices.map((device) => {
      const logs = [...device.logs].map(
        ([key, { blocks, available, fork }]) =>
          `${key.slice(0, 4)}: ${available}/${blocks.length}${fork === null ? '' : ` forked at ${fork.agreed}`}`
      )
      const members = !device.isOn
        ? []
        : device.engine.state.membership.members.map(
            ({ writer, cutOff, removed, previous }) =>
              `${b4a.toString(device.engine.state.writers.keyOf(writer), 'hex').slice(0, 4)}${cutOff === null ? '' : ` ${removed ? 'removed' : 'cut'} at ${cutOff.length}`}${previous === null ? '' : ' successor'}`
          )
      return `${device.name} (members ${members.join(', ')}) writes ${device.isOn ? device.writer.slice(0, 4) : '-'}; ${logs.join(', ')}; failures ${device.failures.length}: ${device.failures.slice(0, 2).join()}`
    })
    return lines.join('\n')
  }

  /** Blocks and logs that are anywhere. */
  #size(): number {
    let size = 0
    for (const { logs } of this.devices)
      for (const log of logs.values()) size += 1 + log.blocks.length + (log.fork === null ? 0 : 1000)
    return size
  }

  /**
   * Whether copies of a log differ below where all that are members could cut it: only so for a writer that was removed, or when nobody may
   * write; or when one copy removes itself, and nobody but the device that wrote it may say that there is another.
   */
  #isSplit(): boolean {
    let isSplit = false
    for (const { logs, engine } of this.devices) {
      const { membership, writers } = engine.state
      for (const [key, { fork }] of logs) {
        if (fork === null) continue
        this.counts.forks++
        const member = membership.get(writers.find(keyBytes(key)))
        isSplit ||= this.#removesItself(engine, key, fork.agreed)
        if (member === undefined || (member.cutOff !== null && member.cutOff.length <= fork.agreed)) continue
        // Of a copy that is gone only those may know who may not write.
        if (
          this.devices.every(({ isWritable, logs: others }) => !isWritable || !others.get(key)?.fork) &&
          this.#isOne(key)
        )
          continue
        const nobody = this.devices.every(({ isWritable }) => !isWritable)
        if (!member.removed && !nobody)
          throw new Error(`a fork of ${key.slice(0, 8)} at ${fork.agreed} was never cut\n${this.#picture()}`)
        isSplit = true
      }
    }
    return isSplit
  }

  /** Whether all copies of a log are the same as far as they go. */
  #isOne(key: string): boolean {
    const copies = this.devices.map(({ logs }) => logs.get(key)?.blocks ?? [])
    const longest = copies.reduce((a, b) => (b.length > a.length ? b : a))
    return copies.every((copy) => copy.every((block, i) => block === longest[i]))
  }

  #removesItself({ state }: Engine, key: string, agreed: number): boolean {
    const { controls, writers } = state
    const isRemoval = (record: MembershipRecord): boolean =>
      record.type === 'remove' && b4a.equals(record.writer, keyBytes(key))
    return (
      controls
        .of(writers.find(keyBytes(key)))
        .some(({ seq, membership }) => seq >= agreed && membership.some(isRemoval)) &&
      this.devices.every((device) => !device.isWritable || device.hasWritten(key))
    )
  }

  /** What a device was told is written is shown everywhere, or somewhere in a log when one that the device wrote was removed. */
  #demandAcknowledged({ entries }: Shown): void {
    const shown = new Set(entries.map(([key]) => key))
    const blocks = this.devices.flatMap(({ logs }) => [...logs.values()].flatMap((log) => log.blocks))
    const written = blocks.map((block) => b4a.toString(block, 'latin1')).join('\n')
    for (const { device, value, isMoved } of this.acknowledged) {
      // What a fork cuts off a log that was left because its store was moved is not written again.
      const isShown = device.isUntouched && !(isMoved && device.isForked)
      const isThere = isShown ? shown.has(`keep/${value}`) : written.includes(value)
      if (!isThere)
        throw new Error(
          `${device.name} was told that ${value} is written, and it is gone\n${this.#whereIs(value)}\n${this.#picture()}`
        )
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function keyBytes(key: string): Uint8Array {
  return b4a.from(key, 'hex')
}

function difference(actual: unknown, expected: unknown): string {
  const [left, right] = [actual, expected].map((value) => JSON.stringify(value, null, 1).split('\n')) as [
    string[],
    string[]
  ]
  const at = left.findIndex((line, i) => line !== right[i])
  const around = (lines: string[]): string => lines.slice(Math.max(0, at - 12), at + 8).join('\n')
  return `actual:\n${around(left)}\nexpected:\n${around(right)}`
}
