import type { Lease } from '../policy/lease.ts'
import { refusal, type Refusal } from '../protocol/refusal.ts'
import type { RawStreamLike } from './dht.ts'

/** A leg may be in debt to its rate by so long before it is cut: what was carried cannot be held up any more. */
export const PATIENCE_MS = 1000

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

/** A leg, and what of it was accounted for. */
interface Counted extends Leg {
  carried: number
}

/**
 * Two legs that libudx joins below JavaScript: packets that come in on one go out on the other, unread. What JavaScript sees is counters, and what it can do is
 * to end both.
 */
export class UdpLink {
  readonly #legs: readonly Counted[]
  readonly #onclose: (link: UdpLink) => void
  /** An end that has not shown itself by then never will. */
  readonly #boundBy: number
  #isClosed = false

  constructor(legs: readonly [Leg, Leg], boundBy: number, onclose: (link: UdpLink) => void) {
    this.#legs = legs.map((leg) => ({ ...leg, carried: 0 }))
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
    return this.#legs.reduce((sum, { carried }) => sum + carried, 0)
  }

  /**
   * Charges each device for what it has sent since the last time, so that nobody can use up what is another's, and ends what is over its bounds.
   *
   * @returns how many bytes that was
   */
  account(now: number): number {
    const bytes = this.#legs.map(({ stream, carried }) => stream.bytesReceived - carried)
    // All before any: a charge may end the link, which accounts for the rest.
    for (const leg of this.#legs) leg.carried = leg.stream.bytesReceived
    for (const [i, { session }] of this.#legs.entries()) charge(session, bytes[i] ?? 0)
    if (now >= this.#boundBy && this.#legs.some(({ stream }) => !stream.connected)) this.close()
    return bytes.reduce((sum, n) => sum + n, 0)
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
  if (bytes === 0 || session.lease.ended) return
  const waitMs = session.lease.spend(bytes)
  if (waitMs === null) session.close(refusal('RELAY_QUOTA'))
  else if (waitMs > PATIENCE_MS) session.close(refusal('RELAY_QUOTA', { retryAfterMs: waitMs }))
}
