import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import type { Line } from '../paths/line.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import { type Call, joinMac, sameMac } from '../session/greeting.ts'
import type { Initiator } from '../session/initiator.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import type { Session } from '../session/session.ts'
import type { ClientTimes } from './options.ts'
import { Pacing } from './pacing.ts'
import { type Attempt, type Lane, race } from './race.ts'
import type { Ways, WaysOptions } from './ways.ts'

/** What a {@link PathSearch} is made with. */
export interface PathSearchOptions extends Pick<WaysOptions, 'relays' | 'byRecord'> {
  readonly times: ClientTimes
  readonly connection: SecretConnection
}

type Joined = Awaited<ReturnType<Initiator['join']>>

/** Relays that are asked together where a connection has no path. */
const RELAYS_AT_ONCE = 2
/** The relay that was left is asked again only after so many times `staggerMs`, where there are others. */
const LEFT_AFTER = 4
/** Direct addresses that are tried then: to look for better ones there is time later. */
const MOST_ADDRESSES = 3

/** Keeps a session that this device has begun on the best way there is, as long as it lives. */
export class PathSearch {
  readonly #options: PathSearchOptions
  readonly #initiator: Initiator
  readonly #ways: Ways
  readonly #session: Session
  readonly #pacing: Pacing
  #attempt: { abort(): void } | null = null
  #answer: { abort(): void } | null = null
  #calls = 0
  #timer: unknown = null
  /** What is being looked for. */
  #searching: 'nothing' | 'better' | 'any' = 'nothing'

  /** @param session - is about to have its first path */
  constructor(options: PathSearchOptions, initiator: Initiator, ways: Ways, session: Session) {
    this.#options = options
    this.#initiator = initiator
    this.#ways = ways
    this.#session = session
    this.#pacing = new Pacing(options.times)
    this.#pacing.joined()
  }

  /** Number of the last call that was answered; 0 for none. */
  get calls(): number {
    return this.#calls
  }

  /** The device knows of the session. Before that a join may be faster than the word that it began, on a slow path. */
  confirmed(): void {
    this.#upgrade(0)
  }

  /** There is another way, or none. One that fell from a direct way to a relay that was there already is told of here only. */
  moved(): void {
    const { path } = this.#options.connection
    this.#pacing.moved(path)
    if (path !== null && this.#session.confirmed && this.#searching === 'nothing')
      this.#upgrade(this.#pacing.upgradeMs)
  }

  /** No path is left, or the relay goes down: another, whichever comes first. @param failed - which has; `null` for none */
  lonely(failed: PathInfo | null): void {
    const left = failed ?? this.#options.connection.path
    this.#ways.putLast(left?.relay ?? null)
    clearTimeout(this.#timer)
    const pauseMs = failed === null ? this.#pacing.left() : this.#pacing.failed(failed, this.#hasRelays)
    if (pauseMs === 0) return this.#search('any')
    const isWanted = (): boolean => {
      const { path } = this.#options.connection
      return path === null || (failed === null && path.relay !== null && path.relay === left?.relay)
    }
    return this.#later(pauseMs, () => isWanted() && this.#search('any'))
  }

  /**
   * The device has lost its paths, which may not show here as long as nothing is said, and has made one itself.
   *
   * @returns whether it is the device: this side owns the path then
   */
  answer(line: Line, { session: id, number, mac }: Call): boolean {
    const session = this.#session
    if (session.over || !session.hasRoom || number <= this.#calls || !b4a.equals(id, session.id)) return false
    if (!sameMac(mac, joinMac('call', id, number, session.secret))) return false
    this.#calls = number
    const join = (): Attempt<Joined> => ({
      result: this.#initiator.join(line, session.secret),
      abort: () => line.destroy()
    })
    const attempt = race([{ ways: [join] }], this.#options.times)
    this.#answer?.abort()
    this.#answer = attempt
    attempt.result.then(
      (joined) => {
        if (this.#answer !== attempt) return joined.line.destroy()
        this.#answer = null
        return this.#answered(joined)
      },
      () => {}
    )
    return true
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#attempt?.abort()
    this.#answer?.abort()
  }

  #answered(joined: Joined): void {
    if (this.#searching === 'any') {
      this.#attempt?.abort()
      this.#attempt = null
      this.#searching = 'nothing'
    }
    this.#settle(joined)
  }

  /** While a relay is in between, direct ways are tried again and again. */
  #upgrade(pauseMs: number): void {
    if (this.#session.isDirect || !this.#ways.hasDirect) return
    this.#later(pauseMs, () => !this.#session.isDirect && this.#search('better'))
  }

  #search(wanted: 'better' | 'any'): void {
    if (this.#session.over || this.#searching === 'any' || this.#searching === wanted) return
    // A better way is no longer what is needed, and may take its time.
    this.#attempt?.abort()
    this.#searching = wanted
    const join = (path: Path): Promise<Joined> => this.#join(path)
    const attempt = race(wanted === 'any' ? this.#anyOf(join) : this.#betterOf(join), this.#options.times)
    this.#attempt = attempt
    attempt.result.then(
      (joined) => {
        if (this.#attempt !== attempt) return joined.line.destroy()
        this.#attempt = null
        this.#searching = 'nothing'
        return this.#settle(joined)
      },
      () => {
        if (this.#attempt !== attempt) return
        this.#searching = 'nothing'
        this.#again()
      }
    )
  }

  #settle({ number, line }: Joined): void {
    const session = this.#session
    this.#pacing.joined()
    session.add(number, line)
    session.settleOn(number)
    this.#upgrade(this.#pacing.upgradeMs)
  }

  /** Where the device has lost the session, or did not let it begin, the connection ends: no other way would change that. */
  async #join(path: Path): Promise<Joined> {
    const session = this.#session
    try {
      return await this.#initiator.join(path, session.secret)
    } catch (error) {
      const code = error instanceof RelayError ? error.code : null
      if (session.confirmed && code === 'RELAY_CLOSED') session.end(error as RelayError)
      const isRefused = code === 'RELAY_CLOSED' || code === 'RELAY_PEER_REFUSED'
      if (!session.confirmed && this.#options.connection.path === null && isRefused) this.#unknown(error)
      throw error
    }
  }

  /** The first path has failed before the device had heard that the session began. */
  #unknown(cause: unknown): void {
    const words = 'the path was lost before the connection began'
    this.#session.end(new RelayError('RELAY_UNREACHABLE', words, { cause }))
  }

  #again(): void {
    if (this.#session.over) return
    const pause = this.#pacing.retryMs()
    if (this.#options.connection.path !== null) this.#upgrade(pause)
    else this.#later(Math.min(pause, 1_000), () => this.#search('any'))
  }

  /** Relays first, and again and again: the device may be on its way back to one. */
  #anyOf(join: (path: Path) => Promise<Joined>): Lane<Joined>[] {
    const { staggerMs, retryMs: againMs } = this.#options.times
    const direct = [...this.#ways.byTcp(join, MOST_ADDRESSES), this.#ways.byUdp(join)]
    const [others, left] = this.#ways.byRelay(join)
    // One that goes down serves who comes back, and should not have to.
    const last = { ...left, againMs, delayMs: others.ways.length === 0 ? 0 : LEFT_AFTER * staggerMs }
    return [
      { ...others, againMs, atOnce: RELAYS_AT_ONCE },
      last,
      ...direct.map((lane) => ({ ...lane, delayMs: this.#pacing.directDelayMs }))
    ]
  }

  #betterOf(join: (path: Path) => Promise<Joined>): Lane<Joined>[] {
    return [...this.#ways.byTcp(join), this.#ways.byUdp(join, this.#options.times.punchMs)]
  }

  get #hasRelays(): boolean {
    const { relays, byRecord } = this.#options
    return relays.length > 0 || byRecord !== null
  }

  #later(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
  }
}
