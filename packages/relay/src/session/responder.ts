import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'
import { Line } from '../paths/line.ts'
import type { Path } from '../paths/path.ts'
import { Handshake } from '../protocol/handshake.ts'
import { SecretConnection } from './secret-connection.ts'
import {
  type Candidates,
  decodeOffer,
  encodeAnswer,
  type Greeting,
  joinedGreeting,
  joinMac,
  readGreeting,
  REFUSE,
  refuseGreeting,
  sameMac,
  SESSION_SECRET_BYTES,
  welcomeGreeting
} from './greeting.ts'
import type { Session } from './session.ts'

/** What a responder asks of its client. */
export interface ResponderOptions {
  readonly keyPair: KeyPair
  /** How long a greeting may take. */
  readonly attemptMs: number
  firewall(remotePublicKey: Uint8Array): boolean
  candidates(): Candidates
  makeSession(id: Uint8Array, secret: Uint8Array, connection: SecretConnection): Session
  onconnection(connection: SecretConnection): void
}

/** The side of sessions that is reached: answers on each path that comes. */
export class Responder {
  readonly #options: ResponderOptions
  readonly #sessions = new Map<string, Session>()
  readonly #greeting = new Set<Path>()

  constructor(options: ResponderOptions) {
    this.#options = options
  }

  /** A path that somebody else has made. The responder owns it, and after the greeting the session. */
  accept(path: Path): void {
    this.#greeting.add(path)
    const timer = setTimeout(() => path.destroy(), this.#options.attemptMs)
    const done = (): void => {
      clearTimeout(timer)
      this.#greeting.delete(path)
    }
    const line = new Line(path)
    line.hand({
      ondrain: () => {},
      onclose: done,
      onmessage: (bytes) => {
        const greeting = readGreeting(bytes)
        if (greeting === null || !this.#answer(line, greeting)) return path.destroy()
        if (this.#taken.has(line)) done()
      }
    })
  }

  /** Those whose greeting is under way. */
  close(): void {
    for (const path of this.#greeting) path.destroy()
  }

  readonly #taken = new WeakSet<Line>()

  /** @returns false for what is out of place */
  #answer(line: Line, greeting: Greeting): boolean {
    if (greeting.type === 'hello') return this.#onhello(line, greeting.noise)
    if (greeting.type === 'join') return this.#onjoin(line, greeting)
    return false
  }

  #onhello(line: Line, noise: Uint8Array): boolean {
    const handshake = new Handshake('device to device', this.#options.keyPair, null)
    const payload = handshake.receive(noise)
    const id = payload === null ? null : decodeOffer(payload)
    const remote = handshake.remotePublicKey
    if (id === null || remote === null) return false
    const remotePublicKey = b4a.from(remote)
    if (this.#options.firewall(remotePublicKey)) return this.#refuse(line, REFUSE.UNWELCOME)
    const name = nameOf(remotePublicKey, id)
    if (this.#sessions.has(name)) return this.#refuse(line, REFUSE.KNOWN)
    const secret = crypto.randomBytes(SESSION_SECRET_BYTES)
    line.path.send([welcomeGreeting(handshake.send(encodeAnswer(secret, this.#options.candidates())))])
    const secrets = handshake.secrets()
    if (secrets === null) return false
    const connection = new SecretConnection(false, this.#options.keyPair.publicKey, remotePublicKey)
    const session = this.#options.makeSession(id, secret, connection)
    this.#sessions.set(name, session)
    connection.onover = () => this.#sessions.delete(name)
    this.#taken.add(line)
    session.begin(line, secrets)
    this.#options.onconnection(connection)
    return true
  }

  #onjoin(line: Line, { session: id, path, mac }: Extract<Greeting, { type: 'join' }>): boolean {
    const session = [...this.#sessions.values()].find((session) => b4a.equals(session.id, id))
    const known = session !== undefined && !session.over && !session.isUsed(path)
    if (!known || !sameMac(mac, joinMac('join', id, path, session.secret)))
      return this.#refuse(line, REFUSE.UNKNOWN)
    line.path.send([joinedGreeting(id, path, session.secret)])
    this.#taken.add(line)
    session.add(path, line)
    return true
  }

  #refuse(line: Line, code: number): boolean {
    line.path.send([refuseGreeting(code)])
    // A session that is known may still be joined on this path.
    if (code !== REFUSE.KNOWN) line.path.end()
    return true
  }
}

function nameOf(remotePublicKey: Uint8Array, id: Uint8Array): string {
  return `${b4a.toString(remotePublicKey, 'hex')}/${b4a.toString(id, 'hex')}`
}
