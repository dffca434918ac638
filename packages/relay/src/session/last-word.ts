import b4a from 'b4a'
import { flowFrame } from '../flow/flow-frames.ts'
import type { Line } from '../paths/line.ts'
import { joinedGreeting, joinMac, sameMac } from './greeting.ts'
import type { LeftPaths } from './left-paths.ts'
import type { PathNumbers } from './path-numbers.ts'
import { PathSeal } from './path-seal.ts'

/** What a {@link LastWord} is made of. */
export interface LastWordOptions {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  /** Whether this side has begun the session. */
  readonly isInitiator: boolean
  /** All before this byte was taken, the end of the stream included. */
  readonly taken: number
  /** Those of the session's paths. */
  readonly numbers: PathNumbers
  readonly left: LeftPaths
}

/**
 * What a session leaves that has come to its end: that all was taken. Nobody repeats the last ack, and where it is lost with its path the other side still asks:
 * TCP's TIME-WAIT (RFC 9293, 3.3.2) is there for the same.
 */
export class LastWord {
  readonly #options: LastWordOptions

  constructor(options: LastWordOptions) {
    this.#options = options
  }

  get secret(): Uint8Array {
    return this.#options.secret
  }

  /** Whether a join, or a call, is of the session. */
  isProvenBy(what: 'join' | 'call', session: Uint8Array, number: number, mac: Uint8Array): boolean {
    const { id, secret } = this.#options
    return b4a.equals(session, id) && sameMac(mac, joinMac(what, id, number, secret))
  }

  /** Whether a path can have this number, which is given once. */
  admits(path: number): boolean {
    return this.#options.numbers.isFresh(path)
  }

  /** The yes to a join. */
  joined(path: number): Uint8Array {
    const { id, secret } = this.#options
    return joinedGreeting(id, path, secret)
  }

  /** On a path that was joined; it owns it. */
  say(number: number, line: Line): void {
    const { secret, isInitiator, taken, numbers, left } = this.#options
    numbers.use(number)
    line.path.send(new PathSeal(secret, number, isInitiator).seal(flowFrame({ type: 'ack', offset: taken })))
    left.add(line)
  }
}
