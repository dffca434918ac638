import { join } from 'node:path'
import { type SeededRandom, Cleanup, mesh, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import Corestore from 'corestore'
import { MultiBee } from '../../src/index.ts'
import { oracle } from '../oracle/oracle.ts'
import { worldOf } from '../support/world-blocks.ts'
import { drawFates } from './fate.ts'
import { type Device, Generation, type MemberChange } from './generation.ts'
import { Ledger, tornBatches } from './ledger.ts'
import { changedBlocks, keysIn, readLogs } from './logs.ts'
import { differencesOf } from './differences.ts'

const hex = (bytes: Uint8Array | null): string => b4a.toString(bytes as Uint8Array, 'hex')

/** Most blocks over all logs; with more the oracle takes its time. */
const MOST_BLOCKS = 200
const MOST_DEVICES = 3
/** Works one process does at most. */
const BUDGET = 20

/** What came of one round. */
export interface RoundResult {
  devices: number
  kills: number
  acknowledged: number
  blocks: number
  lost: string[]
  differences: string[]
}

/** One database on several devices, through many crashes. Each device has a directory of its own, and outlives its processes. */
export class CrashDatabase {
  readonly #directory: string
  readonly #random: SeededRandom
  readonly #encryptionKey: Uint8Array
  readonly #devices: Device[] = []
  /** All logs as they were last seen. */
  #logs = new Map<string, Uint8Array[]>()
  /** Logs that count, as of the last comparison. */
  #members: string[] = []
  #key: Uint8Array | null = null
  #count = 0

  constructor(directory: string, random: SeededRandom) {
    this.#directory = directory
    this.#random = random
    this.#encryptionKey = random.bytes(32)
  }

  get blocks(): number {
    return [...this.#logs.values()].reduce((sum, log) => sum + log.length, 0)
  }

  get isFull(): boolean {
    return this.blocks > MOST_BLOCKS
  }

  async create(): Promise<void> {
    await using cleanup = new Cleanup()
    const devices = this.#random.pick([2, 2, MOST_DEVICES])
    const first = await this.#newDevice(cleanup)
    for (let i = 1; i < devices; i++) {
      const { writerKey } = await this.#newDevice(cleanup)
      await first.addWriter(writerKey as Uint8Array, { name: `device ${i}` })
    }
    // The others have not heard of each other yet.
    this.#members = [hex(first.writerKey)]
  }

  /** Some generations of processes, which are killed; then everything is opened, brought together, and compared. */
  async round(): Promise<RoundResult> {
    const change = await this.#drawChange()
    const devices = [...this.#devices]
    const before = acknowledgedBy(devices)
    const generations = this.#random.pick([1, 1, 1, 2])
    const problems: string[] = []
    let kills = 0
    for (let i = 0; i < generations; i++) {
      const generation = new Generation({
        devices: this.#devices,
        fates: drawFates(this.#random, this.#devices.length),
        change: i === 0 ? change : null,
        seed: this.#random.integer(0, 2 ** 31 - 100),
        budget: BUDGET,
        key: hex(this.#key),
        encryptionKey: hex(this.#encryptionKey)
      })
      await generation.run()
      kills += generation.kills
      problems.push(...generation.problems)
    }
    const { lost, differences } = await this.#compare()
    const acknowledged = acknowledgedBy(devices) - before
    differences.unshift(...problems)
    return { devices: devices.length, kills, acknowledged, blocks: this.blocks, lost, differences }
  }

  /** Sometimes one is let in, or removed. Whoever was to let one in may have been killed before. */
  async #drawChange(): Promise<MemberChange | null> {
    const roll = this.#random.float()
    const members = this.#devices.filter(({ writer }) => this.#members.includes(writer))
    const by = this.#random.pick(members)
    const stranger = this.#devices.find((device) => !members.includes(device))
    if (stranger !== undefined) return { by, do: 'add', key: stranger.writer }
    if (roll < 0.15 && this.#devices.length < MOST_DEVICES) {
      await using cleanup = new Cleanup()
      const { writerKey } = await this.#newDevice(cleanup)
      return { by, do: 'add', key: hex(writerKey) }
    }
    const others = members.filter((device) => device !== by)
    if (roll > 0.88 && others.length > 1) return { by, do: 'remove', key: this.#random.pick(others).writer }
    return null
  }

  /** Opens all devices, connects them until each has all blocks, and compares what they hold and show. */
  async #compare(): Promise<{ lost: string[]; differences: string[] }> {
    await using cleanup = new Cleanup()
    const differences: string[] = []
    const opened: Opened[] = []
    for (const device of this.#devices) {
      const { db, store } = await this.#open(device.directory, cleanup)
      const wrong = device.ledger.opened(db.version)
      if (wrong !== null) differences.push(`device ${device.index}: ${wrong}`)
      if (hex(db.writerKey) !== device.writer)
        differences.push(`device ${device.index}: it went on in a new log, after nothing but kills`)
      opened.push({ device, db, store })
    }
    mesh(
      opened.map(({ db }) => db),
      { cleanup }
    )
    await untilEqual(opened, this.#logs)
    const before = this.#logs
    this.#logs = await readLogs(opened[0] as Opened, this.#encryptionKey)
    differences.push(...changedBlocks(before, this.#logs))
    // Logs that nobody has been told to let in: a device went on in a new one, if only for a while.
    const known = [...before.keys(), ...this.#devices.map(({ writer }) => writer)]
    const strange = [...this.#logs.keys()].filter((writer) => !known.includes(writer))
    differences.push(...strange.map((writer) => `log ${writer} is no device's`))
    for (const one of opened.slice(1)) {
      differences.push(
        ...changedBlocks(this.#logs, await readLogs(one, this.#encryptionKey), `device ${one.device.index}: `)
      )
    }

    const world = worldOf(hex(this.#key), this.#logs)
    const keys = keysIn(world)
    const state = oracle(world)
    for (const { device, db } of opened) {
      const found = await differencesOf(db, state, keys)
      differences.push(...found.map((text) => `device ${device.index}: ${text}`))
    }
    for (const [writer, log] of Object.entries(world.logs))
      differences.push(...tornBatches(log).map((text) => `log ${writer}: ${text}`))
    const lost = this.#devices.flatMap(({ index, ledger, writer }) =>
      ledger.lost(world.logs[writer] ?? []).map((text) => `device ${index}: ${text}`)
    )
    this.#members = state.members.filter(({ cutOff }) => cutOff === null).map(({ writer }) => writer)
    this.#retire(state.members.filter(({ cutOff }) => cutOff !== null).map(({ writer }) => writer))
    return { lost, differences }
  }

  /** A removed device was compared once more; the others keep its log. */
  #retire(writers: readonly string[]): void {
    const left = this.#devices.filter(({ writer }) => !writers.includes(writer))
    this.#devices.splice(0, this.#devices.length, ...left)
  }

  async #newDevice(cleanup: Cleanup): Promise<MultiBee> {
    const index = this.#count++
    const directory = join(this.#directory, `device-${index}`)
    const { db } = await this.#open(directory, cleanup)
    this.#key ??= db.key
    this.#devices.push({ index, directory, writer: hex(db.writerKey), sessions: 0, ledger: new Ledger() })
    return db
  }

  async #open(directory: string, cleanup: Cleanup): Promise<{ db: MultiBee; store: Corestore }> {
    const store = new Corestore(directory)
    cleanup.defer('store', () => store.close())
    const key = this.#key === null ? {} : { key: this.#key }
    const db = new MultiBee(store, { ...key, encryptionKey: this.#encryptionKey })
    cleanup.defer('stream', () => db.close())
    await db.ready()
    return { db, store }
  }
}

function acknowledgedBy(devices: readonly Device[]): number {
  return devices.reduce((sum, { ledger }) => sum + ledger.stamps.length + ledger.deleted.length, 0)
}

/** A device, open in the runner. */
interface Opened {
  device: Device
  db: MultiBee
  store: Corestore
}

/** Waits until every device has every block there is, and shows what it makes of them. */
async function untilEqual(opened: readonly Opened[], known: ReadonlyMap<string, unknown[]>): Promise<void> {
  const lengths = new Map([...known].map(([writer, log]) => [writer, log.length]))
  for (const { db, device } of opened) {
    const length = db.openedDatabase()?.logs.get(device.writer)?.available ?? 0
    if (length > 0) lengths.set(device.writer, length)
  }
  for (const { db, device } of opened) {
    const behind = (): string[] =>
      [...lengths]
        .map(([writer, length]) => ({ writer, length, has: lengthOf(db, writer) }))
        .filter(({ length, has }) => has !== length)
        .map(({ writer, length, has }) => `${has} of ${length} blocks of ${writer}`)
    await until(() => behind().length === 0, {
      message: () => `device ${device.index} to have all blocks: ${behind().join(', ')}`
    })
  }
  for (const { db } of opened) await db.openedDatabase()?.engine.settle()
}

function lengthOf(db: MultiBee, writer: string): number {
  return db.openedDatabase()?.logs.get(writer)?.available ?? 0
}
