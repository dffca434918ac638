/** Hosts that are remembered: beyond, the oldest is forgotten, and begins anew. */
const HOSTS = 10_000

/**
 * How often a stranger is told no. An answer costs a Noise handshake of ours, and goes to an address that may be another's; so each host gets a few a
 * second, and then silence.
 */
export class KnockLimit {
  readonly #now: () => number
  readonly #perSecond: number
  readonly #hosts = new Map<string, { tokens: number; at: number }>()

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond
    this.#now = now
  }

  /** Takes one answer. @returns whether there was one left */
  take(host: string): boolean {
    const now = this.#now()
    const known = this.#hosts.get(host) ?? { tokens: this.#perSecond, at: now }
    const earned = (Math.max(0, now - known.at) * this.#perSecond) / 1000
    const tokens = Math.min(this.#perSecond, known.tokens + earned)
    const isLeft = tokens >= 1
    this.#hosts.delete(host)
    this.#hosts.set(host, { tokens: isLeft ? tokens - 1 : tokens, at: now })
    if (this.#hosts.size > HOSTS) this.#hosts.delete(this.#hosts.keys().next().value as string)
    return isLeft
  }
}
