import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import { callGreeting, type Terms } from '../session/greeting.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import type { KeyPair } from '../types.ts'
import { type PeerAddresses, isDialable } from '../addresses/peer-addresses.ts'
import { dialDirectly, type Dialled, dialThroughRelay } from './dial.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import type { ClientTimes } from './options.ts'
import { Pacing } from './pacing.ts'
import { type Attempt, type Lane, race } from './race.ts'

/** What a way back to the device is made of that has begun a session with this one. */
export interface CallBackOptions {
  readonly keyPair: KeyPair
  /** Who has begun. */
  readonly target: Uint8Array
  /** Where it may be registered. */
  relays(): readonly RelayAddress[]
  /** Where it says it can be reached directly. */
  readonly candidates: Terms['candidates']
  readonly peerAddresses: PeerAddresses
  readonly times: ClientTimes
  readonly connection: Pick<SecretConnection, 'path'>
  readonly session: Uint8Array
  readonly secret: Uint8Array
  /** From now on the other device greets on this path. @param onclosed - called where it ends before that */
  accept(path: Path, onclosed: () => void): void
}

/** Relays that are asked together. */
const RELAYS_AT_ONCE = 2
/** The initiator looks for better paths first: this side after so many times `retryMs`, and then twice as long each time, up to a multiple. */
const FIRST_PAUSE = 4
const LONGEST_PAUSE = 60
/** A direct path that lasted for so long was a good one: there are networks that let only small packets through. */
const PROVEN_MS = 60_000

/**
 * Calls the initiator of a session. It finds the paths itself, but there is what it cannot know or do: that all paths are lost, where it has nothing to say and so
 * notices late; and that it can be reached directly where this side cannot. The call goes through a relay where it is registered, or to an address that it has told, and
 * is answered with a join on the same path.
 */
export class CallBack {
  readonly #options: CallBackOptions
  /** Paths that wait for their join. */
  readonly #called = new Map<Path, (path: Path) => void>()
  #wanted: 'nothing' | 'any' | 'better' = 'nothing'
  #attempt: Attempt<Path> | null = null
  #timer: unknown = null
  #calls = 0
  #over = false
  #pause = FIRST_PAUSE
  #directSince: number | null = null
  readonly #pacing: Pacing

  constructor(options: CallBackOptions) {
    this.#options = options
    this.#pacing = new Pacing(options.times)
    this.#pacing.joined()
  }

  /** No path is left. @param failed - the last one; `null` where the other device has left it */
  lonely(failed: PathInfo | null): void {
    if (this.#options.connection.path !== null) return
    this.#stop()
    const pauseMs = failed === null ? 0 : this.#pacing.failed(failed, false)
    if (pauseMs === 0) return this.#search('any')
    this.#wanted = 'any'
    this.#timer = setTimeout(() => this.#search('any'), pauseMs)
  }

  /** On this path the other device has shown that it is of a session: where it is one of these, it is not given up with the others. */
  proved(path: Path): void {
    const joined = this.#called.get(path)
    if (joined === undefined) return
    this.#attempt = null
    this.#called.clear()
    joined(path)
  }

  /** The session is over. */
  stop(): void {
    this.#over = true
    this.#stop()
  }

  /** There is another path, and maybe a better one; or none. */
  moved(): void {
    const { path } = this.#options.connection
    if (path === null) return
    this.#pacing.joined()
    if (this.#wanted === 'any' || path.relay === null) this.#stop()
    if (this.#directSince !== null && monotonic() - this.#directSince >= PROVEN_MS) this.#pause = FIRST_PAUSE
    this.#directSince = path.relay === null ? monotonic() : null
    if (path.relay !== null && this.#wanted === 'nothing') this.#seekLater()
  }

  #seekLater(): void {
    const { candidates, peerAddresses, times } = this.#options
    if (!candidates.tcp.some((one) => isDialable(one, peerAddresses))) return
    this.#wanted = 'better'
    this.#timer = setTimeout(() => this.#search('better'), this.#pause * times.retryMs)
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause)
  }

  #search(wanted: 'any' | 'better'): void {
    const { times } = this.#options
    if (this.#over) return
    this.#wanted = wanted
    const attempt = race(wanted === 'any' ? [this.#byRelay(), this.#directly()] : [this.#directly()], times)
    this.#attempt = attempt
    attempt.result.catch(() => {
      if (this.#attempt !== attempt) return
      this.#attempt = null
      if (wanted === 'any') this.#timer = setTimeout(() => this.#search('any'), times.retryMs)
      else this.#seekLater()
    })
  }

  #byRelay(): Lane<Path> {
    const { keyPair, target, times } = this.#options
    const ways = this.#options
      .relays()
      .map((relay) => () => this.#call(dialThroughRelay(relay, keyPair, target)))
    return { ways, atOnce: RELAYS_AT_ONCE, againMs: times.retryMs }
  }

  #directly(): Lane<Path> {
    const { candidates, peerAddresses } = this.#options
    const dialable = candidates.tcp.filter((one) => isDialable(one, peerAddresses))
    return { ways: dialable.map((address) => () => this.#call(dialDirectly(address))) }
  }

  #call(dialled: Dialled): Attempt<Path> {
    const { session, secret } = this.#options
    const called = (path: Path): Promise<Path> => {
      path.send([callGreeting(session, ++this.#calls, secret)])
      return new Promise((resolve, reject) => {
        this.#called.set(path, resolve)
        this.#options.accept(path, () => {
          this.#called.delete(path)
          reject(new RelayError('RELAY_UNREACHABLE', 'the call was not answered'))
        })
      })
    }
    return { result: dialled.path.then(called), abort: () => dialled.abort() }
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#wanted = 'nothing'
    this.#called.clear()
    const attempt = this.#attempt
    this.#attempt = null
    attempt?.abort()
  }
}
