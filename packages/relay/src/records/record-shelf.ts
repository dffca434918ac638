import b4a from 'b4a'
import { DeviceRecord, MOST_LIFE_MS } from './device-record.ts'

/** How a {@link RecordShelf} keeps. */
export interface RecordShelfOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** So many at most: the oldest goes first. */
  readonly most: number
}

/** The newest record of each device that has left one, until it expires. */
export class RecordShelf {
  readonly #options: RecordShelfOptions
  readonly #records = new Map<string, DeviceRecord>()

  constructor(options: RecordShelfOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#records.size
  }

  /**
   * Takes a record. One that is not newer, has expired, or expires later than any that was signed by a right clock, changes nothing.
   *
   * @returns whether it is now the one that counts
   * @throws RelayError as {@link DeviceRecord.open} does
   */
  put(bytes: Uint8Array, device: Uint8Array): boolean {
    const name = b4a.toString(device, 'hex')
    const before = this.#records.get(name)
    // Devices repeat what they have said: that costs no signature check.
    if (before !== undefined && b4a.equals(before.bytes, bytes)) return false
    const record = DeviceRecord.open(bytes, device)
    const left = record.expiresAt - this.#options.now()
    if (left <= 0 || left > MOST_LIFE_MS || (before !== undefined && record.seq <= before.seq)) return false
    this.#records.delete(name)
    this.#records.set(name, record)
    for (const [oldest] of this.#records) {
      if (this.#records.size <= this.#options.most) break
      this.#records.delete(oldest)
    }
    return true
  }

  /** What a device has left, or `null`. */
  get(device: Uint8Array): DeviceRecord | null {
    const record = this.#records.get(b4a.toString(device, 'hex')) ?? null
    return record === null || record.expiresAt <= this.#options.now() ? null : record
  }

  /** Forgets what has expired. */
  sweep(): void {
    const now = this.#options.now()
    for (const [name, { expiresAt }] of this.#records) if (expiresAt <= now) this.#records.delete(name)
  }
}
