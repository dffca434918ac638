import b4a from 'b4a'
import type { LogFork } from '../../src/log/fork-proof.ts'
import { isInRange } from '../../src/view/byte-range.ts'
import type { ByteRange, ViewStore, ViewStoreSnapshot, ViewWrite } from '../../src/view/view-store.ts'

interface Row {
  key: Uint8Array
  value: Uint8Array
}

/** Why this device began its last epoch; what `bee/epochs.ts` keeps. */
export interface EpochNote {
  previous: string
  next: string
  reason: 'copied' | 'overtaken' | 'forked'
  fork: LogFork | null
  done: boolean
}

/** The small values beside the logs. */
export interface Local {
  writer: string
  epoch: EpochNote | null
  successors: readonly string[]
  version: number
}

/** When a device's power goes, in storage writes from now. */
interface Outage {
  writes: number
  /** Whether the write it happens at is lost, too. */
  before: boolean
}

/** All that survives a killed process. Every change goes through {@link write}, which is where crashes happen. */
export class Disk {
  /** By log, in hex: its blocks here. */
  readonly logs: Map<string, Uint8Array[]>
  rows: ReadonlyMap<string, Row>
  local: Local
  writes = 0
  #outage: Outage | null = null
  #isDead = false
  #died: () => void = () => {}
  readonly died: Promise<void> = new Promise((resolve) => (this.#died = resolve))

  constructor(
    local: Local,
    logs: ReadonlyMap<string, readonly Uint8Array[]> = new Map(),
    rows: ReadonlyMap<string, Row> = new Map()
  ) {
    this.local = local
    this.logs = new Map([...logs].map(([key, blocks]) => [key, [...blocks]]))
    this.rows = rows
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** What it holds now, on another disk. */
  copy(): Disk {
    return new Disk(this.local, this.logs, this.rows)
  }

  die(): void {
    this.#isDead = true
    this.#died()
  }

  dieAt(writes: number, before: boolean): void {
    this.#outage = { writes, before }
  }

  /** One atomic write. */
  async write(change: () => void): Promise<void> {
    await Promise.resolve()
    if (this.#isDead) return never()
    this.writes++
    if (this.#outage !== null && --this.#outage.writes <= 0) {
      if (!this.#outage.before) change()
      this.die()
      return never()
    }
    change()
  }
}

/** The view's store on a disk. */
export class DiskViewStore implements ViewStore {
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  open(): Promise<void> {
    return Promise.resolve()
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return Promise.resolve(keys.map((key) => this.#disk.rows.get(b4a.toString(key, 'hex'))?.value ?? null))
  }

  write(writes: readonly ViewWrite[]): Promise<void> {
    return this.#disk.write(() => {
      const rows = new Map(this.#disk.rows)
      for (const [key, value] of writes) {
        const id = b4a.toString(key, 'hex')
        if (value === null) rows.delete(id)
        else rows.set(id, { key: b4a.from(key), value: b4a.from(value) })
      }
      this.#disk.rows = rows
    })
  }

  clear(): Promise<void> {
    return this.#disk.write(() => {
      this.#disk.rows = new Map()
    })
  }

  snapshot(): ViewStoreSnapshot {
    const { rows } = this.#disk
    return {
      iterate: (range, { reverse = false, limit = Infinity }) => iterate(rows, range, reverse, limit),
      release: () => Promise.resolve()
    }
  }

  settle(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

async function* iterate(
  rows: ReadonlyMap<string, Row>,
  range: ByteRange,
  reverse: boolean,
  limit: number
): AsyncGenerator<Row[]> {
  const found = [...rows.values()]
    .filter(({ key }) => isInRange(key, range))
    .sort((a, b) => b4a.compare(a.key, b.key))
  if (reverse) found.reverse()
  yield found.slice(0, limit)
}

/** What waits for it is forgotten with it; one promise for all would keep every device that ever died. */
function never(): Promise<never> {
  return new Promise(() => {})
}
