import { dialRelayWire } from '../client/dial.ts'
import type { RelayAddress } from '../client/options.ts'
import { monotonic } from '../monotonic.ts'
import { RelayLink } from '../paths/relay-link.ts'
import type { KeyPair } from '../types.ts'

/** What a {@link ReplicaWatch} tells. */
export interface ReplicaWatchEvents {
  onbeat(record: Uint8Array): void
  onset(record: Uint8Array): void
  /** Of the newest replica set that is known. */
  setSeq(): number
  onreached(): void
  /** It could not be reached, or its connection is gone. @returns milliseconds until it is tried again */
  onlost(): number
}

/** So many beats may be missed; with the third one it is dead. */
const BEATS_TO_MISS = 3
/** Somebody who comes and goes, and whose address answers nobody, makes no more dials than that. */
const HURRY_MS = 1_000

/** One replica listens to another one's beats: a standing connection, which asks for the next beat every interval, and comes back by itself. */
export class ReplicaWatch {
  readonly #address: RelayAddress
  readonly #keyPair: KeyPair
  readonly #intervalMs: number
  readonly #events: ReplicaWatchEvents
  #link: RelayLink | null = null
  #timer: unknown = null
  #missed = 0
  #hurriedAt = -Infinity
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

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#link?.destroy()
  }

  #dial(): void {
    clearTimeout(this.#timer)
    this.#missed = 0
    const { publicKey: relay, grant = null } = this.#address
    const link: RelayLink = new RelayLink(
      dialRelayWire(this.#address),
      { keyPair: this.#keyPair, relay, grant },
      {
        onwelcome: () => {
          this.#events.onreached()
          link.watch(this.#intervalMs, this.#events.setSeq())
          link.ping()
        },
        onpong: () => {
          this.#missed = 0
        },
        onbeat: (record) => this.#events.onbeat(record),
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
