import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import { callGreeting, type Terms } from '../session/greeting.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import type { ClientTimes } from './options.ts'
import { type Attempt, type Lane, race } from './race.ts'
import { Ways, type WaysOptions } from './ways.ts'

/** What a way back to the device is made of that has begun a session with this one. */
export interface CallBackOptions extends WaysOptions {
  readonly times: ClientTimes
  readonly connection: SecretConnection
  readonly session: Uint8Array
  readonly secret: Uint8Array
  /** What the other device has told of itself. */
  readonly theirs: Terms
  /** From now on the other device greets on this path. @param onclosed - called where it ends before that */
  accept(path: Path, onclosed: () => void): void
}

/** Relays that are asked together. */
const RELAYS_AT_ONCE = 2
/** Direct addresses that are tried where no path is left. */
const MOST_ADDRESSES = 3
const MOST_RETRIES = 60
/** A direct path that lasted for so long was a good one. */
const PROVEN_MS = 60_000

/**
 * Calls the initiator of a session, which finds the ways itself, but not all: when all paths are lost, for where it has nothing to say it notices late; and while a relay
 * carries the data, for it may be the one that can be reached directly. A call is answered with a join on the same path.
 */
export class CallBack {
  readonly #options: CallBackOptions
  readonly #ways: Ways
  /** Paths that wait for their join. */
  readonly #called = new Map<Path, (path: Path) => void>()
  #attempt: Attempt<Path> | null = null
  #timer: unknown = null
  #calls = 0
  /** For a better path, one after the other. */
  #tries = 0
  #directSince: number | null = null

  constructor(options: CallBackOptions) {
    this.#options = options
    this.#ways = new Ways(options)
    this.#ways.learn(options.theirs.candidates)
    options.connection.on('close', () => this.#stop())
    const events = options.connection as unknown as {
      on(event: 'path', fn: (path: PathInfo | null) => void): void
    }
    events.on('path', (path) => path !== null && this.#onpath(path))
  }

  /** No path is left. */
  start(): void {
    const { connection, times } = this.#options
    if (connection.destroying || connection.path !== null) return
    const call = (path: Path): Promise<Path> => this.#call(path)
    const again = { atOnce: RELAYS_AT_ONCE, againMs: times.retryMs }
    const relays = this.#ways.byRelay(call).map((lane) => ({ ...lane, ...again }))
    this.#try([...relays, ...this.#ways.direct(call, { most: MOST_ADDRESSES })], () =>
      this.#later(times.retryMs, () => this.start())
    )
  }

  /** On this path the other device has shown that it is of a session: where it is one of these, it is not given up with the others. */
  proved(path: Path): void {
    const joined = this.#called.get(path)
    if (joined === undefined) return
    this.#attempt = null
    this.#called.clear()
    joined(path)
  }

  #onpath({ relay }: PathInfo): void {
    this.#stop()
    const isProven = this.#directSince !== null && monotonic() - this.#directSince >= PROVEN_MS
    if (isProven) this.#tries = 0
    this.#directSince = relay === null ? monotonic() : null
    if (relay !== null) this.#better()
  }

  /** The initiator looks for a direct way itself: it begins, and this side only where that has failed. */
  #better(): void {
    if (!this.#ways.hasDirect) return
    const { retryMs } = this.#options.times
    this.#later(retryMs * Math.min(2 ** this.#tries++, MOST_RETRIES), () => {
      this.#try(
        this.#ways.direct((path) => this.#call(path)),
        () => this.#better()
      )
    })
  }

  #try(lanes: readonly Lane<Path>[], onfailed: () => void): void {
    this.#stop()
    const attempt = race(lanes, this.#options.times)
    this.#attempt = attempt
    attempt.result.catch(() => {
      if (this.#attempt !== attempt) return
      this.#attempt = null
      onfailed()
    })
  }

  #call(path: Path): Promise<Path> {
    const { session, secret } = this.#options
    path.send([callGreeting(session, ++this.#calls, secret)])
    return new Promise((resolve, reject) => {
      this.#called.set(path, resolve)
      this.#options.accept(path, () =>
        reject(new RelayError('RELAY_UNREACHABLE', 'the call was not answered'))
      )
    })
  }

  #later(ms: number, then: () => void): void {
    this.#timer = setTimeout(then, ms)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#called.clear()
    const attempt = this.#attempt
    this.#attempt = null
    attempt?.abort()
  }
}
