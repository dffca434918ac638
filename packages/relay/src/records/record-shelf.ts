import b4a from 'b4a'
import { nameOf } from '../keys.ts'
import { DeviceRecord, MOST_LIFE_MS } from './device-record.ts'

/** How a {@link RecordShelf} keeps. */
export interface RecordShelfOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds, of a clock that is never set. */
  readonly steady: () => number
  /** So many at most: the oldest goes first. */
  readonly most: number
}

interface Kept {
  readonly record: DeviceRecord
  /** Of the steady clock: a machine that has no clock of its own begins in 1970, until it has asked for the time. */
  readonly until: number
}

/** The newest record of each device that has left one, until it expires. */
export class RecordShelf {
  readonly #options: RecordShelfOptions
  readonly #records = new Map<string, Kept>()

  constructor(options: RecordShelfOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#records.size
  }

  /** Whether a device has left just these bytes. */
  has(bytes: Uint8Array, device: Uint8Array): boolean {
    const before = this.get(device)
    return before !== null && b4a.equals(before.bytes, bytes)
  }

  /**
   * Takes what a device says of itself, over a connection that nobody else can say anything on: the last word counts, whatever its seq, which a device whose clock
   * was ahead has used up. One that has expired changes nothing, and none is kept for more than two hours.
   *
   * @returns whether it is now the one that counts
   * @throws RelayError as {@link DeviceRecord.open} does
   */
  put(bytes: Uint8Array, device: Uint8Array): boolean {
    const record = DeviceRecord.open(bytes, device)
    if (record.expiresAt <= this.#options.now()) return false
    this.#keep(record, device)
    return true
  }

  /**
   * Takes what somebody else passes on of a device. One that is not newer, has expired, or expires later than any that was signed by a right clock, changes nothing.
   *
   * @returns whether it is now the one that counts
   * @throws RelayError as {@link DeviceRecord.open} does
   */
  hear(bytes: Uint8Array, device: Uint8Array): boolean {
    // Devices repeat what they have said: that costs no signature check.
    if (this.has(bytes, device)) return false
    const record = DeviceRecord.open(bytes, device)
    const left = record.expiresAt - this.#options.now()
    if (left <= 0 || left > MOST_LIFE_MS || record.seq <= (this.get(device)?.seq ?? -1)) return false
    this.#keep(record, device)
    return true
  }

  /** What a device has left, or `null`. */
  get(device: Uint8Array): DeviceRecord | null {
    const kept = this.#records.get(nameOf(device)) ?? null
    return kept === null || this.#isOver(kept) ? null : kept.record
  }

  /** Forgets what has expired. */
  sweep(): void {
    for (const [name, kept] of this.#records) if (this.#isOver(kept)) this.#records.delete(name)
  }

  #isOver({ record, until }: Kept): boolean {
    return until <= this.#options.steady() || record.expiresAt <= this.#options.now()
  }

  #keep(record: DeviceRecord, device: Uint8Array): void {
    const name = nameOf(device)
    this.#records.delete(name)
    this.#records.set(name, { record, until: this.#options.steady() + MOST_LIFE_MS })
    for (const [oldest] of this.#records) {
      if (this.#records.size <= this.#options.most) break
      this.#records.delete(oldest)
    }
  }
}
