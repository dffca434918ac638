import { RelayError } from '../errors.ts'
import type { Attempt } from './race.ts'

/** Finds devices on the local network: a `LanDiscovery` of `@cloudpal/relay/lan`, or whatever has the same methods. */
export interface LanLike {
  /** Announces a device that listens there. @returns what ends it */
  announce(publicKey: Uint8Array, port: number): () => void
  /** Looks for a device; the same address may be told again. @returns what ends it */
  find(
    publicKey: Uint8Array,
    onfound: (at: { readonly host: string; readonly port: number }) => void
  ): () => void
}

/** Anybody on the network can say that the device is there: so many are tried at once, and so many wait. */
const MOST_AT_ONCE = 16
const MOST_WAITING = 64
/** How long one address may take while others wait: on a local network it is there soon, or is none. */
const ADDRESS_MS = 1_500

/**
 * Tries every address that is found, each as soon as it is: an impostor among them fails in its handshake, or says nothing and makes room for the next, and keeps
 * nobody up.
 *
 * @param attempt - begins to reach a `host:port`
 */
export function findOnLan<T>(
  lan: LanLike,
  target: Uint8Array,
  attempt: (address: string) => Attempt<T>
): Attempt<T> {
  const search = new Search(attempt)
  search.start((onfound) => lan.find(target, onfound))
  return { result: search.result, abort: () => search.abort() }
}

class Search<T> {
  readonly result: Promise<T>
  readonly #attempt: (address: string) => Attempt<T>
  /** By address, with the timer of each. */
  readonly #running = new Map<string, { readonly attempt: Attempt<T>; readonly timer: unknown }>()
  readonly #waiting = new Set<string>()
  #stop: (() => void) | null = null
  #won: Attempt<T> | null = null
  #over = false
  #resolve: (won: T) => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor(attempt: (address: string) => Attempt<T>) {
    this.#attempt = attempt
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  start(find: (onfound: (at: { readonly host: string; readonly port: number }) => void) => () => void): void {
    this.#stop = find(({ host, port }) => this.#found(`${host}:${port}`))
  }

  abort(): void {
    this.#won?.abort()
    this.#finish()
    this.#reject(new RelayError('RELAY_UNREACHABLE', 'the device was not found on the local network'))
  }

  #found(address: string): void {
    if (this.#over || this.#running.has(address) || this.#waiting.has(address)) return
    if (this.#waiting.size >= MOST_WAITING) this.#forgetAny()
    this.#waiting.add(address)
    this.#next()
  }

  /** Who has named more than there is room for has not shut out what comes next. */
  #forgetAny(): void {
    const at = Math.floor(Math.random() * this.#waiting.size)
    for (const one of [...this.#waiting].slice(at, at + 1)) this.#waiting.delete(one)
  }

  #next(): void {
    for (const address of this.#waiting) {
      if (this.#over || this.#running.size >= MOST_AT_ONCE) return
      this.#waiting.delete(address)
      this.#begin(address)
    }
  }

  #begin(address: string): void {
    let attempt: Attempt<T>
    try {
      attempt = this.#attempt(address)
    } catch {
      // What was found is no address.
      return
    }
    const failed = (): void => {
      if (this.#running.get(address)?.attempt !== attempt) return
      this.#forget(address)
      this.#next()
    }
    this.#running.set(address, { attempt, timer: setTimeout(failed, ADDRESS_MS) })
    attempt.result.then((won) => {
      if (this.#running.get(address)?.attempt !== attempt) return attempt.abort()
      clearTimeout(this.#running.get(address)?.timer)
      this.#running.delete(address)
      this.#won = attempt
      this.#finish()
      return this.#resolve(won)
    }, failed)
  }

  /** It has failed, or is no longer wanted. */
  #forget(address: string): void {
    const { attempt, timer } = this.#running.get(address) ?? {}
    clearTimeout(timer)
    this.#running.delete(address)
    attempt?.abort()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#stop?.()
    this.#waiting.clear()
    for (const address of this.#running.keys()) this.#forget(address)
  }
}
