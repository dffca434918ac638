import ReadyResource from 'ready-resource'
import {
  type AnnouncedLike,
  AnnouncementKeeper,
  type FindPeerLike
} from '../bootstrap/announcement-keeper.ts'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import { Lease } from '../policy/lease.ts'
import type { RelayPolicy } from '../policy/relay-policy.ts'
import { refusal, type Refusal } from '../protocol/refusal.ts'
import type { KeyPair } from '../types.ts'
import { BlindRelay } from './blind-relay-adapter.ts'
import { type ConnectionLike, type DhtLike, type DhtServerLike, hostOf, type RawStreamLike } from './dht.ts'
import { UdpAdmission } from './udp-admission.ts'
import { type Leg, UdpLink } from './udp-link.ts'
import type { UdpObserver } from './udp-observer.ts'
import { UdpSession } from './udp-session.ts'

/** How a {@link UdpPlane} is. */
export interface UdpStats {
  /** Whether the DHT knows where it is: devices are served from then on. */
  readonly listening: boolean
  readonly sessions: number
  /** Pairings that wait for their other half. */
  readonly waiting: number
  readonly links: number
  /** Bytes carried since the start, as of the last sweep. */
  readonly carriedBytes: number
  /** Packets from a host that is not the session's, which tried to take over a leg. */
  readonly strangers: number
}

/** Options of a {@link UdpPlane}. */
export interface UdpPlaneOptions {
  /** What the relay answers to. @defaultValue the node's own key pair */
  keyPair?: KeyPair
  /** How long a pairing waits for its other half, and a leg for its first packet. @defaultValue 15,000 */
  ttlMs?: number
  /** How often a second one host is told no; beyond, it hears nothing. @defaultValue 20 */
  denialsPerSecond?: number
  /** How often it looks whether the DHT still knows where it is, and announces itself anew where it does not. @defaultValue 10,000 */
  lookMs?: number
  /** Milliseconds between sweeps; 0 for none but one's own. @defaultValue 250 */
  sweepMs?: number
  observer?: UdpObserver
  /** Milliseconds since some moment. @defaultValue a clock that nobody sets */
  now?: () => number
}

/**
 * The UDP plane of a relay: blind-relay, for any device of hyperdht that names this relay in `relayThrough`, under the relay's policy.
 *
 * A device that is not admitted learns so in one round trip: its dial fails with `SERVER_ERROR`. Bytes go from socket to socket below JavaScript; they are counted, and
 * each device is charged for what it sends, but cannot be held up: whoever is over its rate by more than a second, or has spent its quota, is cut off.
 *
 * Borrows the node and the policy. Owns the server and every connection to it.
 */
export class UdpPlane extends ReadyResource {
  readonly #dht: DhtLike
  readonly #server: DhtServerLike
  readonly #relay: BlindRelay
  readonly #admission: UdpAdmission
  readonly #options: Required<Omit<UdpPlaneOptions, 'keyPair'>> & Pick<UdpPlaneOptions, 'keyPair'>
  readonly #sessions = new Set<UdpSession>()
  readonly #links = new Set<UdpLink>()
  readonly #halves = new Map<string, Leg>()
  #timer: unknown = null
  #keeper: AnnouncementKeeper | null = null
  /** Ends a listening that is under way. */
  #giveUp: () => void = () => {}
  #isDraining = false
  #carriedBytes = 0
  #strangers = 0

  constructor(dht: DhtLike, policy: RelayPolicy, options: UdpPlaneOptions = {}) {
    super()
    this.#dht = dht
    const defaults = {
      ttlMs: 15_000,
      denialsPerSecond: 20,
      lookMs: 10_000,
      sweepMs: 250,
      observer: {},
      now: monotonic
    }
    this.#options = { ...defaults, ...options }
    this.#admission = new UdpAdmission(policy, {
      ...this.#options,
      isClosed: () => this.#isDraining || this.closing !== null
    })
    this.#relay = new BlindRelay(dht, () => {
      this.#strangers++
    })
    this.#server = dht.createServer(
      { firewall: (key, knock, from) => this.#admission.isRefused(key, knock, from?.host ?? '') },
      (connection) => this.#accept(connection)
    )
  }

  get stats(): UdpStats {
    return {
      listening: this.opened && this.closing === null,
      sessions: this.#sessions.size,
      waiting: [...this.#sessions].reduce((sum, { waiting }) => sum + waiting, 0),
      links: this.#links.size,
      carriedBytes: this.#carriedBytes,
      strangers: this.#strangers
    }
  }

  /**
   * Remembers the grant a device has shown on the stream plane, since hyperdht's own dial has no place for one. The newest of a device counts, and at most
   * 10,000 are kept. Whether it is good is asked each time it is used.
   */
  introduce(device: Uint8Array, grant: Uint8Array): void {
    this.#admission.introduce(device, grant)
  }

  /** Lets nobody in any more; who is there stays, as long as something is relayed for it. */
  drain(): void {
    this.#isDraining = true
    this.#endIdle()
  }

  /** Accounts for what was carried, and ends what has waited too long. Called by itself every quarter of a second. */
  sweep(): void {
    const now = this.#options.now()
    let carried = 0
    for (const link of this.#links) carried += link.account(now)
    for (const session of this.#sessions) session.sweep()
    if (this.#isDraining) this.#endIdle()
    this.#carriedBytes += carried
    if (carried > 0) this.#options.observer.carried?.(carried)
  }

  /** Also where nobody in the DHT has answered yet. */
  override close(): Promise<void> {
    this.#giveUp()
    return super.close()
  }

  protected override async _open(): Promise<void> {
    const closed = new Promise<never>((_, reject) => {
      this.#giveUp = () => reject(new RelayError('RELAY_CLOSED', 'it was closed before it could listen'))
    })
    closed.catch(() => {})
    try {
      await Promise.race([this.#server.listen(this.#options.keyPair), closed])
    } catch (error) {
      const ended = this.#server.close()
      // Where nobody in the DHT answers, that may take as long as listening.
      if (this.closing === null) await ended
      else ended.catch(() => {})
      throw error
    }
    this.#keepAnnounced()
    const { sweepMs } = this.#options
    if (sweepMs > 0) this.#timer = setInterval(() => setTimeout(() => this.sweep(), 0), sweepMs)
  }

  protected override async _close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#keeper?.close()
    for (const session of this.#sessions) session.close(null)
    await this.#server.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The DHT may not have been there, or may begin anew. */
  #keepAnnounced(): void {
    const { refresh, publicKey } = this.#server
    if (refresh === undefined || publicKey === undefined || this.#dht.findPeer === undefined) return
    const [node, server] = [this.#dht as FindPeerLike, this.#server as AnnouncedLike]
    this.#keeper = new AnnouncementKeeper(node, server, { everyMs: this.#options.lookMs })
    this.#keeper.ready().catch(() => {})
  }

  #accept(connection: ConnectionLike): void {
    // blind-relay has nothing to say on a connection that is over.
    if (connection.destroyed) return
    const key = connection.remotePublicKey
    const admitted = key === null ? refusal('RELAY_DENIED') : this.#admission.admit(key)
    const refused = admitted instanceof Lease ? admitted.hold('connections') : admitted
    if (!(admitted instanceof Lease) || refused !== null) {
      if (admitted instanceof Lease) admitted.end()
      if (refused !== null) this.#options.observer.refused?.(refused, key, hostOf(connection))
      connection.on('error', () => {})
      connection.destroy()
      return
    }
    const { now, ttlMs } = this.#options
    const session = new UdpSession(this.#relay, connection, admitted, {
      now,
      ttlMs,
      paired: (session, token, leg) => this.#join(session, token, leg),
      closed: (session, why) => this.#left(session, why)
    })
    this.#sessions.add(session)
  }

  /** The first half of a pair waits for the second, which comes in the same call of blind-relay's. */
  #join(session: UdpSession, token: string, stream: RawStreamLike): void {
    const other = this.#halves.get(token)
    if (other === undefined) {
      this.#halves.set(token, { session, stream })
      return
    }
    this.#halves.delete(token)
    const { now, ttlMs, observer } = this.#options
    const link = new UdpLink([other, { session, stream }], now() + ttlMs, (link) => this.#unlinked(link))
    this.#links.add(link)
    observer.paired?.()
  }

  #unlinked(link: UdpLink): void {
    const before = link.carried
    this.#links.delete(link)
    const bytes = link.account(Number.NEGATIVE_INFINITY)
    this.#carriedBytes += link.carried - before
    if (bytes > 0) this.#options.observer.carried?.(bytes)
  }

  #left(session: UdpSession, why: Refusal | null): void {
    this.#sessions.delete(session)
    if (why !== null) this.#options.observer.refused?.(why, session.lease.device, session.host)
  }

  #endIdle(): void {
    for (const session of this.#sessions) if (session.isIdle) session.close(null)
  }
}
