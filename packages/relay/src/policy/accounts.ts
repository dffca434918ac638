import b4a from 'b4a'
import { refusal, type Refusal, type RefusalCode } from '../protocol/refusal.ts'
import { type Account, type Held, Lease, type LeaseKeeper, type LeaseTerms } from './lease.ts'
import type { PolicyLimits } from './limits.ts'
import type { Meter } from './meter.ts'

/** A device that is served now. */
export interface ServedDevice {
  readonly device: Uint8Array
  /** Over both planes, registrations included. */
  readonly connections: number
  /** On the grants that it uses now, or since the start where it is on the allow-list. */
  readonly usedBytes: number
}

/** What devices have at a relay now: leases, and so many connections and pairings. Of a device that has none nothing is kept. */
export class Accounts implements LeaseKeeper {
  readonly #limits: PolicyLimits
  /** By the names of the devices. */
  readonly #all = new Map<string, Account>()
  #connections = 0

  constructor(limits: PolicyLimits) {
    this.#limits = limits
  }

  /** Connections that are held now, of all devices. */
  get connections(): number {
    return this.#connections
  }

  /** The devices that hold a connection now: a snapshot. */
  get served(): ServedDevice[] {
    return [...this.#all].flatMap(([name, { counts, leases }]) => {
      if (counts.connections === 0) return []
      // Connections by one grant share its count.
      const used = new Map([...leases].map(({ grant, usedBytes }) => [grant, usedBytes]))
      const usedBytes = [...used.values()].reduce((sum, bytes) => sum + bytes, 0)
      return [{ device: b4a.from(name, 'hex'), connections: counts.connections, usedBytes }]
    })
  }

  /** @param name - of the device */
  lease(name: string, meter: Meter, terms: LeaseTerms & { readonly device: Uint8Array }): Lease {
    const account = this.#all.get(name) ?? {
      name,
      counts: { connections: 0, pairings: 0 },
      leases: new Set()
    }
    this.#all.set(name, account)
    const lease = new Lease(this, account, meter, terms)
    account.leases.add(lease)
    return lease
  }

  /** Ends those leases for which it is so. @returns how many */
  endWhere(condition: (lease: Lease) => boolean, code: RefusalCode): number {
    const ended = [...this.#all.values()].flatMap(({ leases }) => [...leases].filter(condition))
    for (const lease of ended) lease.revoke(refusal(code))
    return ended.length
  }

  full({ counts }: Account, what: Held): Refusal | null {
    const full = what === 'connections' && this.#connections >= this.#limits.totalConnections
    if (!full && counts[what] < this.#limits[what]) return null
    return refusal('RELAY_TOO_MANY', { retryAfterMs: 1000 })
  }

  hold(account: Account, what: Held): Refusal | null {
    const full = this.full(account, what)
    if (full !== null) return full
    account.counts[what]++
    if (what === 'connections') this.#connections++
    return null
  }

  free({ counts }: Account, what: Held): void {
    counts[what]--
    if (what === 'connections') this.#connections--
  }

  end(account: Account, lease: Lease): void {
    account.leases.delete(lease)
    if (account.leases.size === 0) this.#all.delete(account.name)
  }
}
