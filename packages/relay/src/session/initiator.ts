import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import { Line } from '../paths/line.ts'
import type { Path } from '../paths/path.ts'
import { Handshake, type Secrets } from '../protocol/handshake.ts'
import {
  decodeAnswer,
  encodeOffer,
  type Greeting,
  helloGreeting,
  joinGreeting,
  joinMac,
  readGreeting,
  REFUSE,
  sameMac,
  SESSION_ID_BYTES,
  type Terms
} from './greeting.ts'

/** How a path was greeted. */
export type Greeted =
  | {
      readonly how: 'begun'
      readonly line: Line
      readonly secrets: Secrets
      readonly secret: Uint8Array
      /** The other side's. */
      readonly terms: Terms
    }
  /** The session began on another path already: this one may join it. */
  | { readonly how: 'known'; readonly line: Line }

/** The side of a session that reaches out: greets on each path it finds. */
export class Initiator {
  readonly session: Uint8Array = crypto.randomBytes(SESSION_ID_BYTES)
  readonly #keyPair: KeyPair
  readonly #target: Uint8Array
  readonly #terms: Terms
  #paths = 0

  constructor(keyPair: KeyPair, target: Uint8Array, terms: Terms) {
    this.#keyPair = keyPair
    this.#target = target
    this.#terms = terms
  }

  /**
   * Proves to the device, and has it prove, who both are. The session begins with {@link Initiator.begin}.
   *
   * @throws RELAY_BAD_ARGUMENT, RELAY_PEER_REFUSED, RELAY_PROTOCOL, RELAY_UNREACHABLE
   */
  async hello(to: Path | Line): Promise<Greeted> {
    const path = to instanceof Line ? to.path : to
    const handshake = new Handshake('device to device', this.#keyPair, this.#target)
    const { line, answer } = await ask(to, helloGreeting(this.#offer(path, handshake)))
    if (answer.type === 'refuse' && answer.code === REFUSE.KNOWN) return { how: 'known', line }
    if (answer.type === 'refuse') throw refused(path)
    const payload = answer.type === 'welcome' ? handshake.receive(answer.noise) : null
    const read = payload === null ? null : decodeAnswer(payload)
    const secrets = handshake.secrets()
    if (read === null || secrets === null) throw odd(path)
    return { how: 'begun', line, secrets, ...read }
  }

  /** Begins the session on one of the paths that were answered: to the others the device was only offered it. */
  begin(line: Line, secret: Uint8Array): void {
    line.path.send([joinGreeting(this.session, 0, secret)])
  }

  #offer(path: Path, handshake: Handshake): Uint8Array {
    try {
      return handshake.send(encodeOffer(this.session, this.#terms))
    } catch (error) {
      path.destroy()
      throw error
    }
  }

  /**
   * Joins another path to the session.
   *
   * @param to - a path, or where something was said on it already
   * @returns its number
   * @throws RELAY_CLOSED when the device has proven that it does not know the session; RELAY_PEER_REFUSED, RELAY_PROTOCOL, RELAY_UNREACHABLE
   */
  async join(to: Path | Line, secret: Uint8Array): Promise<{ readonly number: number; readonly line: Line }> {
    const number = ++this.#paths
    const { line, answer } = await ask(to, joinGreeting(this.session, number, secret))
    if (answer.type === 'refuse') throw await this.#whyRefused(line)
    const mac = joinMac('joined', this.session, number, secret)
    if (answer.type !== 'joined' || answer.path !== number || !sameMac(answer.mac, mac)) throw odd(line.path)
    return { number, line }
  }

  /** Anybody on the way can refuse. But only the device itself can answer a hello, and does not while it knows the session. */
  async #whyRefused(line: Line): Promise<RelayError> {
    const { how } = await this.hello(line)
    line.destroy()
    return how === 'known'
      ? new RelayError('RELAY_UNREACHABLE', 'the device knows the connection, and has not taken this path')
      : new RelayError('RELAY_CLOSED', 'the other device knows nothing of this connection any more')
  }
}

function refused(path: Path): RelayError {
  path.end()
  return new RelayError('RELAY_PEER_REFUSED', 'the other device does not want this connection')
}

function odd(path: Path): RelayError {
  path.destroy()
  return new RelayError('RELAY_PROTOCOL', 'who answered is not the device, or does not follow the protocol')
}

function ask(
  to: Path | Line,
  message: Uint8Array
): Promise<{ readonly line: Line; readonly answer: Greeting }> {
  const line = to instanceof Line ? to : new Line(to)
  line.path.send([message])
  return new Promise((resolve, reject) => {
    line.hand({
      ondrain: () => {},
      onclose: (cause) =>
        reject(
          cause instanceof RelayError
            ? cause
            : new RelayError('RELAY_UNREACHABLE', 'the path closed before the device had answered', { cause })
        ),
      onmessage: (bytes) => {
        line.hold()
        const answer = readGreeting(bytes)
        if (answer === null) reject(odd(line.path))
        else resolve({ line, answer })
      }
    })
  })
}
