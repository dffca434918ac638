import b4a from 'b4a'
import { checkKey } from '../arguments.ts'
import { nameOf } from '../keys.ts'
import { SCOPE } from '../policy/grant.ts'
import { KnockLimit } from '../policy/knock-limit.ts'
import { Lease } from '../policy/lease.ts'
import type { RelayPolicy } from '../policy/relay-policy.ts'
import { refusal, type Refusal } from '../protocol/refusal.ts'
import type { KnockLike } from './dht.ts'
import { PATIENCE_MS } from './udp-link.ts'
import type { UdpObserver } from './udp-observer.ts'

/** How {@link UdpAdmission} goes about it. */
export interface UdpAdmissionOptions {
  /** How often a second one host is told no. */
  readonly denialsPerSecond: number
  readonly observer: UdpObserver
  /** Milliseconds. */
  readonly now: () => number
  /** Whether nobody new is let in. */
  readonly isClosed: () => boolean
}

/** Grants that are remembered for devices that are not there yet. */
const MAX_GRANTS = 10_000

/** Who is let in over UDP, where a dial has no place for a grant, and who hears why not. */
export class UdpAdmission {
  readonly #policy: RelayPolicy
  readonly #options: UdpAdmissionOptions
  readonly #knocks: KnockLimit
  readonly #grants = new Map<string, Uint8Array>()

  constructor(policy: RelayPolicy, options: UdpAdmissionOptions) {
    this.#policy = policy
    this.#options = options
    this.#knocks = new KnockLimit({ perSecond: options.denialsPerSecond, now: options.now })
  }

  /** Remembers the grant a device has shown elsewhere: the newest, of 10,000 devices at most. Whether it is good is asked each time it is used. */
  introduce(device: Uint8Array, grant: Uint8Array): void {
    checkKey(device, 'a device')
    const name = nameOf(device)
    this.#grants.delete(name)
    this.#grants.set(name, b4a.from(grant))
    if (this.#grants.size > MAX_GRANTS) this.#grants.delete(this.#grants.keys().next().value as string)
  }

  /** hyperdht's firewall: true is silence. */
  isRefused(key: Uint8Array, knock: KnockLike, host: string): boolean {
    const admitted = this.admit(key)
    if (admitted instanceof Lease) {
      admitted.end()
      return false
    }
    if (!this.#knocks.take(host)) {
      this.#options.observer.ignored?.(admitted)
      return true
    }
    this.#options.observer.refused?.(admitted, null, host)
    // Nothing to connect a stream to: hyperdht answers with an error in the handshake, and keeps nothing.
    knock.udx = null
    return false
  }

  /** @returns its lease, to be ended by whoever asked, or why there is none: also as long as a cut for its debt would follow at once */
  admit(key: Uint8Array): Lease | Refusal {
    if (this.#options.isClosed()) return refusal('RELAY_DRAINING')
    const lease = this.#policy.admit(key, this.#grants.get(nameOf(key)) ?? null, SCOPE.UDP)
    const retryAfterMs = lease instanceof Lease ? lease.debtMs : 0
    if (!(lease instanceof Lease) || retryAfterMs <= PATIENCE_MS) return lease
    lease.end()
    return refusal('RELAY_QUOTA', { retryAfterMs })
  }
}
