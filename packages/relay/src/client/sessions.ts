import type { Path, PathInfo } from '../paths/path.ts'
import type { Terms } from '../session/greeting.ts'
import { Responder } from '../session/responder.ts'
import type { SecretConnection } from '../session/secret-connection.ts'
import { Session, type SessionOptions } from '../session/session.ts'
import type { KeyPair } from '../types.ts'
import type { PeerAddresses } from './options.ts'
import { CallBack } from './call-back.ts'
import { Met } from './met.ts'
import type { ClientTimes, RelayAddress } from './options.ts'
import { Outgoing, type OutgoingOptions } from './outgoing.ts'

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
  readonly #outgoing = new Set<Outgoing>()
  readonly #callBacks = new Set<CallBack>()
  readonly #met = new Met()

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#responder = new Responder({
      keyPair: options.keyPair,
      attemptMs: options.times.attemptMs,
      firewall: (key) => options.firewall(key),
      terms: () => this.#terms(),
      makeSession: (id, secret, connection, theirs) => this.#reached(id, secret, connection, theirs),
      onconnection: (connection) => options.onconnection(connection),
      onproved: (path) => {
        options.onproved(path)
        for (const one of this.#callBacks) one.proved(path)
      },
      oncall: (line, call) => [...this.#outgoing].some((one) => one.answer(line, call))
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
    const outgoing = new Outgoing({
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
      makeSession: (id, secret, theirs, events) => this.#make(id, secret, connection, theirs, events)
    })
    this.#outgoing.add(outgoing)
    connection.once('close', () => this.#outgoing.delete(outgoing))
    outgoing.start()
  }

  /** Ends the greetings that are under way. */
  close(): void {
    this.#responder.close()
  }

  #terms(): Terms {
    const { windowBytes } = this.#options
    return { windowBytes, candidates: this.#options.candidates() }
  }

  /** A session that somebody else has begun, who finds its paths; where that takes long, it is called. */
  #reached(id: Uint8Array, secret: Uint8Array, connection: SecretConnection, theirs: Terms): Session {
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
    connection.once('close', () => this.#callBacks.delete(callBack))
    return this.#make(id, secret, connection, theirs, {
      onlonely: () => callBack.lonely(),
      onconfirmed: () => {}
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
    events: Pick<SessionOptions, 'onlonely' | 'onconfirmed'>
  ): Session {
    const { times, windowBytes } = this.#options
    return new Session({
      id,
      secret,
      connection,
      times,
      windows: { own: windowBytes, theirs: theirs.windowBytes },
      ...events,
      onfailed: (path, error) => this.#options.onfailed(path, error),
      onover: () => {}
    })
  }
}
