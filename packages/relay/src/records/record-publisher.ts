import b4a from 'b4a'
import type { DhtLike } from '../dht.ts'
import type { KeyPair } from '../types.ts'
import { DeviceRecord } from './device-record.ts'

/** A relay where the device is registered, and its record is left. */
export interface RecordPlace {
  readonly relay: Uint8Array
  publish(record: Uint8Array): void
}

/** What a {@link RecordPublisher} is made with. */
export interface RecordPublisherOptions {
  readonly keyPair: KeyPair
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** How long a record holds; after half of it there is a new one. */
  readonly lifeMs: number
  /** How long a change waits for others, so that they become one record. */
  readonly pauseMs: number
  /** Where it is registered now. */
  readonly places: () => RecordPlace[]
  /** The replica set that has the relays' addresses. */
  readonly set: () => Uint8Array | null
  readonly dht: DhtLike | null
}

const MOST_RELAYS = 8

/** Says where a device can be reached: at its relays, and in the DHT; anew at half of the time the last word holds, and on every change. */
export class RecordPublisher {
  readonly #options: RecordPublisherOptions
  /** Relays that have the record. */
  readonly #told = new Set<string>()
  #record: DeviceRecord | null = null
  #timer: unknown = null
  #refresh: unknown = null
  /** Above what stands in the DHT: a clock that was once ahead has used up the seqs of now. */
  #seqAbove = 0
  #isDhtRead = false
  #closed = false

  constructor(options: RecordPublisherOptions) {
    this.#options = options
  }

  /** The newest record, or `null` before the first. */
  get record(): DeviceRecord | null {
    return this.#record
  }

  /** Where the device is registered has changed, or the set. */
  changed(): void {
    if (this.#closed || this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#publish()
    }, this.#options.pauseMs)
  }

  /** A relay may have forgotten what it was told. */
  lost(relay: Uint8Array): void {
    this.#told.delete(b4a.toString(relay, 'hex'))
    this.changed()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#refresh)
  }

  #publish(): void {
    const places = this.#options.places()
    // Where it was is where it will be again, as far as anybody knows.
    if (places.length === 0) return
    const record =
      this.#record !== null && this.#holds(this.#record, places) ? this.#record : this.#renew(places)
    for (const place of places) {
      const name = b4a.toString(place.relay, 'hex')
      if (this.#told.has(name)) continue
      this.#told.add(name)
      place.publish(record.bytes)
    }
    this.#publishBy(record)
  }

  /** Half of its life is left when it is said anew; a device that was nowhere by then does so when it is back. */
  #publishBy({ expiresAt }: DeviceRecord): void {
    const { now, lifeMs, pauseMs } = this.#options
    const left = expiresAt - now() - lifeMs / 2
    clearTimeout(this.#refresh)
    this.#refresh = setTimeout(() => this.#publish(), Math.min(Math.max(left, pauseMs), lifeMs / 2))
  }

  #holds({ expiresAt, seq, relays, set }: DeviceRecord, places: readonly RecordPlace[]): boolean {
    const { now, lifeMs } = this.#options
    const left = expiresAt - now()
    // More than its whole life: the clock was set back.
    if (left <= lifeMs / 2 || left > lifeMs || seq <= this.#seqAbove) return false
    const known = this.#setFor(places)
    const isSame = set === null ? known === null : known !== null && b4a.equals(set, known)
    const all = new Set(relays.map((key) => b4a.toString(key, 'hex')))
    return (
      isSame &&
      all.size === Math.min(places.length, MOST_RELAYS) &&
      places.slice(0, MOST_RELAYS).every(({ relay }) => all.has(b4a.toString(relay, 'hex')))
    )
  }

  #renew(places: readonly RecordPlace[]): DeviceRecord {
    const { keyPair, now, lifeMs, dht } = this.#options
    const seq = Math.max(now(), (this.#record?.seq ?? 0) + 1, this.#seqAbove + 1)
    const relays = places.slice(0, MOST_RELAYS).map(({ relay }) => relay)
    const record = DeviceRecord.sign(
      { seq, expiresAt: now() + lifeMs, relays, set: this.#setFor(places) },
      keyPair
    )
    this.#record = record
    this.#told.clear()
    // Keys alone help nobody who does not have the relays anyway. The next one comes in time, whatever came of this.
    if (record.set !== null && dht !== null) this.#tellDht(dht, record).catch(() => {})
    return record
  }

  /** Nodes of the DHT refuse what is not above what they have. */
  async #tellDht(dht: DhtLike, record: DeviceRecord): Promise<void> {
    const { keyPair } = this.#options
    if (!this.#isDhtRead && dht.mutableGet !== undefined) {
      const before = await dht.mutableGet(keyPair.publicKey, { latest: true }).catch(() => undefined)
      // Until somebody has answered it is asked again.
      this.#isDhtRead = before !== undefined
      if (this.#closed || this.#record !== record) return
      const seq = before?.seq ?? 0
      if (seq >= record.seq && seq < Number.MAX_SAFE_INTEGER) {
        this.#seqAbove = seq
        return this.#publish()
      }
    }
    await dht.mutablePut?.(keyPair, record.bytes, { seq: record.seq })
  }

  #setFor(places: readonly RecordPlace[]): Uint8Array | null {
    const set = this.#options.set()
    return set !== null && DeviceRecord.hasRoom(Math.min(places.length, MOST_RELAYS), set.length) ? set : null
  }
}
