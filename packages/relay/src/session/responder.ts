import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'
import { Line } from '../paths/line.ts'
import type { Path } from '../paths/path.ts'
import { placeOf } from '../paths/place.ts'
import { Handshake, type Secrets } from '../protocol/handshake.ts'
import { SecretConnection } from './secret-connection.ts'
import {
  type Call,
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
  type Terms,
  welcomeGreeting
} from './greeting.ts'
import { Greetings } from './greetings.ts'
import type { LastWord } from './last-word.ts'
import { LastWords } from './last-words.ts'
import { Offers } from './offers.ts'
import type { Session } from './session.ts'

/** What a responder asks of its client. */
export interface ResponderOptions {
  readonly keyPair: KeyPair
  /** How long a greeting may take. */
  readonly attemptMs: number
  /** How long the other side of a session may look for a path. */
  readonly graceMs: number
  firewall(remotePublicKey: Uint8Array): boolean
  terms(): Terms
  /** @param theirs - the initiator's @param onover - is called when it is over */
  makeSession(
    id: Uint8Array,
    secret: Uint8Array,
    connection: SecretConnection,
    theirs: Terms,
    onover: (last: LastWord | null) => void
  ): Session
  onconnection(connection: SecretConnection): void
  /** On this path somebody has proven to be of a session: it is one of its paths from now on. */
  onproved(path: Path): void
  /** Somebody wants this device to join a path to a session that it has begun itself. @returns whether it does: the path is its own then */
  oncall(line: Line, call: Call): boolean
}

/** Sessions of one device at once: more are a mistake, or an attack. What was only offered does not count: whoever saw a hello can have it answered. */
const MAX_SESSIONS = 64

/**
 * A session that was offered and answered on one path: it begins when the initiator has shown that it could read the answer. There is one for each
 * path that the initiator tries, and it chooses: an answer that somebody swallows takes nothing from the others.
 */
interface Offer {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  readonly secrets: Secrets
  readonly remotePublicKey: Uint8Array
  readonly terms: Terms
}

/** The side of sessions that is reached: answers on each path that comes. */
export class Responder {
  readonly #options: ResponderOptions
  /** By the initiator's key and the session's id. */
  readonly #sessions = new Map<string, Session>()
  readonly #greetings: Greetings<Offer>
  readonly #offers: Offers<Offer>
  readonly #ended: LastWords<{ readonly name: string; readonly last: LastWord }>

  constructor(options: ResponderOptions) {
    this.#options = options
    this.#greetings = new Greetings(options.attemptMs)
    // As long as the path of each may be greeted on, and then as long as another may be.
    this.#offers = new Offers(2 * options.attemptMs)
    this.#ended = new LastWords(options.graceMs)
  }

  /**
   * A path on which the other side greets. The responder owns it, and after the greeting the session.
   *
   * @param onclosed - called where it ends before that
   */
  accept(path: Path, onclosed: () => void = () => {}): void {
    const line = new Line(path)
    this.#greetings.add(line)
    line.hand({
      ondrain: () => {},
      onclose: () => {
        this.#greetings.delete(line)
        onclosed()
      },
      onmessage: (bytes) => {
        const greeting = readGreeting(bytes)
        if (greeting === null || !this.#answer(line, greeting)) line.destroy()
      }
    })
  }

  /** Ends the greetings that are under way. */
  close(): void {
    this.#greetings.close()
    this.#offers.close()
    this.#ended.clear()
  }

  /** @returns false for what is out of place */
  #answer(line: Line, greeting: Greeting): boolean {
    const offer = this.#greetings.offerOn(line)
    if (offer !== null) return greeting.type === 'join' && this.#onfirst(line, offer, greeting)
    if (greeting.type === 'hello') return this.#onhello(line, greeting.noise)
    if (greeting.type === 'call') return this.#oncall(line, greeting)
    return greeting.type === 'join' && this.#onjoin(line, greeting)
  }

  #oncall(line: Line, call: Call): boolean {
    this.#greetings.delete(line)
    return this.#options.oncall(line, call)
  }

  #onhello(line: Line, noise: Uint8Array): boolean {
    const handshake = new Handshake('device to device', this.#options.keyPair, null)
    const payload = handshake.receive(noise)
    const offered = payload === null ? null : decodeOffer(payload)
    const remote = handshake.remotePublicKey
    if (offered === null || remote === null) return false
    const { session: id, terms } = offered
    const remotePublicKey = b4a.from(remote)
    if (this.#options.firewall(remotePublicKey) || this.#sessionsOf(remotePublicKey) >= MAX_SESSIONS)
      return this.#refuse(line, REFUSE.UNWELCOME)
    if (this.#isKnown(nameOf({ remotePublicKey, id }))) return this.#refuse(line, REFUSE.KNOWN)
    const secret = crypto.randomBytes(SESSION_SECRET_BYTES)
    line.path.send([welcomeGreeting(handshake.send(encodeAnswer(secret, this.#options.terms())))])
    const secrets = handshake.secrets()
    if (secrets === null) return false
    const offer = { id, secret, secrets, remotePublicKey, terms }
    this.#greetings.answered(line, offer)
    const { relay, origin = '' } = line.path
    this.#offers.add(offer, relay === null ? placeOf(origin) : `${b4a.toString(relay, 'hex')}/${origin}`)
    return true
  }

  /** A hello can be repeated by whoever saw it: only who could read the answer has this MAC. */
  #onfirst(line: Line, offer: Offer, { session: id, path, mac }: Join): boolean {
    const fits = path === 0 && b4a.equals(id, offer.id) && sameMac(mac, joinMac('join', id, 0, offer.secret))
    return fits && this.#begin(line, offer, 0)
  }

  #begin(line: Line, offer: Offer, path: number): boolean {
    const { id, secret, secrets, remotePublicKey, terms } = offer
    const name = nameOf(offer)
    if (this.#isKnown(name)) return this.#refuse(line, REFUSE.KNOWN)
    if (this.#sessionsOf(remotePublicKey) >= MAX_SESSIONS)
      return this.#refuse(line, path === 0 ? REFUSE.UNWELCOME : REFUSE.UNKNOWN)
    const connection = new SecretConnection(false, this.#options.keyPair.publicKey, remotePublicKey)
    const onover = (last: LastWord | null): void => {
      this.#sessions.delete(name)
      if (last !== null) this.#ended.add({ name, last })
    }
    const session = this.#options.makeSession(id, secret, connection, terms, onover)
    this.#sessions.set(name, session)
    this.#offers.begun(offer)
    this.#greetings.delete(line)
    if (path > 0) line.path.send([joinedGreeting(id, path, secret)])
    this.#options.onproved(line.path)
    session.begin(line, secrets, path)
    this.#options.onconnection(connection)
    return true
  }

  /** By what the MAC proves, not by the id: a relay can see that, and name a session of its own alike. */
  #onjoin(line: Line, { session: id, path, mac }: Join): boolean {
    const session = [...this.#sessions.values()].find(
      (one) => b4a.equals(one.id, id) && sameMac(mac, joinMac('join', id, path, one.secret))
    )
    const ended = this.#ended.find(({ last }) => last.isProvenBy('join', id, path, mac))
    if (ended !== null) return this.#sayAgain(line, path, ended.last)
    // What was offered on a path that did not let it begin begins on this one.
    const offer = session === undefined && path > 0 ? this.#offers.find(id, path, mac) : null
    if (offer !== null) return this.#begin(line, offer, path)
    if (session === undefined || session.over || !session.admits(path))
      return this.#refuse(line, REFUSE.UNKNOWN)
    this.#greetings.delete(line)
    line.path.send([joinedGreeting(id, path, session.secret)])
    this.#options.onproved(line.path)
    session.add(path, line)
    return true
  }

  /** The other side has not heard that all was taken. */
  #sayAgain(line: Line, path: number, last: LastWord): boolean {
    if (!last.admits(path)) return this.#refuse(line, REFUSE.UNKNOWN)
    this.#greetings.delete(line)
    line.path.send([last.joined(path)])
    last.say(path, line)
    return true
  }

  #isKnown(name: string): boolean {
    return this.#sessions.has(name) || this.#ended.find((one) => one.name === name) !== null
  }

  #sessionsOf(remotePublicKey: Uint8Array): number {
    const prefix = nameOf({ remotePublicKey, id: new Uint8Array(0) })
    return [...this.#sessions.keys()].filter((name) => name.startsWith(prefix)).length
  }

  /** @returns false when it was refused too often */
  #refuse(line: Line, code: number): boolean {
    if (!this.#greetings.refuse(line)) return false
    line.path.send([refuseGreeting(code)])
    // What is known may still be joined on this path; what is not is asked about once more.
    if (code === REFUSE.UNWELCOME) line.path.end()
    return true
  }
}

type Join = Extract<Greeting, { type: 'join' }>

function nameOf({ remotePublicKey, id }: Pick<Offer, 'remotePublicKey' | 'id'>): string {
  return `${b4a.toString(remotePublicKey, 'hex')}/${b4a.toString(id, 'hex')}`
}
