import type { Lease } from '../policy/lease.ts'
import { refusal, type Refusal } from '../protocol/refusal.ts'
import type { RawStreamLike } from './dht.ts'

/** A leg may be in debt to its rate by so long before it is cut: what was carried cannot be held up any more. */
const PATIENCE_MS = 1000

/** Whose leg it is. */
interface LegOwner {
  readonly lease: Lease
  readonly links: Set<UdpLink>
  close(why: Refusal | null): void
}

/** One half of a relayed stream: what comes from one device. */
export interface Leg {
  readonly session: LegOwner
  readonly stream: RawStreamLike
}

/**
 * Two legs that libudx joins below JavaScript: packets that come in on one go out on the other, unread. What JavaScript sees is counters, and what it can do is
 * to end both.
 */
export class UdpLink {
  readonly #legs: readonly [Leg, Leg]
  readonly #onclose: (link: UdpLink) => void
  /** An end that has not shown itself by then never will. */
  readonly #boundBy: number
  #carried = 0
  #isClosed = false

  constructor(legs: readonly [Leg, Leg], boundBy: number, onclose: (link: UdpLink) => void) {
    this.#legs = legs
    this.#boundBy = boundBy
    this.#onclose = onclose
    for (const { session, stream } of legs) {
      session.links.add(this)
      stream.on('error', () => {})
      stream.on('close', () => this.close())
    }
  }

  /** Bytes carried so far, in both directions, as of the last `account`. */
  get carried(): number {
    return this.#carried
  }

  /**
   * Charges both devices for what was carried since the last time, and ends what is over its bounds.
   *
   * @returns how many bytes that was
   */
  account(now: number): number {
    const carried = this.#legs.reduce((sum, { stream }) => sum + stream.bytesReceived, 0)
    const bytes = carried - this.#carried
    this.#carried = carried
    if (bytes > 0) for (const { session } of this.#legs) charge(session, bytes)
    if (now >= this.#boundBy && this.#legs.some(({ stream }) => !stream.connected)) this.close()
    return bytes
  }

  /** Ends both legs: with one of them gone, the other one leads nowhere. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onclose(this)
    for (const { session, stream } of this.#legs) {
      session.links.delete(this)
      stream.destroy()
    }
  }
}

function charge(session: LegOwner, bytes: number): void {
  if (session.lease.ended) return
  const waitMs = session.lease.spend(bytes)
  if (waitMs === null) session.close(refusal('RELAY_QUOTA'))
  else if (waitMs > PATIENCE_MS) session.close(refusal('RELAY_QUOTA', { retryAfterMs: waitMs }))
}
