import type { DuplexStream } from '@hyperswarm/secret-stream'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import { Flow } from '../flow/flow.ts'
import type { FlowWindows } from '../flow/flow-io.ts'
import type { Line } from '../paths/line.ts'
import type { PathInfo } from '../paths/path.ts'
import type { Secrets } from '../protocol/handshake.ts'
import { Carrier } from './carrier.ts'
import type { SecretConnection } from './secret-connection.ts'
import { LastWord } from './last-word.ts'
import type { LeftPaths } from './left-paths.ts'
import { PathNumbers } from './path-numbers.ts'
import { PathSeal } from './path-seal.ts'
import { SessionPath } from './session-path.ts'
import type { SessionTimes } from './times.ts'
import { Watch } from './watch.ts'

/** What a session asks of who made it. */
export interface SessionOptions {
  readonly id: Uint8Array
  /** 32 random bytes that both sides know: who knows them may join paths. */
  readonly secret: Uint8Array
  readonly connection: SecretConnection
  readonly times: SessionTimes
  readonly windows: FlowWindows
  /** Where paths go that are not used any more. */
  readonly left: LeftPaths
  /** No path is left, or the only one is about to go: the initiator finds another. @param failed - which way has failed; `null` where none has */
  onlonely(failed: PathInfo | null): void
  /** A path has failed. */
  onfailed(path: PathInfo, error: RelayError): void
  /** The other side knows of the session, as something proves that only it can have sent: from now on paths can be joined. */
  onconfirmed(): void
  /** There is another way, or none. */
  onmoved(): void
  /**
   * Nothing is under way any more. The connection may have closed before, as soon as its app had said all and heard all.
   *
   * @param last - where both streams came to their end: what the other side may not have heard
   */
  onover(last: LastWord | null): void
}

const ACK_MS = 50
/** Paths at once: those that are being left, and those whose end has not shown yet. */
const MOST_PATHS = 32

/** One connection between two devices, over all the paths it takes in its life. It owns them. */
export class Session {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  readonly connection: SecretConnection
  readonly #options: SessionOptions
  readonly #flow: Flow
  readonly #carrier: Carrier
  readonly #paths = new Map<number, SessionPath>()
  readonly #numbers = new PathNumbers()
  readonly #watch: Watch
  #acker: unknown = null
  #settler: unknown = null
  #confirmed = false
  #over = false

  constructor(options: SessionOptions) {
    this.id = options.id
    this.secret = options.secret
    this.connection = options.connection
    this.#options = options
    this.#flow = new Flow(
      {
        now: monotonic,
        transmit: (path, head, bytes) => this.#transmit(path, head, bytes),
        deliver: (bytes) => this.#deliver(bytes),
        onfinish: () => this.#carrier.finish(),
        onroom: () => this.#carrier.roomed(),
        onuntold: () => this.#acknowledgeSoon(),
        onreset: () => this.end(new RelayError('RELAY_CLOSED', 'the other device has closed the connection')),
        onleft: () => this.#changed(null),
        onretired: (path) => this.#leave(path),
        onforsaken: (path) => this.#leave(path)
      },
      options.windows
    )
    this.#watch = new Watch(options.times, {
      paths: () => this.#paths,
      isBusy: () => this.#flow.busy,
      onprobe: (path) => this.#flow.probe(path),
      ondead: (path) => this.#fail(path, new RelayError('RELAY_TIMEOUT', 'the path does not answer')),
      onlost: () => this.end(new RelayError('RELAY_PATHS_LOST', 'no way to the other device is left'))
    })
    this.#carrier = new Carrier(this.#flow, (finished) => this.#onclosed(finished))
    this.connection.onasked = () => this.#watch.used(Infinity)
    // The connection says what went wrong; that it took its raw stream along is no news.
    this.#carrier.on('error', () => {})
  }

  get over(): boolean {
    return this.#over
  }

  /** Whether no relay is in between. */
  get isDirect(): boolean {
    return this.connection.path !== null && this.connection.path.relay === null
  }

  /** Whether something came that only the other side can have sent since the session began: it knows of it too. */
  get confirmed(): boolean {
    return this.#confirmed
  }

  /** Whether there is room for one path more. */
  get hasRoom(): boolean {
    return this.#paths.size < MOST_PATHS
  }

  /** Whether a path can have this number, which is given once, and there is room for it. */
  admits(path: number): boolean {
    return this.hasRoom && this.#numbers.isFresh(path)
  }

  /**
   * The first path: the connection opens.
   *
   * @param number - 0, or that of another path if the join there was lost
   */
  begin(line: Line, secrets: Secrets, number = 0): void {
    const raw = this.#carrier as unknown as DuplexStream
    const { publicKey } = this.connection
    const { tx, rx, hash, remotePublicKey } = secrets
    if (publicKey === null) throw new RelayError('RELAY_BAD_ARGUMENT', 'the connection has no key')
    this.#numbers.use(0)
    this.add(number, line)
    // Its app has heard which way it goes, and may have ended it; so may what came with the answer.
    this.connection.run(raw, { handshake: { tx, rx, hash, publicKey, remotePublicKey } })
  }

  /** A path was joined. */
  add(number: number, line: Line): void {
    if (this.#over || !this.hasRoom) return line.destroy()
    this.#numbers.use(number)
    const path = new SessionPath(
      line,
      new PathSeal(this.secret, number, this.connection.isInitiator),
      this.#options.times
    )
    this.#paths.set(number, path)
    this.#flow.addPath(number, path.rank)
    line.hand({
      onmessage: (message) => this.#onmessage(number, message),
      ondrain: () => this.#flow.drained(number),
      onclose: (error) =>
        this.#fail(number, new RelayError('RELAY_UNREACHABLE', 'the path has closed', { cause: error })),
      ondraining: () => this.#ondraining(number)
    })
    this.#changed(null)
  }

  /**
   * Leaves every other path, without losing a byte. A better one is kept until it had time to fail, and this one is left where it did not: the other device may have made
   * this one because it has lost that.
   */
  settleOn(number: number): void {
    const { rank } = this.#paths.get(number) ?? {}
    // It has gone meanwhile, or there was no room.
    if (rank === undefined) return
    clearTimeout(this.#settler)
    const others = [...this.#paths].filter(([other]) => other !== number)
    for (const [other, path] of others) if (path.rank >= rank) this.#retire(other)
    if (others.some(([, path]) => path.rank < rank)) {
      const { probeMs, deadMs } = this.#options.times
      this.#settler = setTimeout(() => this.#settle(), probeMs + deadMs)
    }
    this.#moved()
  }

  #settle(): void {
    const { best } = this.#flow
    for (const other of this.#paths.keys()) if (other !== best) this.#retire(other)
    this.#moved()
  }

  #retire(number: number): void {
    if (!this.#flow.retirePath(number)) return
    const late = new RelayError('RELAY_TIMEOUT', 'the other device does not leave the path')
    this.#paths.get(number)?.retired(this.#options.times.graceMs, () => this.#fail(number, late))
  }

  /** Ends it at once: the connection, and what is under way where that has closed before. */
  end(error: RelayError): void {
    this.connection.destroy(error)
    this.#carrier.destroy()
  }

  #acknowledgeSoon(): void {
    if (this.#over) return
    this.#acker ??= setTimeout(() => {
      this.#acker = null
      this.#flow.acknowledge()
    }, ACK_MS)
  }

  #deliver(bytes: Uint8Array): void {
    this.#watch.used(bytes.length)
    this.#carrier.deliver(bytes)
  }

  #transmit(number: number, head: Uint8Array, bytes?: Uint8Array): boolean {
    if (bytes !== undefined) this.#watch.used(bytes.length)
    return this.#paths.get(number)?.send(head, bytes) ?? true
  }

  #onmessage(number: number, message: Uint8Array): void {
    const frame = this.#paths.get(number)?.open(message) ?? null
    if (frame === null) return this.#lied(number)
    if (!this.#confirmed) {
      this.#confirmed = true
      this.#options.onconfirmed()
    }
    if (this.#flow.receive(number, frame.head, frame.bytes)) return
    // It was proven to be the other device's.
    this.end(new RelayError('RELAY_PROTOCOL', 'the other device does not follow the protocol'))
  }

  #lied(number: number): void {
    const words = 'something was left out, put in or changed on this path'
    this.#fail(number, new RelayError('RELAY_PATH_LIED', words))
  }

  #fail(number: number, error: RelayError): void {
    const failed = this.#paths.get(number)
    if (failed === undefined) return
    this.#close(number)
    const { info } = failed
    // Else the other device has left it before: nothing was on it.
    if (this.#flow.paths.includes(number)) {
      this.#flow.dropPath(number)
      this.#options.onfailed(info, error)
    }
    this.#changed(info)
  }

  /** A path that carries nothing may go down as it likes. */
  #ondraining(number: number): void {
    if (number !== this.#flow.best) return
    // It may have been said before the path was joined.
    this.#moved()
    this.#options.onlonely(null)
  }

  #leave(number: number): void {
    this.#close(number)
    this.#changed(null)
  }

  /** A path came or went. Whatever took the last that can be sent on: it is noticed here. */
  #changed(failed: PathInfo | null): void {
    this.#moved()
    if (!this.#over && this.#watch.changed(this.#flow.best !== null)) this.#options.onlonely(failed)
  }

  #close(number: number): void {
    this.#paths.get(number)?.leave(this.#options.left)
    this.#paths.delete(number)
  }

  #moved(): void {
    const best = this.#flow.best
    const isNews = this.connection.moved(best === null ? null : (this.#paths.get(best)?.info ?? null))
    if (isNews) this.#options.onmoved()
  }

  #lastWord(): LastWord {
    const { left } = this.#options
    const [{ isInitiator }, { taken }] = [this.connection, this.#flow]
    return new LastWord({
      id: this.id,
      secret: this.secret,
      isInitiator,
      taken,
      numbers: this.#numbers,
      left
    })
  }

  #onclosed(finished: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#watch.stop()
    clearTimeout(this.#acker)
    clearTimeout(this.#settler)
    this.#flow.end(finished)
    for (const number of this.#paths.keys()) this.#close(number)
    this.#options.onover(finished ? this.#lastWord() : null)
  }
}
