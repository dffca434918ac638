import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import type { Line } from '../paths/line.ts'
import { monotonic } from '../monotonic.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import { type Call, joinMac, sameMac, type Terms } from '../session/greeting.ts'
import { type Greeted, Initiator } from '../session/initiator.ts'
import type { Session, SessionOptions } from '../session/session.ts'
import type { FoundDirectly } from './dial-udp.ts'
import type { ClientTimes } from './options.ts'
import { type Attempt, type Lane, race } from './race.ts'
import { Ways, type WaysOptions } from './ways.ts'

/** What a connection to one device is made of. */
export interface OutgoingOptions extends WaysOptions {
  readonly times: ClientTimes
  readonly connection: SecretConnection
  /** What the connection is destroyed with where no way is found. */
  explain(error: Error): Error
  readonly terms: Terms
  /** The device has answered, on one of the ways. */
  onmet(theirs: Terms): void
  makeSession(
    id: Uint8Array,
    secret: Uint8Array,
    theirs: Terms,
    events: Pick<SessionOptions, 'onlonely' | 'onconfirmed'>
  ): Session
}

/** What a race for a new connection can end with. */
type Won = Extract<Greeted, { how: 'begun' }> | ({ readonly how: 'udp' } & FoundDirectly)

type Joined = Awaited<ReturnType<Initiator['join']>>

/** Relays that are asked together where a connection has no path. */
const RELAYS_AT_ONCE = 2
/** The relay that was left is asked again only after so many times `staggerMs`, where there are others. */
const LEFT_AFTER = 4
/** Direct addresses that are tried then: to look for better ones there is time later. */
const MOST_ADDRESSES = 3
const MOST_RETRIES = 60
/** A path that failed so soon did not carry much; after some of them in a row, whoever makes them fail is not asked at once again. */
const SHORT_MS = 5_000
const MOST_SHORT = 5
/** A direct path that carried bytes for so long was a good one. */
const PROVEN_MS = 60_000

/** Reaches out for one device, and keeps the connection on the best way there is, as long as it lives. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #initiator: Initiator
  readonly #ways: Ways
  #session: Session | null = null
  #attempt: { abort(): void } | null = null
  #answer: { abort(): void } | null = null
  #calls = 0
  #timer: unknown = null
  #retries = 0
  /** What is being looked for. */
  #searching: 'nothing' | 'better' | 'any' = 'nothing'
  /** Direct paths that were joined and then failed soon, in a row: there are networks that let only small packets through. */
  #directFailures = 0
  /** Paths that failed soon, in a row. */
  #shortLived = 0
  #directSince = 0

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#ways = new Ways(options)
    this.#initiator = new Initiator(options.keyPair, options.target, options.terms)
    options.connection.onover = () => this.#stop()
  }

  /**
   * Begins. The connection opens, or is destroyed with the error.
   *
   * Relays are asked beside the direct ways, for where UDP is blocked or an address leads nowhere, that shows only when time has passed. A direct way that is as fast
   * is taken instead, and one that is slower becomes the better path later.
   */
  start(): void {
    const hello = (path: Path): Promise<Won> => this.#hello(path)
    // A session can move to another way later. Who was never met may know nothing of sessions.
    const udp = { ways: [...this.#ways.byUdp(hello).ways, ...this.#plainUdp()] }
    const lanes: Lane<Won>[] = [...this.#ways.byTcp(hello), udp, ...this.#ways.byRelay(hello)]
    const isRelayed = (won: Won): boolean => won.how === 'begun' && won.line.path.kind === 'relay'
    const attempt = race(lanes, { ...this.#options.times, secondBest: isRelayed })
    this.#attempt = attempt
    attempt.result.then(
      (won) => this.#begin(won),
      (error: Error) => this.#options.connection.destroy(this.#options.explain(error))
    )
  }

  /**
   * The device has lost its paths, which may not show here as long as nothing is said, and has made one itself.
   *
   * @returns whether it is the device: this side owns the path then
   */
  answer(line: Line, { session: id, number, mac }: Call): boolean {
    const session = this.#session
    if (session === null || session.over || number <= this.#calls || !b4a.equals(id, session.id)) return false
    if (!sameMac(mac, joinMac('call', id, number, session.secret))) return false
    this.#calls = number
    const join = (): Attempt<Joined> => ({
      result: this.#initiator.join(line, session.secret),
      abort: () => line.path.destroy()
    })
    const attempt = race([{ ways: [join] }], this.#options.times)
    this.#answer?.abort()
    this.#answer = attempt
    attempt.result.then(
      (joined) => this.#answered(session, joined),
      () => {}
    )
    return true
  }

  #answered(session: Session, joined: Joined): void {
    if (this.#searching === 'any') {
      this.#attempt?.abort()
      this.#attempt = null
      this.#searching = 'nothing'
    }
    this.#settle(session, joined)
  }

  #begin(won: Won): void {
    if (won.how === 'udp') return this.#beginPlain(won)
    const { line, secrets, secret, terms } = won
    if (this.#options.connection.destroying) return line.path.destroy()
    this.#session = this.#options.makeSession(this.#initiator.session, secret, terms, {
      onlonely: (failed) => this.#onlonely(failed),
      // Else a join may be faster than the word that the session began, on a slow path.
      onconfirmed: () => this.#session?.isDirect || this.#upgrade(0)
    })
    this.#ways.learn(terms.candidates)
    this.#directSince = monotonic()
    this.#initiator.begin(line, secret)
    this.#session.begin(line, secrets)
  }

  /** As Hyperswarm connects: no session, and so no other paths. */
  #beginPlain({ raw, options, keepAlive }: FoundDirectly): void {
    const { connection } = this.#options
    if (connection.destroying) return raw.destroy()
    connection.setKeepAlive(keepAlive)
    connection.begin(raw, options, { kind: 'udp', relay: null, transport: 'udp' })
  }

  #plainUdp(): (() => Attempt<Won>)[] {
    return this.#ways.plainUdp().map((begin) => () => {
      const { result, abort } = begin()
      return { result: result.then((found) => ({ how: 'udp' as const, ...found })), abort }
    })
  }

  /** No path is left, or the relay goes down: another, whichever comes first. */
  #onlonely(failed: PathInfo | null): void {
    const left = failed ?? this.#options.connection.path
    this.#ways.putLast(left?.relay ?? null)
    if (failed !== null && failed.relay === null)
      this.#directFailures = monotonic() - this.#directSince < PROVEN_MS ? this.#directFailures + 1 : 1
    this.#retries = 0
    clearTimeout(this.#timer)
    // Where a direct path fails there is a relay, which is asked at once.
    const { relays, byRecord } = this.#options
    const hasRelays = relays.length > 0 || byRecord !== null
    const isCounted = failed !== null && (failed.relay !== null || !hasRelays)
    if (isCounted) this.#shortLived = monotonic() - this.#directSince < SHORT_MS ? this.#shortLived + 1 : 0
    if (!isCounted || this.#shortLived < MOST_SHORT) return this.#search('any')
    const isLeft = (): boolean => this.#options.connection.path === null
    return this.#later(this.#pauseMs(this.#shortLived - MOST_SHORT), () => isLeft() && this.#search('any'))
  }

  /** While a relay is in between, direct ways are tried again and again. */
  #upgrade(pauseMs: number): void {
    if (!this.#ways.hasDirect) return
    this.#later(pauseMs, () => this.#search('better'))
  }

  #search(wanted: 'better' | 'any'): void {
    const session = this.#session
    if (session === null || session.over || this.#searching === 'any' || this.#searching === wanted) return
    // A better way is no longer what is needed, and may take its time.
    this.#attempt?.abort()
    this.#searching = wanted
    const join = (path: Path): Promise<Joined> => this.#join(path, session)
    const attempt = race(wanted === 'any' ? this.#anyOf(join) : this.#betterOf(join), this.#options.times)
    this.#attempt = attempt
    attempt.result.then(
      (joined) => {
        if (this.#attempt !== attempt) return joined.line.path.destroy()
        this.#searching = 'nothing'
        return this.#settle(session, joined)
      },
      () => {
        if (this.#attempt !== attempt) return
        this.#searching = 'nothing'
        this.#again()
      }
    )
  }

  #settle(session: Session, { number, line }: Joined): void {
    this.#retries = 0
    this.#directSince = monotonic()
    session.add(number, line)
    session.settleOn(number)
    if (!session.isDirect) this.#upgrade(this.#pauseMs(this.#directFailures))
  }

  /** Where the device has lost the session, or did not let it begin, the connection ends: no other way would change that. */
  async #join(path: Path, session: Session): Promise<Joined> {
    try {
      return await this.#initiator.join(path, session.secret)
    } catch (error) {
      const code = error instanceof RelayError ? error.code : null
      if (session.confirmed && code === 'RELAY_CLOSED') this.#options.connection.destroy(error as RelayError)
      const isRefused = code === 'RELAY_CLOSED' || code === 'RELAY_PEER_REFUSED'
      if (!session.confirmed && this.#options.connection.path === null && isRefused) this.#unknown(error)
      throw error
    }
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

  /** Relays first, and again and again: the device may be on its way back to one. */
  #anyOf(join: (path: Path) => Promise<Joined>): Lane<Joined>[] {
    const { staggerMs, attemptMs, retryMs } = this.#options.times
    // Where direct paths fail, a relay that is far away must not lose to them.
    const delayMs =
      this.#directFailures === 0 ? 0 : Math.min(attemptMs, 2 * staggerMs * 2 ** this.#directFailures)
    const direct = [...this.#ways.byTcp(join, MOST_ADDRESSES), this.#ways.byUdp(join)]
    const [others, left] = this.#ways.byRelay(join)
    const againMs = retryMs
    // One that goes down serves who comes back, and should not have to.
    const last = { ...left, againMs, delayMs: others.ways.length === 0 ? 0 : LEFT_AFTER * staggerMs }
    return [
      { ...others, againMs, atOnce: RELAYS_AT_ONCE },
      last,
      ...direct.map((lane) => ({ ...lane, delayMs }))
    ]
  }

  #betterOf(join: (path: Path) => Promise<Joined>): Lane<Joined>[] {
    return [...this.#ways.byTcp(join), this.#ways.byUdp(join, this.#options.times.punchMs)]
  }

  async #hello(path: Path): Promise<Extract<Greeted, { how: 'begun' }>> {
    const greeted = await this.#initiator.hello(path)
    if (greeted.how === 'begun') {
      this.#options.onmet(greeted.terms)
      return greeted
    }
    throw new RelayError('RELAY_UNREACHABLE', 'the device has answered on another path')
  }

  #later(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#attempt?.abort()
    this.#answer?.abort()
  }
}
