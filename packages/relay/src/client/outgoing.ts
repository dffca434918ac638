import { RelayError } from '../errors.ts'
import type { Line } from '../paths/line.ts'
import type { Path } from '../paths/path.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import type { Call, Terms } from '../session/greeting.ts'
import { type Greeted, Initiator } from '../session/initiator.ts'
import type { LastWord } from '../session/last-word.ts'
import type { Session, SessionOptions } from '../session/session.ts'
import type { FoundDirectly } from './dial-udp.ts'
import type { ClientTimes } from './options.ts'
import { PathSearch } from './path-search.ts'
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
    events: Pick<SessionOptions, 'onlonely' | 'onconfirmed' | 'onmoved' | 'onover'>
  ): Session
  /** Nothing is under way any more. @param ended - what is left of a session that came to its end */
  onover(ended: Ended | null): void
}

/** A session that this device has begun, and that came to its end. */
export interface Ended {
  readonly last: LastWord
  readonly initiator: Initiator
  /** Number of the last call of the other device. */
  calls: number
}

/** What a race for a new connection can end with. */
type Won = Extract<Greeted, { how: 'begun' }> | ({ readonly how: 'udp' } & FoundDirectly)

/** Reaches out for one device: the first way that works begins the session, which a {@link PathSearch} then keeps on the best one. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #initiator: Initiator
  readonly #ways: Ways
  #attempt: { abort(): void } | null = null
  #search: PathSearch | null = null

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#ways = new Ways(options)
    this.#initiator = new Initiator(options.keyPair, options.target, options.terms)
    options.connection.once('close', () => this.#onclose())
  }

  /**
   * Begins. The connection opens, or is destroyed with the error.
   *
   * Relays are asked beside the direct ways, for where UDP is blocked or an address leads nowhere, that shows only when time has passed. A direct way that is as fast
   * is taken instead, and one that is slower becomes the better path later. Direct UDP may be the only way there is: it has the time that it needs, and relays are
   * asked again meanwhile.
   */
  start(): void {
    const { times } = this.#options
    const hello = (path: Path): Promise<Won> => this.#hello(path)
    // A session can move to another way later. Who was never met may know nothing of sessions.
    const udp = { ways: [...this.#ways.byUdp(hello, times.punchMs).ways, ...this.#plainUdp()] }
    const lanes: Lane<Won>[] = [...this.#ways.byTcp(hello), udp, this.#byRelay(hello)]
    const isRelayed = (won: Won): boolean => won.how === 'begun' && won.line.path.kind === 'relay'
    const attempt = race(lanes, { ...times, secondBest: isRelayed })
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
  answer(line: Line, call: Call): boolean {
    return this.#search?.answer(line, call) ?? false
  }

  #begin(won: Won): void {
    this.#attempt = null
    if (won.how === 'udp') return this.#beginPlain(won)
    const { line, secrets, secret, terms } = won
    if (this.#options.connection.destroying) return line.destroy()
    const session = this.#options.makeSession(this.#initiator.session, secret, terms, {
      onlonely: (failed) => this.#search?.lonely(failed),
      onconfirmed: () => this.#search?.confirmed(),
      onmoved: () => this.#search?.moved(),
      onover: (last) => this.#onover(last)
    })
    this.#ways.learn(terms.candidates)
    this.#search = new PathSearch(this.#options, this.#initiator, this.#ways, session)
    this.#initiator.begin(line, secret)
    session.begin(line, secrets)
  }

  /** As Hyperswarm connects: no session, and so no other paths. */
  #beginPlain({ raw, options, keepAlive }: FoundDirectly): void {
    const { connection } = this.#options
    if (connection.destroying) return raw.destroy()
    connection.setKeepAlive(keepAlive)
    connection.begin(raw, options, { kind: 'udp', relay: null, transport: 'udp' })
  }

  #byRelay(hello: (path: Path) => Promise<Won>): Lane<Won> {
    const { times } = this.#options
    const all = (): Lane<Won>[] => this.#ways.byRelay(hello)
    const isAny = all().some(({ ways }) => ways.length > 0)
    const begin = (): Attempt<Won> => ({ ...race(all(), times), limitMs: times.punchMs })
    return { ways: isAny ? [begin] : [], againMs: times.attemptMs }
  }

  #plainUdp(): (() => Attempt<Won>)[] {
    const { punchMs: limitMs } = this.#options.times
    return this.#ways.plainUdp().map((begin) => () => {
      const { result, abort } = begin()
      return { result: result.then((found) => ({ how: 'udp' as const, ...found })), abort, limitMs }
    })
  }

  async #hello(path: Path): Promise<Extract<Greeted, { how: 'begun' }>> {
    const greeted = await this.#initiator.hello(path)
    if (greeted.how === 'begun') {
      this.#options.onmet(greeted.terms)
      return greeted
    }
    throw new RelayError('RELAY_UNREACHABLE', 'the device has answered on another path')
  }

  #onclose(): void {
    this.#attempt?.abort()
    // A session lives until all that was written has arrived.
    if (this.#search === null) this.#options.onover(null)
  }

  #onover(last: LastWord | null): void {
    this.#search?.stop()
    const { calls = 0 } = this.#search ?? {}
    this.#options.onover(last === null ? null : { last, initiator: this.#initiator, calls })
  }
}
