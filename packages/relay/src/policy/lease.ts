import type { Refusal } from '../protocol/refusal.ts'
import type { Meter } from './meter.ts'

/** What there may be only so many of at once for one key. */
export type Held = 'connections' | 'pairings'

/** What the policy keeps of a device while it is served. */
export interface Account {
  /** Of the device. */
  readonly name: string
  readonly counts: Record<Held, number>
  readonly leases: Set<Lease>
}

/** What a lease was given for. */
export interface LeaseTerms {
  /** Bits of `SCOPE`; 0 for another relay of the owner, which may watch. */
  readonly scopes: number
  /** Milliseconds since 1970; `Infinity` for the allow-list. */
  readonly expiresAt: number
  /** The name of the grant, in hex; empty for the allow-list. */
  readonly grant: string
  /** Who has signed the grant, in hex; empty for the allow-list. */
  readonly issuer: string
}

/** What a lease asks of the policy that gave it. */
export interface LeaseKeeper {
  full(account: Account, what: Held): Refusal | null
  hold(account: Account, what: Held): Refusal | null
  free(account: Account, what: Held): void
  end(account: Account, lease: Lease): void
}

/**
 * The right of one connection of a device to be served, as long as it lasts.
 *
 * Whoever was admitted calls `end` when the connection is over. It ends by itself, with a refusal, when the grant
 * expires or is revoked: `onend` is where the connection is closed then.
 */
export class Lease implements LeaseTerms {
  /** The device's public key, proven by a handshake. */
  readonly device: Uint8Array
  readonly scopes: number
  readonly expiresAt: number
  readonly grant: string
  readonly issuer: string
  /** Called once, when the policy ends it. */
  onend: ((why: Refusal) => void) | null = null
  readonly #keeper: LeaseKeeper
  readonly #account: Account
  readonly #meter: Meter
  readonly #held: Record<Held, number> = { connections: 0, pairings: 0 }
  #ended = false

  constructor(
    keeper: LeaseKeeper,
    account: Account,
    meter: Meter,
    { device, scopes, expiresAt, grant, issuer }: LeaseTerms & { readonly device: Uint8Array }
  ) {
    this.#keeper = keeper
    this.#account = account
    this.#meter = meter
    this.device = device
    this.scopes = scopes
    this.expiresAt = expiresAt
    this.grant = grant
    this.issuer = issuer
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Bytes that were spent on its grant, or by its device where it is on the allow-list, over all connections. */
  get usedBytes(): number {
    return this.#meter.usedBytes
  }

  /** How fast it may go; 0 for no limit. */
  get bytesPerSecond(): number {
    return this.#meter.bytesPerSecond
  }

  /** Whether one more could be taken now. @returns why not, or `null` */
  full(what: Held): Refusal | null {
    return this.#keeper.full(this.#account, what)
  }

  /** Takes one more. @returns why not, or `null` when it was taken; `free` gives it back, and `end` all of them */
  hold(what: Held): Refusal | null {
    const refused = this.#keeper.hold(this.#account, what)
    if (refused === null) this.#held[what]++
    return refused
  }

  /** Gives one back. */
  free(what: Held): void {
    if (this.#held[what] === 0) return
    this.#held[what]--
    this.#keeper.free(this.#account, what)
  }

  /**
   * Accounts for bytes that were carried on its behalf.
   *
   * @returns milliseconds to wait before carrying more; `null` when the quota is used up
   */
  spend(bytes: number): number | null {
    return this.#meter.spend(bytes)
  }

  /** Milliseconds until what was spent beyond the rate, over all its connections, is paid; 0 where nothing is owed. */
  get debtMs(): number {
    return this.#meter.spend(0) ?? 0
  }

  /** The connection is over. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (const what of ['connections', 'pairings'] as const) while (this.#held[what] > 0) this.free(what)
    this.#keeper.end(this.#account, this)
  }

  /** The policy's side: it is over because of this. */
  revoke(why: Refusal): void {
    if (this.#ended) return
    this.end()
    this.onend?.(why)
  }
}
