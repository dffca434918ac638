import { RelayError } from '../errors.ts'

/** One way that may be tried. */
export interface Attempt<T> {
  readonly result: Promise<T>
  /** Gives it up and whatever it holds, also after it has failed, or what it has come to; makes its promise reject soon. */
  readonly abort: () => void
  /** How long it may take, where that is not what the others may. */
  readonly limitMs?: number
}

/** Ways of one kind, in order of preference: tried one after the other, each a little later than the one before, or at once when one has failed. */
export interface Lane<T> {
  /** Each begins when called. */
  readonly ways: readonly (() => Attempt<T>)[]
  /** So many begin together. @defaultValue 1 */
  readonly atOnce?: number
  /** Begins later than the other lanes, or when they have nothing left. @defaultValue 0 */
  readonly delayMs?: number
  /** Each is tried again so long after it has failed, while others go on. @defaultValue never */
  readonly againMs?: number
}

/** Milliseconds, and what to make of a success. */
export interface RaceOptions<T> {
  readonly staggerMs: number
  /** How long each way may take. */
  readonly attemptMs: number
  /** How long a success that is `secondBest` waits for a better one. @defaultValue 0 */
  readonly preferMs?: number
  /** @defaultValue the first success wins */
  readonly secondBest?: (won: T) => boolean
}

/**
 * Tries ways of several kinds beside each other; the first that succeeds wins. All the others are aborted, those that have failed before too. Within a lane it is
 * RFC 8305's connection attempt delay; lanes do not wait for each other, for which kind is the slow one nobody knows beforehand.
 *
 * @throws RELAY_UNREACHABLE with an AggregateError as cause; the error itself where there was one way only
 */
export function race<T>(lanes: readonly Lane<T>[], options: RaceOptions<T>): Attempt<T> {
  const running = new Race(lanes, options)
  return { result: running.result, abort: () => running.abort() }
}

/** A lane, and how far it has come. */
interface Running<T> extends Lane<T> {
  next: number
  timer: unknown
}

class Race<T> {
  readonly result: Promise<T>
  readonly #options: RaceOptions<T>
  readonly #lanes: readonly Running<T>[]
  /** With the timer of each. */
  readonly #attempts = new Map<Attempt<T>, unknown>()
  readonly #retries = new Set<unknown>()
  readonly #errors: unknown[] = []
  /** The second best that has come, and waits for a better one. */
  #held: { readonly attempt: Attempt<T>; readonly won: T; readonly timer: unknown } | null = null
  #winner: Attempt<T> | null = null
  #over = false
  #resolve: (won: T) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(lanes: readonly Lane<T>[], options: RaceOptions<T>) {
    this.#lanes = lanes.map((lane) => ({ ...lane, next: 0, timer: null }))
    this.#options = options
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#start()
  }

  #start(): void {
    for (const lane of this.#lanes) {
      const { delayMs = 0 } = lane
      if (delayMs === 0) this.#enter(lane)
      else lane.timer = setTimeout(() => this.#enter(lane), delayMs)
    }
    this.#fallBack()
  }

  abort(): void {
    if (this.#over) return this.#winner?.abort()
    this.#finish(null)
    this.#reject(new RelayError('RELAY_CLOSED', 'it was given up'))
  }

  #enter(lane: Running<T>): void {
    if (lane.next > 0) return
    for (let i = 0; i < (lane.atOnce ?? 1); i++) this.#begin(lane)
  }

  #begin(lane: Running<T>): void {
    clearTimeout(lane.timer)
    const way = lane.ways[lane.next]
    if (way === undefined || this.#over) return
    lane.next++
    if (lane.next < lane.ways.length)
      lane.timer = setTimeout(() => this.#begin(lane), this.#options.staggerMs)
    this.#try(lane, way)
  }

  #try(lane: Running<T>, way: () => Attempt<T>): void {
    let attempt: Attempt<T>
    try {
      attempt = way()
    } catch (error) {
      return this.#failed(lane, way, error)
    }
    const giveUp = (error: unknown): void => {
      if (!this.#forget(attempt)) return
      attempt.abort()
      this.#failed(lane, way, error)
    }
    const late = new RelayError('RELAY_TIMEOUT', 'nothing came in time')
    const timer = setTimeout(() => giveUp(late), attempt.limitMs ?? this.#options.attemptMs)
    this.#attempts.set(attempt, timer)
    attempt.result.then((won) => this.#came(lane, attempt, won), giveUp)
  }

  #came(lane: Running<T>, attempt: Attempt<T>, won: T): void {
    if (!this.#forget(attempt)) return attempt.abort()
    const { secondBest, preferMs = 0 } = this.#options
    const waits = preferMs > 0 && secondBest?.(won) === true
    if (!waits) return this.#settle(attempt, won)
    if (this.#held !== null) return attempt.abort()
    // Of its kind there is one now.
    lane.next = lane.ways.length
    this.#held = { attempt, won, timer: setTimeout(() => this.#settle(attempt, won), preferMs) }
    this.#fallBack()
  }

  #failed(lane: Running<T>, way: () => Attempt<T>, error: unknown): void {
    this.#errors.push(error)
    if (this.#over) return
    this.#begin(lane)
    this.#fallBack()
    if (lane.againMs === undefined || this.#over) return
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      this.#try(lane, way)
    }, lane.againMs)
    this.#retries.add(timer)
  }

  /** Where nothing is under way: what waits for its time has come, or it is over. */
  #fallBack(): void {
    if (this.#over || this.#attempts.size > 0) return
    if (this.#held !== null) return this.#settle(this.#held.attempt, this.#held.won)
    const left = this.#lanes.find(({ next, ways }) => next === 0 && ways.length > 0)
    if (left !== undefined) return this.#enter(left)
    this.#finish(null)
    this.#reject(this.#errors.length === 1 ? this.#errors[0] : unreachable(this.#errors))
  }

  #settle(attempt: Attempt<T>, won: T): void {
    this.#finish(attempt)
    this.#resolve(won)
  }

  #finish(winner: Attempt<T> | null): void {
    this.#over = true
    this.#winner = winner
    for (const timer of [...this.#retries, ...this.#lanes.map((lane) => lane.timer)]) clearTimeout(timer)
    clearTimeout(this.#held?.timer)
    if (this.#held !== null && this.#held.attempt !== winner) this.#held.attempt.abort()
    for (const attempt of this.#attempts.keys()) {
      this.#forget(attempt)
      attempt.abort()
    }
  }

  #forget(attempt: Attempt<T>): boolean {
    clearTimeout(this.#attempts.get(attempt))
    return this.#attempts.delete(attempt)
  }
}

function unreachable(errors: readonly unknown[]): RelayError {
  const cause = new AggregateError(errors, 'every way failed')
  return new RelayError('RELAY_UNREACHABLE', 'no way to the device was found', { cause })
}
