import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import type { Line } from '../paths/line.ts'
import type { Path } from '../paths/path.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import { type Greeted, Initiator } from '../session/initiator.ts'
import type { Session } from '../session/session.ts'
import type { DhtLike } from './dht.ts'
import { dialUdp, dialUdpPath, type FoundDirectly } from './dial-udp.ts'
import { dialDirectly, type Dialled, dialThroughRelay } from './dial.ts'
import type { ClientTimes, RelayAddress } from './options.ts'
import { type Attempt, race } from './race.ts'

/** What a connection to one device is made of. */
export interface OutgoingOptions {
  readonly keyPair: KeyPair
  readonly target: Uint8Array
  readonly relays: readonly RelayAddress[]
  /** Known addresses of the device, `host:port`. */
  readonly addresses: readonly string[]
  readonly udp: UdpOptions | null
  readonly times: ClientTimes
  readonly connection: SecretConnection
  makeSession(id: Uint8Array, secret: Uint8Array, onlonely: () => void): Session
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

const MOST_RETRIES = 60

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
  #searching = false

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#relays = options.relays
    this.#addresses = options.addresses
    this.#initiator = new Initiator(options.keyPair, options.target)
    options.connection.onover = () => this.#stop()
  }

  /** Begins. The connection opens, or is destroyed with the error. */
  start(): void {
    const ways = this.#ways().map(
      (dial) => (): Attempt<Won> => attemptOf(dial(), (path) => this.#hello(path))
    )
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
    this.#session = this.#options.makeSession(this.#initiator.session, secret, () => this.#onlonely())
    this.#addresses = [...new Set([...this.#options.addresses, ...candidates.tcp])]
    this.#udpKey = candidates.udp.length === 0 ? null : candidates.udp
    this.#session.begin(line, secrets)
    this.#upgrade(0)
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
  #onlonely(): void {
    const lonely = this.#options.connection.path?.relay
    // The relay that failed is asked last.
    const rest = this.#relays.filter(({ publicKey }) => publicKey !== lonely)
    this.#relays = [...rest, ...this.#relays.filter((relay) => !rest.includes(relay))]
    this.#retries = 0
    this.#search(() => this.#ways())
  }

  /** While a relay is in between, direct ways are tried again and again. */
  #upgrade(pauseMs: number): void {
    if (this.#direct().length === 0) return
    this.#later(pauseMs, () => this.#search(() => this.#direct()))
  }

  #search(ways: () => (() => Dialled)[]): void {
    const session = this.#session
    if (session === null || session.over || this.#searching) return
    this.#searching = true
    const attempt = race(
      ways().map((dial) => () => attemptOf(dial(), (path) => this.#initiator.join(path, session.secret))),
      this.#options.times
    )
    this.#attempt = attempt
    attempt.result.then(
      ({ won: { number, line } }) => {
        this.#searching = false
        this.#retries = 0
        session.add(number, line)
        session.settleOn(number)
        return session.isDirect || this.#upgrade(this.#options.times.retryMs)
      },
      () => {
        this.#searching = false
        this.#again()
      }
    )
  }

  #again(): void {
    const session = this.#session
    if (session === null || session.over) return
    const pause = this.#options.times.retryMs * Math.min(2 ** this.#retries++, MOST_RETRIES)
    if (session.kinds.length > 0) this.#upgrade(pause)
    else this.#later(Math.min(pause, 1_000), () => this.#search(() => this.#ways()))
  }

  #ways(): (() => Dialled)[] {
    const { keyPair, target } = this.#options
    return [...this.#direct(), ...this.#relays.map((relay) => () => dialThroughRelay(relay, keyPair, target))]
  }

  #direct(): (() => Dialled)[] {
    const { udp } = this.#options
    const key = this.#udpKey
    const byUdp = udp === null || key === null ? [] : [() => dialUdpPath(udp.dht, udp.pathKeyPair, key)]
    return [...this.#addresses.map((address) => () => dialDirectly(address)), ...byUdp]
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
function attemptOf<T extends { readonly line: Line }>(
  dialled: Dialled,
  greet: (path: Path) => Promise<T>
): Attempt<T> {
  return { result: dialled.path.then(greet), abort: () => dialled.abort() }
}
