import crypto, { type KeyPair } from 'hypercore-crypto'
import { testCleanup } from '@cloudpal/test-kit'
import { TIMES } from '../src/client/options.ts'
import type { Path, PathEvents } from '../src/paths/path.ts'
import { Handshake } from '../src/protocol/handshake.ts'
import {
  decodeAnswer,
  encodeOffer,
  helloGreeting,
  joinGreeting,
  readGreeting
} from '../src/session/greeting.ts'
import { LeftPaths } from '../src/session/left-paths.ts'
import { Responder } from '../src/session/responder.ts'
import type { SecretConnection } from '../src/session/secret-connection.ts'
import { Session } from '../src/session/session.ts'

/** A path whose other end is the test. */
export class TestPath implements Path {
  readonly kind
  readonly relay: Uint8Array | null
  readonly origin: string
  readonly transport = 'tcp'
  readonly sent: Buffer[] = []
  closed = false
  events: PathEvents | null = null

  constructor({ origin = '', relay = null as Uint8Array | null } = {}) {
    this.kind = relay === null ? ('tcp' as const) : ('relay' as const)
    this.relay = relay
    this.origin = origin
  }

  start(events: PathEvents): void {
    this.events = events
  }

  send(parts: readonly Uint8Array[]): boolean {
    this.sent.push(Buffer.concat(parts))
    return true
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.closed) return
    this.closed = true
    queueMicrotask(() => this.events?.onclose(null))
  }
}

const bob = crypto.keyPair()
const terms = { windowBytes: 1 << 20, candidates: { tcp: [], udp: new Uint8Array(0) } }

/** Its key. */
export const reachedKey: Uint8Array = bob.publicKey

/** A device that is reached. @param onconnection - told of each session that begins */
export function responder(onconnection: (connection: SecretConnection) => void = () => {}): Responder {
  const made = new Responder({
    keyPair: bob,
    attemptMs: 5_000,
    graceMs: 30_000,
    firewall: () => false,
    terms: () => terms,
    makeSession: (id, secret, connection, _, onover) => {
      connection.on('error', () => {})
      testCleanup().defer('stream', () => connection.destroy())
      const none = (): void => {}
      return new Session({
        id,
        secret,
        connection,
        times: TIMES,
        windows: { own: 1 << 20, theirs: 1 << 20 },
        left: new LeftPaths(),
        onlonely: none,
        onconfirmed: none,
        onfailed: none,
        onmoved: none,
        onover
      })
    },
    onconnection,
    onproved: () => {},
    oncall: () => false
  })
  testCleanup().defer('network', () => made.close())
  return made
}

/** Says hello. @returns what was said, and the path */
export function hello(
  to: Responder,
  device: KeyPair,
  session: Uint8Array,
  path = new TestPath()
): { path: TestPath; said: Uint8Array; noise: Handshake } {
  const noise = new Handshake('device to device', device, bob.publicKey)
  const said = helloGreeting(noise.send(encodeOffer(session, terms)))
  return { path: say(to, said, path), said, noise }
}

export function say(to: Responder, said: Uint8Array, path = new TestPath()): TestPath {
  to.accept(path)
  path.events?.onmessage(said)
  return path
}

/** What was answered first. */
export function answerOn({ sent }: TestPath): string | undefined {
  return sent[0] && readGreeting(sent[0])?.type
}

/** The secret that was answered. */
export function secretOf({ path, noise }: { path: TestPath; noise: Handshake }): Uint8Array {
  const greeting = readGreeting(path.sent[0] ?? Buffer.alloc(0))
  if (greeting?.type !== 'welcome') throw new Error('not welcome')
  const answer = decodeAnswer(noise.receive(greeting.noise) ?? Buffer.alloc(0))
  if (answer === null) throw new Error('no answer')
  return answer.secret
}

/** Says hello, and begins. @returns the session's secret */
export function begin(to: Responder, device: KeyPair, session: Uint8Array): Uint8Array {
  const offered = hello(to, device, session)
  const secret = secretOf(offered)
  offered.path.events?.onmessage(joinGreeting(session, 0, secret))
  return secret
}
