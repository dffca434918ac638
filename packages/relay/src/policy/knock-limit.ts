/** Hosts that are remembered: beyond, the oldest is forgotten, and begins anew. */
const HOSTS = 10_000

/** How much a {@link KnockLimit} lets through. */
export interface KnockLimitOptions {
  readonly perSecond: number
  /** At once. @defaultValue as many as in a second */
  readonly most?: number
  /** Milliseconds. */
  readonly now: () => number
}

/**
 * How often a stranger is told no. An answer costs a Noise handshake of ours, and goes to an address that may be another's; so each host gets a few a
 * second, and then silence.
 */
export class KnockLimit {
  readonly #options: Required<KnockLimitOptions>
  readonly #hosts = new Map<string, { tokens: number; at: number }>()

  constructor({ perSecond, most = perSecond, now }: KnockLimitOptions) {
    this.#options = { perSecond, most, now }
  }

  /** Takes one answer. @returns whether there was one left */
  take(host: string): boolean {
    const { perSecond, most, now } = this.#options
    const known = this.#hosts.get(host) ?? { tokens: most, at: now() }
    const earned = (Math.max(0, now() - known.at) * perSecond) / 1000
    const tokens = Math.min(most, known.tokens + earned)
    const isLeft = tokens >= 1
    this.#hosts.delete(host)
    this.#hosts.set(host, { tokens: isLeft ? tokens - 1 : tokens, at: now() })
    if (this.#hosts.size > HOSTS) this.#hosts.delete(this.#hosts.keys().next().value as string)
    return isLeft
  }

  /** The last one was no stranger. */
  giveBack(host: string): void {
    const known = this.#hosts.get(host)
    if (known !== undefined) known.tokens = Math.min(this.#options.most, known.tokens + 1)
  }
}
