import { RelayError } from '../errors.ts'
import type { Line } from '../paths/line.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import type { Call, Terms } from '../session/greeting.ts'
import type { LastWord } from '../session/last-word.ts'
import { LastWords } from '../session/last-words.ts'
import { LeftPaths } from '../session/left-paths.ts'
import { Responder } from '../session/responder.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import { Session, type SessionOptions } from '../session/session.ts'
import type { KeyPair } from '../types.ts'
import type { PeerAddresses } from '../addresses/peer-addresses.ts'
import { CallBack } from './call-back.ts'
import { Met } from './met.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import type { ClientTimes } from './options.ts'
import { type Ended, Outgoing, type OutgoingOptions } from './outgoing.ts'

/** How long the last that was said may take to leave, once the client closes. */
const CLOSING_MS = 1_000

/** What the sessions of a client ask of it. */
export interface SessionsOptions {
  readonly keyPair: KeyPair
  readonly times: ClientTimes
  readonly windowBytes: number
  readonly peerAddresses: PeerAddresses
  firewall(remotePublicKey: Uint8Array): boolean
  candidates(): Terms['candidates']
  /** Relays that a device may be at, the likeliest first. */
  relaysTo(device: Uint8Array): readonly RelayAddress[]
  onconnection(connection: SecretConnection): void
  /** On this path somebody has proven to be of a session. */
  onproved(path: Path): void
  /** A path has failed. */
  onfailed(path: PathInfo, error: Error): void
}

/** Where and how to reach for a device, beyond what all sessions share. */
export type Reach = Pick<OutgoingOptions, 'addresses' | 'lan' | 'udp' | 'byRecord' | 'explain'>

/** The sessions of a client, those it begins and those that others do. It borrows their connections. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #responder: Responder
  readonly #sessions = new Set<Session>()
  readonly #outgoing = new Set<Outgoing>()
  readonly #callBacks = new Set<CallBack>()
  readonly #met = new Met()
  readonly #left = new LeftPaths()
  /** Sessions that this device has begun, and that came to their end. */
  readonly #ended: LastWords<Ended>
  /** Paths on which somebody has called who has not heard of that. */
  readonly #calls = new Set<Line>()
  #onempty: () => void = () => {}

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#ended = new LastWords(options.times.graceMs)
    this.#responder = new Responder({
      keyPair: options.keyPair,
      attemptMs: options.times.attemptMs,
      graceMs: options.times.graceMs,
      firewall: (key) => options.firewall(key),
      terms: () => this.#terms(),
      makeSession: (id, secret, connection, theirs, onover) =>
        this.#reached(id, secret, connection, theirs, onover),
      onconnection: (connection) => options.onconnection(connection),
      onproved: (path) => {
        options.onproved(path)
        for (const one of this.#callBacks) one.proved(path)
      },
      oncall: (line, call) =>
        [...this.#outgoing].some((one) => one.answer(line, call)) || this.#sayAgain(line, call)
    })
  }

  /** A path that somebody else has made. */
  accept(path: Path): void {
    this.#responder.accept(path)
  }

  /** Reaches out for a device: the connection opens, or is destroyed with the error. */
  reach(target: Uint8Array, connection: SecretConnection, reach: Reach): void {
    const { keyPair, times, peerAddresses } = this.#options
    const relaysNow = (): readonly RelayAddress[] => this.#options.relaysTo(target)
    const outgoing: Outgoing = new Outgoing({
      ...reach,
      keyPair,
      target,
      get relays() {
        return relaysNow()
      },
      peerAddresses,
      times,
      connection,
      udpKey: this.#met.keyOf(target),
      onmet: (theirs) => this.#remember(target, theirs),
      terms: this.#terms(),
      makeSession: (id, secret, theirs, events) => this.#make(id, secret, connection, theirs, events),
      onover: (ended) => {
        this.#outgoing.delete(outgoing)
        if (ended !== null) this.#ended.add(ended)
      }
    })
    this.#outgoing.add(outgoing)
    outgoing.start()
  }

  /** Ends the greetings that are under way. */
  close(): void {
    this.#responder.close()
    this.#ended.clear()
    for (const { path } of this.#calls) path.destroy()
  }

  /** Resolves once none is left, and none of their paths. What was written before a connection has closed has `withinMs` to arrive. */
  async over(withinMs: number): Promise<void> {
    if (this.#sessions.size > 0) await this.#empty(withinMs)
    await this.#left.closed(Math.min(CLOSING_MS, withinMs))
  }

  async #empty(withinMs: number): Promise<void> {
    const empty = new Promise<void>((resolve) => (this.#onempty = resolve))
    const timer = setTimeout(() => {
      for (const one of this.#sessions) one.end(new RelayError('RELAY_CLOSED', 'the client was closed'))
    }, withinMs)
    await empty
    clearTimeout(timer)
  }

  /** The other device has not heard that all was taken, and has made a path. @returns whether it is one of those */
  #sayAgain(line: Line, { session, number, mac }: Call): boolean {
    const ended = this.#ended.find(
      ({ last, calls }) => number > calls && last.isProvenBy('call', session, number, mac)
    )
    if (ended === null) return false
    ended.calls = number
    this.#calls.add(line)
    const timer = setTimeout(() => line.destroy(), this.#options.times.attemptMs)
    ended.initiator
      .join(line, ended.last.secret)
      .then((joined) => ended.last.say(joined.number, joined.line))
      .catch(() => line.destroy())
      .finally(() => {
        clearTimeout(timer)
        this.#calls.delete(line)
      })
    return true
  }

  #terms(): Terms {
    const { windowBytes } = this.#options
    return { windowBytes, candidates: this.#options.candidates() }
  }

  /** A session that somebody else has begun, who finds its paths; where that takes long, it is called. */
  #reached(
    id: Uint8Array,
    secret: Uint8Array,
    connection: SecretConnection,
    theirs: Terms,
    onover: (last: LastWord | null) => void
  ): Session {
    const { keyPair, times, peerAddresses } = this.#options
    const target = connection.remotePublicKey ?? new Uint8Array(0)
    this.#remember(target, theirs)
    const callBack = new CallBack({
      keyPair,
      target,
      relays: () => this.#options.relaysTo(target),
      candidates: theirs.candidates,
      peerAddresses,
      times,
      connection,
      session: id,
      secret,
      accept: (path, onclosed) => this.#responder.accept(path, onclosed)
    })
    this.#callBacks.add(callBack)
    return this.#make(id, secret, connection, theirs, {
      onlonely: (failed) => callBack.lonely(failed),
      onconfirmed: () => {},
      onmoved: () => callBack.moved(),
      onover: (last) => {
        callBack.stop()
        this.#callBacks.delete(callBack)
        onover(last)
      }
    })
  }

  #remember(device: Uint8Array, { candidates: { udp } }: Terms): void {
    if (this.#options.peerAddresses !== 'none') this.#met.remember(device, udp)
  }

  #make(
    id: Uint8Array,
    secret: Uint8Array,
    connection: SecretConnection,
    theirs: Terms,
    { onover, ...events }: Pick<SessionOptions, 'onlonely' | 'onconfirmed' | 'onmoved' | 'onover'>
  ): Session {
    const { times, windowBytes } = this.#options
    const session: Session = new Session({
      id,
      secret,
      connection,
      times,
      windows: { own: windowBytes, theirs: theirs.windowBytes },
      left: this.#left,
      ...events,
      onfailed: (path, error) => this.#options.onfailed(path, error),
      onover: (last) => {
        this.#sessions.delete(session)
        if (this.#sessions.size === 0) this.#onempty()
        onover(last)
      }
    })
    this.#sessions.add(session)
    return session
  }
}
