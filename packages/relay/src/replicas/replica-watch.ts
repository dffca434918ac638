import { dialRelayWire } from '../addresses/dial-relay-wire.ts'
import { grantNow, type RelayAddress } from '../addresses/relay-address.ts'
import { monotonic } from '../monotonic.ts'
import { RelayLink } from '../paths/relay-link.ts'
import type { KeyPair } from '../types.ts'
import { BEATS_TO_MISS } from './heartbeat.ts'

/** What a {@link ReplicaWatch} tells. */
export interface ReplicaWatchEvents {
  /** @returns false for what is no beat: the replica is left for a while */
  onbeat(record: Uint8Array): boolean
  onset(record: Uint8Array): void
  /** The newest set, which the other side may not know: it may look for this one where it was before. `null` where it is too long. */
  set(): Uint8Array | null
  /** Of the newest replica set that is known. */
  setSeq(): number
  onreached(): void
  /** It could not be reached, or its connection is gone. @returns milliseconds until it is tried again */
  onlost(): number
}

/** Somebody who comes and goes, and whose address answers nobody, makes no more dials than that. */
const HURRY_MS = 1_000
/** Between two pings: one of each answer, and news. Each costs a signature check. */
const MOST_BEATS = 16

/** One replica listens to another one's beats: a standing connection, which asks for the next beat every interval, and comes back by itself. */
export class ReplicaWatch {
  readonly #address: RelayAddress
  readonly #keyPair: KeyPair
  readonly #intervalMs: number
  readonly #events: ReplicaWatchEvents
  #link: RelayLink | null = null
  #timer: unknown = null
  #missed = 0
  #beats = 0
  #hurriedAt = -Infinity
  #isWatching = false
  #closed = false

  /** It begins at once. */
  constructor(address: RelayAddress, keyPair: KeyPair, intervalMs: number, events: ReplicaWatchEvents) {
    this.#address = address
    this.#keyPair = keyPair
    this.#intervalMs = intervalMs
    this.#events = events
    this.#dial()
  }

  /** The other one is there: it is tried now, whatever was to be waited for, but not more than once in a second for it. */
  hurry(): void {
    const now = monotonic()
    if (this.#link !== null || this.#closed || now < this.#hurriedAt + HURRY_MS) return
    this.#hurriedAt = now
    this.#dial()
  }

  /** Whether that is where it looks. */
  isAt(address: RelayAddress | null): boolean {
    const { tcp, ws } = this.#address
    return address?.tcp?.host === tcp?.host && address?.tcp?.port === tcp?.port && address?.ws === ws
  }

  /** Says a newer set, once the other side listens. */
  tellSet(set: Uint8Array): void {
    if (this.#isWatching) this.#link?.tellSet(set)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#link?.destroy()
  }

  #dial(): void {
    clearTimeout(this.#timer)
    this.#missed = 0
    this.#beats = 0
    this.#isWatching = false
    const { publicKey: relay, grant } = this.#address
    const link: RelayLink = new RelayLink(
      dialRelayWire(this.#address),
      { keyPair: this.#keyPair, relay, grant: grantNow(grant) },
      {
        onwelcome: () => {
          this.#events.onreached()
          link.watch(this.#intervalMs, this.#events.setSeq())
          this.#isWatching = true
          const set = this.#events.set()
          if (set !== null) link.tellSet(set)
          link.ping()
        },
        onpong: () => {
          this.#missed = 0
        },
        onbeat: (record) => {
          this.#beats++
          if (this.#beats <= MOST_BEATS && this.#events.onbeat(record)) return
          // What has come with it is not looked at either.
          this.#beats = MOST_BEATS
          link.destroy()
        },
        onset: (record) => this.#events.onset(record),
        onclose: () => this.#onclose()
      }
    )
    this.#link = link
    this.#later(this.#intervalMs, () => this.#ping())
  }

  #ping(): void {
    if (this.#missed >= BEATS_TO_MISS) return this.#link?.destroy()
    this.#missed++
    this.#beats = 0
    this.#link?.ping()
    const dueAt = monotonic() + this.#intervalMs
    this.#later(this.#intervalMs, () => {
      // Who was held up itself, or asleep, has not read the answers yet: that is no silence of the other side.
      if (monotonic() > dueAt + this.#intervalMs / 2) this.#missed = 0
      this.#ping()
    })
  }

  #onclose(): void {
    this.#link = null
    if (this.#closed) return
    this.#later(this.#events.onlost(), () => this.#dial())
  }

  #later(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
  }
}
