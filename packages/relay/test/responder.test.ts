import crypto, { type KeyPair } from 'hypercore-crypto'
import { expect, test } from 'vitest'
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
import { PathNumbers } from '../src/session/path-numbers.ts'
import { Responder } from '../src/session/responder.ts'
import { Session } from '../src/session/session.ts'

/** A path whose other end is the test. */
class TestPath implements Path {
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

function responder(): Responder {
  const made = new Responder({
    keyPair: bob,
    attemptMs: 5_000,
    firewall: () => false,
    terms: () => terms,
    makeSession: (id, secret, connection) => {
      connection.on('error', () => {})
      testCleanup().defer('stream', () => connection.destroy())
      const none = (): void => {}
      return new Session({
        id,
        secret,
        connection,
        times: TIMES,
        windows: { own: 1 << 20, theirs: 1 << 20 },
        onlonely: none,
        onconfirmed: none,
        onfailed: none,
        onover: none
      })
    },
    onconnection: () => {},
    onproved: () => {},
    oncall: () => false
  })
  testCleanup().defer('network', () => made.close())
  return made
}

/** Says hello. @returns what was said, and the path */
function hello(
  to: Responder,
  device: KeyPair,
  session: Uint8Array,
  path = new TestPath()
): { path: TestPath; said: Uint8Array; noise: Handshake } {
  const noise = new Handshake('device to device', device, bob.publicKey)
  const said = helloGreeting(noise.send(encodeOffer(session, terms)))
  return { path: say(to, said, path), said, noise }
}

function say(to: Responder, said: Uint8Array, path = new TestPath()): TestPath {
  to.accept(path)
  path.events?.onmessage(said)
  return path
}

/** What was answered first. */
function answerOn({ sent }: TestPath): string | undefined {
  return sent[0] && readGreeting(sent[0])?.type
}

function newcomer(to: Responder, path?: TestPath): string | undefined {
  return answerOn(hello(to, crypto.keyPair(), crypto.randomBytes(16), path).path)
}

/** The secret that was answered. */
function secretOf({ path, noise }: { path: TestPath; noise: Handshake }): Uint8Array {
  const greeting = readGreeting(path.sent[0] ?? Buffer.alloc(0))
  if (greeting?.type !== 'welcome') throw new Error('not welcome')
  const answer = decodeAnswer(noise.receive(greeting.noise) ?? Buffer.alloc(0))
  if (answer === null) throw new Error('no answer')
  return answer.secret
}

/** Says hello, and begins. @returns the session's secret */
function begin(to: Responder, device: KeyPair, session: Uint8Array): Uint8Array {
  const offered = hello(to, device, session)
  const secret = secretOf(offered)
  offered.path.events?.onmessage(joinGreeting(session, 0, secret))
  return secret
}

test('who takes the same id for a session does not lock out another device’s', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  // A relay holds the first join of Alice back, which shows the id, and lets a device of its own begin.
  const alice = crypto.keyPair()
  begin(to, crypto.keyPair(), session)
  const secret = begin(to, alice, session)
  expect(answerOn(say(to, joinGreeting(session, 1, secret)))).toBe('joined')
})

test('a hello that somebody repeats does not lock the device out that said it', () => {
  const to = responder()
  const alice = crypto.keyPair()
  const { said } = hello(to, alice, crypto.randomBytes(16))
  for (let i = 0; i < 100; i++) say(to, said)
  expect(answerOn(hello(to, alice, crypto.randomBytes(16)).path)).toBe('welcome')
})

test('a device has 64 sessions, and not one more', () => {
  const to = responder()
  const alice = crypto.keyPair()
  const session = crypto.randomBytes(16)
  const offered = hello(to, alice, session)
  for (let i = 0; i < 64; i++) begin(to, alice, crypto.randomBytes(16))
  expect(answerOn(hello(to, alice, crypto.randomBytes(16)).path)).toBe('refuse')
  // Nor does one begin now that was offered before.
  offered.path.events?.onmessage(joinGreeting(session, 0, secretOf(offered)))
  expect(offered.path.closed).toBe(true)
  expect(newcomer(to)).toBe('welcome')
})

test('connections that say nothing do not lock everybody out', () => {
  const to = responder()
  for (let i = 0; i < 300; i++) to.accept(new TestPath())
  expect(newcomer(to)).toBe('welcome')
})

test('of greetings that are too many those go whose place has most, and of these the silent ones', () => {
  const to = responder()
  const patient = new TestPath({ origin: '192.0.2.1' })
  to.accept(patient)
  const spoken = new TestPath({ origin: '192.0.2.2' })
  hello(to, crypto.keyPair(), crypto.randomBytes(16), spoken)
  const flood = Array.from({ length: 300 }, () => new TestPath({ origin: '192.0.2.2' }))
  for (const path of flood) to.accept(path)
  expect([patient.closed, spoken.closed]).toEqual([false, false])
  // An IPv6 network of 64 bits is one place.
  for (let i = 0; i < 300; i++) to.accept(new TestPath({ origin: `2001:db8::${i.toString(16)}` }))
  expect([patient.closed, spoken.closed]).toEqual([false, false])
  expect(flood.filter(({ closed }) => !closed).length).toBeGreaterThan(100)
})

test('whoever comes directly is in nobody’s way who comes through a relay, and no relay is in another one’s', () => {
  const to = responder()
  const [one, other] = [crypto.randomBytes(32), crypto.randomBytes(32)]
  const through = [one, other].map((relay) => new TestPath({ relay, origin: 'a key' }))
  for (const path of through) to.accept(path)
  for (let i = 0; i < 300; i++) to.accept(new TestPath({ origin: `192.0.2.${i}` }))
  for (let i = 0; i < 300; i++) to.accept(new TestPath({ relay: one, origin: `key ${i}` }))
  expect(through.map(({ closed }) => closed)).toEqual([true, false])
})

test('of two joins that cross on their way both are good, and one that is repeated is not', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  const secret = begin(to, crypto.keyPair(), session)
  const answers = [2, 1, 2, 1, 0].map((path) => answerOn(say(to, joinGreeting(session, path, secret))))
  expect(answers).toEqual(['joined', 'joined', 'refuse', 'refuse', 'refuse'])
})

test('a number of a path is given once, whatever comes in between', () => {
  const numbers = new PathNumbers()
  for (const number of [0, 5, 3, 90, 40]) {
    expect(numbers.isFresh(number)).toBe(true)
    numbers.use(number)
    expect(numbers.isFresh(number)).toBe(false)
  }
  expect([3, 5, 26, 27, 89].map((number) => numbers.isFresh(number))).toEqual([
    false,
    false,
    false,
    true,
    true
  ])
})
