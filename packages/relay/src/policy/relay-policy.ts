import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import { refusal, type Refusal, type RefusalCode } from '../protocol/refusal.ts'
import { ALL_SCOPES, type Grant, LEAST_BYTES_PER_SECOND, readGrant } from './grant.ts'
import { type Account, type Held, Lease, type LeaseTerms } from './lease.ts'
import { Meter, type MeterLimits } from './meter.ts'

/** How much one relay gives. */
export interface PolicyLimits extends MeterLimits {
  /** Connections of one key at once, registrations included. @defaultValue 64 */
  connections: number
  /** Pairings of one key that wait for their other half. @defaultValue 64 */
  pairings: number
  /** Connections of all keys at once. @defaultValue 10,000 */
  totalConnections: number
  /** Bytes a second of a device on the allow-list, 65,536 or more; a grant has its own. @defaultValue 0, no limit */
  bytesPerSecond: number
  /** Bytes in all of a device on the allow-list, since the relay started. @defaultValue 0, no limit */
  quotaBytes: number
}

/** Options of a {@link RelayPolicy}. */
export interface PolicyOptions {
  /** Whose grants count: the owner's keys. @defaultValue none */
  issuers?: Iterable<Uint8Array>
  /** Devices that need no grant. @defaultValue none */
  allow?: Iterable<Uint8Array>
  limits?: Partial<PolicyLimits>
  /** Milliseconds since 1970. @defaultValue Date.now for when grants expire, and for all durations a clock that nobody sets */
  now?: () => number
}

/** A device that is served now. */
export interface ServedDevice {
  readonly device: Uint8Array
  /** Over both planes, registrations included. */
  readonly connections: number
  /** On the grants that it uses now, or since the start where it is on the allow-list. */
  readonly usedBytes: number
}

export const LIMITS: PolicyLimits = {
  connections: 64,
  pairings: 64,
  totalConnections: 10_000,
  bytesPerSecond: 0,
  quotaBytes: 0
}

/**
 * Who is served, and how much: one for both planes of a relay, so that a limit is one limit.
 *
 * No key, no service: without an issuer or an allowed device it refuses everybody. Holds memory for devices that
 * were admitted, never for those that were refused. What was used and revoked is forgotten when the process ends:
 * pass revocations again, and let grants be short.
 */
export class RelayPolicy {
  readonly #relay: Uint8Array
  #issuers: Set<string>
  readonly #allowed: Set<string>
  readonly #watchers = new Set<string>()
  readonly #limits: PolicyLimits
  readonly #now: () => number
  /** For rates. */
  readonly #steady: () => number
  readonly #accounts = new Map<string, Account>()
  readonly #meters = new Map<string, { meter: Meter; expiresAt: number }>()
  readonly #revoked = new Set<string>()
  #connections = 0

  /**
   * @param relay - the relay's own public key, which grants name
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`
   */
  constructor(relay: Uint8Array, { issuers = [], allow = [], limits = {}, now }: PolicyOptions = {}) {
    this.#relay = relay
    this.#issuers = new Set([...issuers].map(keyName))
    this.#allowed = new Set([...allow].map(keyName))
    this.#limits = { ...LIMITS, ...limits }
    this.#now = now ?? Date.now
    this.#steady = now ?? monotonic
    if (!Object.values(this.#limits).every((n) => Number.isSafeInteger(n) && n >= 0))
      throw new RelayError('RELAY_BAD_ARGUMENT', 'limits are whole numbers, not negative')
    const { bytesPerSecond } = this.#limits
    if (bytesPerSecond > 0 && bytesPerSecond < LEAST_BYTES_PER_SECOND)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'bytesPerSecond is 0 for no limit, or 65,536 or more')
  }

  /** Connections that are held now, of all devices. */
  get connections(): number {
    return this.#connections
  }

  /** The devices that hold a connection now: a snapshot. */
  get served(): ServedDevice[] {
    return [...this.#accounts].flatMap(([name, { counts, leases }]) => {
      if (counts.connections === 0) return []
      // Connections by one grant share its count.
      const used = new Map([...leases].map(({ grant, usedBytes }) => [grant, usedBytes]))
      const usedBytes = [...used.values()].reduce((sum, bytes) => sum + bytes, 0)
      return [{ device: b4a.from(name, 'hex'), connections: counts.connections, usedBytes }]
    })
  }

  /**
   * Decides about a device whose key a handshake has proven.
   *
   * @param device - its public key, 32 bytes
   * @param grant - the bytes it showed, if any
   * @returns its lease, or why there is none. Costs one signature check where there is a grant.
   */
  admit(device: Uint8Array, grant: Uint8Array | null = null): Lease | Refusal {
    const name = keyName(device)
    if (this.#revoked.has(name)) return refusal('RELAY_REVOKED')
    if (grant === null || grant.length === 0) return this.#admitAllowed(device, name)
    const read = readGrant(grant)
    const refused = read === null ? refusal('RELAY_BAD_GRANT') : this.#refuse(read, device)
    if (read === null || refused !== null) return refused ?? refusal('RELAY_BAD_GRANT')
    const { scopes, expiresAt, nonce } = read
    const issuer = keyName(read.issuer)
    const meter = this.#meterOf(`${name}/${b4a.toString(nonce, 'hex')}`, read, expiresAt)
    if (meter.spent) return refusal('RELAY_QUOTA')
    return this.#lease(device, name, meter, { scopes, expiresAt, issuer, grant: b4a.toString(nonce, 'hex') })
  }

  /**
   * Ends the service of a device, or of one grant, at once and for good: live connections too.
   *
   * @param what - a device's public key (32 bytes), or the nonce of a grant (16 bytes)
   * @returns how many leases were ended
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT` for anything else, such as a whole grant
   */
  revoke(what: Uint8Array): number {
    if (!(what instanceof Uint8Array) || (what.length !== 32 && what.length !== 16))
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a key of 32 bytes, or the nonce of a grant, of 16')
    const name = b4a.toString(what, 'hex')
    this.#revoked.add(name)
    return this.#endWhere((lease) => lease.grant === name || keyName(lease.device) === name, 'RELAY_REVOKED')
  }

  /**
   * Serves a device without a grant from now on.
   *
   * @returns false when the device was revoked: that is for good
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`
   */
  allow(device: Uint8Array): boolean {
    const name = keyName(device)
    this.#allowed.add(name)
    return !this.#revoked.has(name)
  }

  /** Serves a device without a grant no longer; what it has now ends. Unlike a revocation it can be taken back. */
  disallow(device: Uint8Array): void {
    const name = keyName(device)
    this.#allowed.delete(name)
    this.#endWhere((lease) => lease.grant === '' && keyName(lease.device) === name, 'RELAY_DENIED')
  }

  /**
   * Lets another relay of the owner come, and do nothing of what devices do; `unwatch` ends that. Neither has to do with the allow-list.
   *
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`
   */
  watch(relay: Uint8Array): void {
    this.#watchers.add(keyName(relay))
  }

  /** It is no longer one of the owner's relays. */
  unwatch(relay: Uint8Array): void {
    this.#watchers.delete(keyName(relay))
    this.#endWhere((lease) => lease.scopes === 0 && keyName(lease.device) === keyName(relay), 'RELAY_DENIED')
  }

  /**
   * Whose grants count from now on; what others have granted ends at once.
   *
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`; the issuers before stay then
   */
  useIssuers(issuers: Iterable<Uint8Array>): void {
    this.#issuers = new Set([...issuers].map(keyName))
    this.#endWhere(({ issuer }) => issuer !== '' && !this.#issuers.has(issuer), 'RELAY_BAD_GRANT')
  }

  /** Whether what a lease stood for would be granted anew, also when the lease has ended. */
  stands({
    device,
    grant,
    issuer,
    expiresAt,
    scopes
  }: LeaseTerms & { readonly device: Uint8Array }): boolean {
    const name = keyName(device)
    if (this.#revoked.has(name) || this.#revoked.has(grant) || expiresAt <= this.#now()) return false
    if (grant !== '') return this.#issuers.has(issuer)
    return this.#allowed.has(name) || (scopes === 0 && this.#watchers.has(name))
  }

  /** Ends what has expired. Whoever owns the policy calls it every second or so. */
  sweep(): void {
    const now = this.#now()
    this.#endWhere(({ expiresAt }) => expiresAt <= now, 'RELAY_GRANT_EXPIRED')
    for (const [name, { expiresAt }] of this.#meters) if (expiresAt <= now) this.#meters.delete(name)
  }

  #admitAllowed(device: Uint8Array, name: string): Lease | Refusal {
    const scopes = this.#allowed.has(name) ? ALL_SCOPES : 0
    if (scopes === 0 && !this.#watchers.has(name)) return refusal('RELAY_DENIED')
    const meter = this.#meterOf(name, this.#limits, Infinity)
    if (meter.spent) return refusal('RELAY_QUOTA')
    return this.#lease(device, name, meter, { scopes, expiresAt: Infinity, grant: '', issuer: '' })
  }

  #refuse(grant: Grant, device: Uint8Array): Refusal | null {
    if (!this.#issuers.has(keyName(grant.issuer))) return refusal('RELAY_BAD_GRANT')
    if (!b4a.equals(grant.device, device)) return refusal('RELAY_GRANT_NOT_YOURS')
    if (grant.relay.some((byte) => byte !== 0) && !b4a.equals(grant.relay, this.#relay))
      return refusal('RELAY_GRANT_OTHER_RELAY')
    if (grant.expiresAt <= this.#now()) return refusal('RELAY_GRANT_EXPIRED')
    if (this.#revoked.has(b4a.toString(grant.nonce, 'hex'))) return refusal('RELAY_REVOKED')
    return null
  }

  #lease(device: Uint8Array, name: string, meter: Meter, terms: LeaseTerms): Lease {
    const account = this.#accounts.get(name) ?? { counts: { connections: 0, pairings: 0 }, leases: new Set() }
    this.#accounts.set(name, account)
    const lease = new Lease(
      {
        full: (account, what) => this.#full(account, what),
        hold: (account, what) => this.#hold(account, what),
        free: (account, what) => this.#free(account, what),
        end: (lease) => {
          account.leases.delete(lease)
          if (account.leases.size === 0) this.#accounts.delete(name)
        }
      },
      account,
      meter,
      { device, ...terms }
    )
    account.leases.add(lease)
    return lease
  }

  #meterOf(name: string, limits: MeterLimits, expiresAt: number): Meter {
    const known = this.#meters.get(name)
    if (known !== undefined) return known.meter
    const meter = new Meter(limits, this.#steady)
    this.#meters.set(name, { meter, expiresAt })
    return meter
  }

  #full({ counts }: Account, what: Held): Refusal | null {
    const full = what === 'connections' && this.#connections >= this.#limits.totalConnections
    if (!full && counts[what] < this.#limits[what]) return null
    return refusal('RELAY_TOO_MANY', { retryAfterMs: 1000 })
  }

  #hold(account: Account, what: Held): Refusal | null {
    const full = this.#full(account, what)
    if (full !== null) return full
    account.counts[what]++
    if (what === 'connections') this.#connections++
    return null
  }

  #free({ counts }: Account, what: Held): void {
    counts[what]--
    if (what === 'connections') this.#connections--
  }

  #endWhere(condition: (lease: Lease) => boolean, code: RefusalCode): number {
    const ended = [...this.#accounts.values()].flatMap(({ leases }) => [...leases].filter(condition))
    for (const lease of ended) lease.revoke(refusal(code))
    return ended.length
  }
}

function keyName(key: Uint8Array): string {
  if (!(key instanceof Uint8Array) || key.length !== 32)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a public key has 32 bytes')
  return b4a.toString(key, 'hex')
}
