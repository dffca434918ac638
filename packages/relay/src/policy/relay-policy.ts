import b4a from 'b4a'
import { checkKey } from '../arguments.ts'
import { RelayError } from '../errors.ts'
import { nameOf } from '../keys.ts'
import { monotonic } from '../monotonic.ts'
import { refusal, type Refusal } from '../protocol/refusal.ts'
import { Accounts, type ServedDevice } from './accounts.ts'
import { ALL_SCOPES, type Grant, readGrant } from './grant.ts'
import { Lease, type LeaseTerms } from './lease.ts'
import { limitsOf, type PolicyLimits } from './limits.ts'
import { Meter, type MeterLimits } from './meter.ts'

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

/** What was used of a grant is known so long after it has expired: a clock that was ahead for a moment gives nobody anew what was spent. */
const KEPT_MS = 3_600_000

/** What was used of a grant, or by a device of the allow-list. */
interface GrantMeter {
  readonly meter: Meter
  readonly expiresAt: number
  /** Of the clock for rates. */
  expiredSince: number | null
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
  #allowed: Set<string>
  readonly #watchers = new Set<string>()
  readonly #limits: PolicyLimits
  readonly #now: () => number
  /** For rates. */
  readonly #steady: () => number
  readonly #accounts: Accounts
  readonly #meters = new Map<string, GrantMeter>()
  readonly #revoked = new Set<string>()

  /**
   * @param relay - the relay's own public key, which grants name
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`
   */
  constructor(relay: Uint8Array, { issuers = [], allow = [], limits = {}, now }: PolicyOptions = {}) {
    this.#relay = relay
    this.#issuers = new Set([...issuers].map(keyName))
    this.#allowed = new Set([...allow].map(keyName))
    this.#limits = limitsOf(limits)
    this.#accounts = new Accounts(this.#limits)
    this.#now = now ?? Date.now
    this.#steady = now ?? monotonic
  }

  /** Connections that are held now, of all devices. */
  get connections(): number {
    return this.#accounts.connections
  }

  /** The devices that hold a connection now: a snapshot. */
  get served(): ServedDevice[] {
    return this.#accounts.served
  }

  /**
   * Decides about a device whose key a handshake has proven.
   *
   * @param device - its public key, 32 bytes
   * @param grant - the bytes it showed, if any: what is wrong with them takes nothing from a device on the allow-list
   * @param scope - bits of {@link SCOPE} that it needs, where that is known
   * @returns its lease, or why there is none. Costs one signature check where there is a grant.
   */
  admit(device: Uint8Array, grant: Uint8Array | null = null, scope = 0): Lease | Refusal {
    const name = keyName(device)
    if (this.#revoked.has(name)) return refusal('RELAY_REVOKED')
    if (grant === null || grant.length === 0) return this.#admitWithout(device, name, scope)
    const granted = this.#admitBy(grant, device, name, scope)
    if (granted instanceof Lease || !this.#allowed.has(name)) return granted
    return this.#admitWithout(device, name, scope)
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
    const name = nameOf(what)
    this.#revoked.add(name)
    return this.#accounts.endWhere(
      (lease) => lease.grant === name || keyName(lease.device) === name,
      'RELAY_REVOKED'
    )
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
    this.#accounts.endWhere(
      ({ grant, scopes, device }) => grant === '' && scopes !== 0 && nameOf(device) === name,
      'RELAY_DENIED'
    )
  }

  /**
   * Which devices are served without a grant from now on; what others have without one ends at once.
   *
   * @returns how many of them are served: who was revoked is not
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`; those before stay then
   */
  useAllowed(devices: Iterable<Uint8Array>): number {
    this.#allowed = new Set([...devices].map(keyName))
    this.#accounts.endWhere(
      ({ grant, scopes, device }) => grant === '' && scopes !== 0 && !this.#allowed.has(nameOf(device)),
      'RELAY_DENIED'
    )
    return [...this.#allowed].filter((name) => !this.#revoked.has(name)).length
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
    this.#accounts.endWhere(
      (lease) => lease.scopes === 0 && keyName(lease.device) === keyName(relay),
      'RELAY_DENIED'
    )
  }

  /**
   * Whose grants count from now on; what others have granted ends at once.
   *
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`; the issuers before stay then
   */
  useIssuers(issuers: Iterable<Uint8Array>): void {
    this.#issuers = new Set([...issuers].map(keyName))
    this.#accounts.endWhere(({ issuer }) => issuer !== '' && !this.#issuers.has(issuer), 'RELAY_BAD_GRANT')
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
    this.#accounts.endWhere(({ expiresAt }) => expiresAt <= now, 'RELAY_GRANT_EXPIRED')
    const steady = this.#steady()
    for (const [name, one] of this.#meters) {
      if (one.expiresAt > now) one.expiredSince = null
      else if (steady - (one.expiredSince ??= steady) >= KEPT_MS) this.#meters.delete(name)
    }
  }

  #admitBy(bytes: Uint8Array, device: Uint8Array, name: string, scope: number): Lease | Refusal {
    const grant = readGrant(bytes)
    if (grant === null) return refusal('RELAY_BAD_GRANT')
    const refused = this.#refuse(grant, device)
    if (refused !== null) return refused
    const { scopes, expiresAt, nonce } = grant
    if ((scopes & scope) !== scope) return refusal('RELAY_NO_SCOPE')
    const issuer = keyName(grant.issuer)
    const meter = this.#meterOf(`${name}/${nameOf(nonce)}`, grant, expiresAt)
    if (meter.spent) return refusal('RELAY_QUOTA')
    return this.#accounts.lease(name, meter, { device, scopes, expiresAt, issuer, grant: nameOf(nonce) })
  }

  #admitWithout(device: Uint8Array, name: string, scope: number): Lease | Refusal {
    const scopes = this.#allowed.has(name) ? ALL_SCOPES : 0
    if (scopes === 0 && !this.#watchers.has(name)) return refusal('RELAY_DENIED')
    if ((scopes & scope) !== scope) return refusal('RELAY_NO_SCOPE')
    const meter = this.#meterOf(name, this.#limits, Infinity)
    if (meter.spent) return refusal('RELAY_QUOTA')
    return this.#accounts.lease(name, meter, { device, scopes, expiresAt: Infinity, grant: '', issuer: '' })
  }

  #refuse(grant: Grant, device: Uint8Array): Refusal | null {
    if (!this.#issuers.has(keyName(grant.issuer))) return refusal('RELAY_BAD_GRANT')
    if (!b4a.equals(grant.device, device)) return refusal('RELAY_GRANT_NOT_YOURS')
    if (grant.relay.some((byte) => byte !== 0) && !b4a.equals(grant.relay, this.#relay))
      return refusal('RELAY_GRANT_OTHER_RELAY')
    if (grant.expiresAt <= this.#now()) return refusal('RELAY_GRANT_EXPIRED')
    if (this.#revoked.has(nameOf(grant.nonce))) return refusal('RELAY_REVOKED')
    return null
  }

  #meterOf(name: string, limits: MeterLimits, expiresAt: number): Meter {
    const known = this.#meters.get(name)
    if (known !== undefined) return known.meter
    const meter = new Meter(limits, this.#steady)
    this.#meters.set(name, { meter, expiresAt, expiredSince: null })
    return meter
  }
}

function keyName(key: Uint8Array): string {
  checkKey(key, 'a public key')
  return nameOf(key)
}
