import type { Lease } from '../policy/lease.ts'
import type { Refusal } from '../protocol/refusal.ts'
import { refusal } from '../protocol/refusal.ts'
import type { BlindRelay, GuardedSession } from './blind-relay-adapter.ts'
import { type ConnectionLike, hostOf, type RawStreamLike } from './dht.ts'
import type { UdpLink } from './udp-link.ts'

/** Links of one connection at once, and pairings of it that wait to become one. */
const MAX_LINKS = 64

/** What a session tells the plane. */
export interface SessionOwner {
  readonly now: () => number
  readonly ttlMs: number
  paired(session: UdpSession, token: string, leg: RawStreamLike): void
  /** `why` is null when the device left by itself. */
  closed(session: UdpSession, why: Refusal | null): void
}

/**
 * One device's connection to the UDP plane. Whatever is refused ends it: blind-relay has no word for no, and a closed connection is heard in half a round
 * trip. A device of hyperdht has one for each stream it wants relayed, so nothing else of it ends.
 *
 * Owns the connection and its lease.
 */
export class UdpSession {
  readonly lease: Lease
  /** Where the device is. */
  readonly host: string
  /** Streams that are being relayed for it. */
  readonly links: Set<UdpLink> = new Set()
  readonly #connection: ConnectionLike
  readonly #owner: SessionOwner
  readonly #session: GuardedSession
  /** Token → when it has waited too long. */
  readonly #waiting = new Map<string, number>()
  #isClosed = false

  constructor(relay: BlindRelay, connection: ConnectionLike, lease: Lease, owner: SessionOwner) {
    this.#connection = connection
    this.lease = lease
    this.host = hostOf(connection)
    this.#owner = owner
    lease.onend = (why) => this.close(why)
    connection.on('error', () => {})
    connection.on('close', () => this.close(null))
    this.#session = relay.accept(connection, {
      onpair: (token) => this.#ask(token),
      onunpair: (token) => this.#forget(token),
      onpaired: (token, leg) => {
        this.#forget(token)
        owner.paired(this, token, leg)
      },
      onclose: () => this.close(null)
    })
  }

  /** Pairings that wait for their other half. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Nothing is relayed for it, and nothing is to be. */
  get isIdle(): boolean {
    return this.links.size + this.#waiting.size === 0
  }

  /** Forgets what has waited too long. */
  sweep(): void {
    const now = this.#owner.now()
    for (const [token, until] of this.#waiting) if (until <= now) this.#session.unpair(token)
    for (const [token, until] of this.#waiting) if (until <= now) this.#forget(token)
  }

  close(why: Refusal | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#session.close()
    this.#connection.destroy()
    this.#waiting.clear()
    for (const link of this.links) link.close()
    this.lease.end()
    this.#owner.closed(this, why)
  }

  #ask(token: string): boolean {
    // The other half of a pair is somebody else's.
    if (this.#isClosed || this.#waiting.has(token)) return false
    const isFull = this.links.size + this.#waiting.size >= MAX_LINKS
    const full = isFull ? refusal('RELAY_TOO_MANY', { retryAfterMs: 1000 }) : null
    const refused = full ?? this.lease.hold('pairings')
    if (refused !== null) {
      this.close(refused)
      return false
    }
    this.#waiting.set(token, this.#owner.now() + this.#owner.ttlMs)
    return true
  }

  /** Only one's own: blind-relay lets anybody cancel who knows the token. */
  #forget(token: string): boolean {
    if (!this.#waiting.delete(token)) return false
    this.lease.free('pairings')
    return true
  }
}
