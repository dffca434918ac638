import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import type { Path } from '../paths/path.ts'
import { callGreeting } from '../session/greeting.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import { dialThroughRelay } from './dial.ts'
import type { ClientTimes, RelayAddress } from './options.ts'
import { type Attempt, race } from './race.ts'

/** What a way back to the device is made of that has begun a session with this one. */
export interface CallBackOptions {
  readonly keyPair: KeyPair
  /** Where the other device may be registered. */
  relays(): readonly RelayAddress[]
  readonly times: ClientTimes
  readonly connection: SecretConnection
  readonly session: Uint8Array
  readonly secret: Uint8Array
  /** From now on the other device greets on this path. @param onclosed - called where it ends before that */
  accept(path: Path, onclosed: () => void): void
}

/** Relays that are asked together. */
const RELAYS_AT_ONCE = 2

/**
 * Calls the initiator of a session when all its paths are lost: it finds a way itself, but where it has nothing to say it notices late that it has to. The call goes through
 * a relay where the initiator is registered, and is answered with a join on the same path.
 */
export class CallBack {
  readonly #options: CallBackOptions
  /** Paths that wait for their join. */
  readonly #called = new Map<Path, (path: Path) => void>()
  #attempt: Attempt<Path> | null = null
  #timer: unknown = null
  #calls = 0

  constructor(options: CallBackOptions) {
    this.#options = options
    options.connection.on('close', () => this.#stop())
    const events = options.connection as unknown as {
      on(event: 'path', fn: (path: unknown) => void): void
    }
    events.on('path', (path) => path !== null && this.#stop())
  }

  /** No path is left. */
  start(): void {
    const { connection, relays, times } = this.#options
    if (connection.destroying || connection.path !== null || this.#attempt !== null) return
    const ways = relays().map((relay) => () => this.#call(relay))
    const attempt = race([{ ways, atOnce: RELAYS_AT_ONCE, againMs: times.retryMs }], times)
    this.#attempt = attempt
    attempt.result.then(
      () => {},
      () => {
        if (this.#attempt !== attempt) return
        this.#attempt = null
        this.#timer = setTimeout(() => this.start(), times.retryMs)
      }
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

  #call(relay: RelayAddress): Attempt<Path> {
    const { keyPair, connection, session, secret, accept } = this.#options
    const dialled = dialThroughRelay(relay, keyPair, connection.remotePublicKey as Uint8Array)
    const called = (path: Path): Promise<Path> => {
      path.send([callGreeting(session, ++this.#calls, secret)])
      return new Promise((resolve, reject) => {
        this.#called.set(path, resolve)
        accept(path, () => reject(new RelayError('RELAY_UNREACHABLE', 'the call was not answered')))
      })
    }
    return { result: dialled.path.then(called), abort: () => dialled.abort() }
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#called.clear()
    const attempt = this.#attempt
    this.#attempt = null
    attempt?.abort()
  }
}
