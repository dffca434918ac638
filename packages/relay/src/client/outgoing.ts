import b4a from 'b4a'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import { type Greeted, Initiator } from '../session/initiator.ts'
import type { Session } from '../session/session.ts'
import type { DhtLike } from './dht.ts'
import { isDialable } from './addresses.ts'
import { dialUdp, dialUdpPath, type FoundDirectly } from './dial-udp.ts'
import { dialDirectly, type Dialled, dialThroughRelay } from './dial.ts'
import { findOnLan, type LanLike } from './find-on-lan.ts'
import type { ClientTimes, RelayAddress } from './options.ts'
import { type Attempt, race } from './race.ts'

/** What a connection to one device is made of. */
export interface OutgoingOptions {
  readonly keyPair: KeyPair
  readonly target: Uint8Array
  /** Read again for every search: replicas come and go. */
  readonly relays: readonly RelayAddress[]
  /** Known addresses of the device, `host:port`. */
  readonly addresses: readonly string[]
  readonly udp: UdpOptions | null
  readonly lan: LanLike | null
  /** A way through relays that the device itself names; `null` where no such relay would be trusted. */
  readonly byRecord: (<T>(attempt: (relay: RelayAddress) => Attempt<T>) => Attempt<T>) | null
  readonly times: ClientTimes
  readonly connection: SecretConnection
  makeSession(id: Uint8Array, secret: Uint8Array, onlonely: (failed: PathInfo | null) => void): Session
}

/** The DHT, and what to say there. */
interface UdpOptions {
  readonly dht: DhtLike
  /** Of this client, and of no device: paths prove the device's by their greeting. */
  readonly pathKeyPair: KeyPair
  /** Passed on to the node. */
  readonly more: object
}

/** What a race for a new connection can end with. */
type Won = Extract<Greeted, { how: 'begun' }> | ({ readonly how: 'udp' } & FoundDirectly)

type Greet<T> = (path: Path) => Promise<T>
type Joined = Awaited<ReturnType<Initiator['join']>>

const MOST_RETRIES = 60
/** A direct path that carried bytes for so long was a good one. */
const PROVEN_MS = 60_000

/** Reaches out for one device, and keeps the connection on the best way there is, as long as it lives. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #initiator: Initiator
  #relays: readonly RelayAddress[]
  #addresses: readonly string[]
  #udpKey: Uint8Array | null = null
  #session: Session | null = null
  #attempt: { abort(): void } | null = null
  #timer: unknown = null
  #retries = 0
  /** What is being looked for. */
  #searching: 'nothing' | 'better' | 'any' = 'nothing'
  /** Direct paths that were joined and then failed soon, in a row: there are networks that let only small packets through. */
  #directFailures = 0
  #directSince = 0

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#relays = options.relays
    this.#addresses = options.addresses
    this.#initiator = new Initiator(options.keyPair, options.target)
    options.connection.onover = () => this.#stop()
  }

  /** Begins. The connection opens, or is destroyed with the error. */
  start(): void {
    const ways: (() => Attempt<Won>)[] = this.#ways((path) => this.#hello(path))
    const attempt = race([...this.#plainUdp(), ...ways], this.#options.times)
    this.#attempt = attempt
    attempt.result.then(
      ({ won }) => this.#begin(won),
      (error: Error) => this.#options.connection.destroy(error)
    )
  }

  #begin(won: Won): void {
    if (won.how === 'udp') return this.#beginPlain(won)
    const { line, secrets, secret, candidates } = won
    if (this.#options.connection.destroying) return line.path.destroy()
    this.#session = this.#options.makeSession(this.#initiator.session, secret, (failed) =>
      this.#onlonely(failed)
    )
    this.#addresses = [...new Set([...this.#options.addresses, ...candidates.tcp.filter(isDialable)])]
    this.#udpKey = candidates.udp.length === 0 ? null : candidates.udp
    this.#directSince = Date.now()
    this.#session.begin(line, secrets)
    if (!this.#session.isDirect) this.#upgrade(0)
  }

  /** As Hyperswarm connects: no session, and so no other paths. */
  #beginPlain({ raw, options, keepAlive }: FoundDirectly): void {
    const { connection } = this.#options
    if (connection.destroying) return raw.destroy()
    connection.setKeepAlive(keepAlive)
    connection.begin(raw, options, { kind: 'udp', relay: null, transport: 'udp' })
  }

  #plainUdp(): (() => Attempt<Won>)[] {
    const { udp, keyPair, target } = this.#options
    if (udp === null) return []
    return [
      () => {
        const { result, abort } = dialUdp(udp.dht, keyPair, target, udp.more)
        return { result: result.then((found) => ({ how: 'udp' as const, ...found })), abort }
      }
    ]
  }

  /** No path is left, or the relay goes down: another, whichever comes first. */
  #onlonely(failed: PathInfo | null): void {
    const left = failed ?? this.#options.connection.path
    // The relay that failed is asked last.
    const { relays } = this.#options
    const at = left?.relay ?? null
    const rest = relays.filter(({ publicKey }) => at === null || !b4a.equals(publicKey, at))
    this.#relays = [...rest, ...relays.filter((relay) => !rest.includes(relay))]
    if (failed !== null && failed.relay === null)
      this.#directFailures = Date.now() - this.#directSince < PROVEN_MS ? this.#directFailures + 1 : 1
    this.#retries = 0
    clearTimeout(this.#timer)
    this.#search('any')
  }

  /** While a relay is in between, direct ways are tried again and again. */
  #upgrade(pauseMs: number): void {
    const { lan } = this.#options
    if (this.#addresses.length === 0 && this.#udpKey === null && lan === null) return
    this.#later(pauseMs, () => this.#search('better'))
  }

  #search(wanted: 'better' | 'any'): void {
    const session = this.#session
    if (session === null || session.over || this.#searching === 'any' || this.#searching === wanted) return
    // A better way is no longer what is needed, and may take its time.
    this.#attempt?.abort()
    this.#searching = wanted
    const join = (path: Path): Promise<Joined> => this.#initiator.join(path, session.secret)
    const { staggerMs, attemptMs, punchMs } = this.#options.times
    // Where direct paths fail, a relay that is far away must not lose to them.
    const times = { staggerMs: this.#directFailures > 0 ? 4 * staggerMs : staggerMs, attemptMs }
    const attempt = race(wanted === 'any' ? this.#ways(join) : this.#direct(join, punchMs), times)
    this.#attempt = attempt
    attempt.result.then(
      ({ won: { number, line } }) => {
        if (this.#attempt !== attempt) return line.path.destroy()
        this.#searching = 'nothing'
        this.#retries = 0
        this.#directSince = Date.now()
        session.add(number, line)
        session.settleOn(number)
        return session.isDirect || this.#upgrade(this.#pauseMs(this.#directFailures))
      },
      (error: unknown) => {
        if (this.#attempt !== attempt) return
        this.#searching = 'nothing'
        if (!session.confirmed && isRefusal(error)) this.#unknown(error)
        else this.#again()
      }
    )
  }

  #pauseMs(failures: number): number {
    return this.#options.times.retryMs * Math.min(2 ** failures, MOST_RETRIES)
  }

  /** The first path has failed before the device had heard that the session began. */
  #unknown(cause: unknown): void {
    const words = 'the path was lost before the connection began'
    this.#options.connection.destroy(new RelayError('RELAY_UNREACHABLE', words, { cause }))
  }

  #again(): void {
    const session = this.#session
    if (session === null || session.over) return
    const pause = this.#pauseMs(Math.max(this.#retries++, this.#directFailures))
    if (this.#options.connection.path !== null) this.#upgrade(pause)
    else this.#later(Math.min(pause, 1_000), () => this.#search('any'))
  }

  #ways<T>(greet: Greet<T>): (() => Attempt<T>)[] {
    const { keyPair, target, byRecord } = this.#options
    const through = (relay: RelayAddress): Attempt<T> =>
      attemptOf(dialThroughRelay(relay, keyPair, target), greet)
    const byRelay = this.#relays.map((relay) => () => through(relay))
    if (byRecord !== null) byRelay.push(() => byRecord(through))
    const direct = this.#direct(greet)
    return this.#directFailures > 0 ? [...byRelay, ...direct] : [...direct, ...byRelay]
  }

  #direct<T>(greet: Greet<T>, limitMs = this.#options.times.attemptMs): (() => Attempt<T>)[] {
    const { udp, lan, target } = this.#options
    const key = this.#udpKey
    const byAddress = (address: string): Attempt<T> => attemptOf(dialDirectly(address), greet)
    return [
      ...this.#addresses.map((address) => () => byAddress(address)),
      ...(lan === null ? [] : [() => findOnLan(lan, target, byAddress)]),
      ...(udp === null || key === null
        ? []
        : [() => ({ ...attemptOf(dialUdpPath(udp.dht, udp.pathKeyPair, key), greet), limitMs })])
    ]
  }

  async #hello(path: Path): Promise<Extract<Greeted, { how: 'begun' }>> {
    const greeted = await this.#initiator.hello(path)
    if (greeted.how === 'begun') return greeted
    greeted.line.path.end()
    throw new RelayError('RELAY_UNREACHABLE', 'the device has answered on another path')
  }

  #later(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#attempt?.abort()
  }
}

/** Dials, then greets; gives both up together. */
function attemptOf<T>(dialled: Dialled, greet: Greet<T>): Attempt<T> {
  return { result: dialled.path.then(greet), abort: () => dialled.abort() }
}

/** Whether the device has refused, on one of the ways that were tried. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof RelayError)) return false
  const { cause } = error
  return (
    error.code === 'RELAY_PEER_REFUSED' || (cause instanceof AggregateError && cause.errors.some(isRefusal))
  )
}
