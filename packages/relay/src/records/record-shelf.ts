import b4a from 'b4a'
import { DeviceRecord } from './device-record.ts'

/** How a {@link RecordShelf} keeps. */
export interface RecordShelfOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** So many at most: the oldest goes first. */
  readonly most: number
}

/** Twice as long as devices make them for: whatever a clock that was ahead has written into one. */
const MOST_MS = 2 * 3_600_000

interface Kept {
  readonly record: DeviceRecord
  /** Milliseconds since 1970. */
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
   * Takes what a device says of itself, over a connection that nobody else can say anything on: the last word counts, whatever its seq. A seq is for those who hear
   * it from others; a device whose clock was ahead has used up those of now. One that has expired changes nothing, and none is kept for more than two hours.
   *
   * @returns whether it is now the one that counts
   * @throws RelayError as {@link DeviceRecord.open} does
   */
  put(bytes: Uint8Array, device: Uint8Array): boolean {
    const name = b4a.toString(device, 'hex')
    const record = DeviceRecord.open(bytes, device)
    const now = this.#options.now()
    if (record.expiresAt <= now) return false
    this.#records.delete(name)
    this.#records.set(name, { record, until: Math.min(record.expiresAt, now + MOST_MS) })
    for (const [oldest] of this.#records) {
      if (this.#records.size <= this.#options.most) break
      this.#records.delete(oldest)
    }
    return true
  }

  /** What a device has left, or `null`. */
  get(device: Uint8Array): DeviceRecord | null {
    const kept = this.#records.get(b4a.toString(device, 'hex')) ?? null
    return kept === null || kept.until <= this.#options.now() ? null : kept.record
  }

  /** Forgets what has expired. */
  sweep(): void {
    const now = this.#options.now()
    for (const [name, { until }] of this.#records) if (until <= now) this.#records.delete(name)
  }
}
