import crypto from 'hypercore-crypto'
import { testCleanup } from '@cloudpal/test-kit'
import sodium from 'sodium-universal'
import { expect, test, vi } from 'vitest'
import { TcpPath } from '../src/paths/tcp-path.ts'
import { frame, FRAME } from '../src/protocol/frames.ts'
import { Handshake } from '../src/protocol/handshake.ts'
import { decodeOffer, encodeOffer, joinedGreeting, joinGreeting } from '../src/session/greeting.ts'
import { Initiator } from '../src/session/initiator.ts'
import { PathNumbers } from '../src/session/path-numbers.ts'
import type { Responder } from '../src/session/responder.ts'
import { wirePair } from './memory-wire.ts'
import { answerOn, begin, hello, reachedKey, responder, say, secretOf, TestPath } from './reached.ts'

function newcomer(to: Responder, path?: TestPath): string | undefined {
  return answerOn(hello(to, crypto.keyPair(), crypto.randomBytes(16), path).path)
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

test('who makes a new key for each hello does not make a device keep them all, nor try each join on all', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  const waiting = hello(to, crypto.keyPair(), session, new TestPath({ origin: '192.0.2.1' }))
  for (let i = 0; i < 800; i++) {
    const { path } = hello(to, crypto.keyPair(), session, new TestPath({ origin: '192.0.2.2' }))
    path.events?.onclose(null)
  }
  const macs = vi.spyOn(sodium, 'crypto_generichash_batch')
  testCleanup().defer('stream', () => macs.mockRestore())
  say(to, joinGreeting(session, 1, crypto.randomBytes(32)))
  expect(macs.mock.calls.length).toBeLessThan(400)
  // Nor do those of one place push out what was offered at another.
  waiting.path.events?.onclose(null)
  expect(answerOn(say(to, joinGreeting(session, 1, secretOf(waiting))))).toBe('joined')
})

test('what follows on a path that has been closed costs no handshake', async () => {
  const received = vi.spyOn(Handshake.prototype, 'receive')
  const to = responder()
  const [here, there] = wirePair()
  to.accept(new TcpPath(here))
  there.start({ onbytes: () => {}, ondrain: () => {}, onclose: () => {} })
  // A stranger that is at home on the curve, and nothing else: 64 KiB in one go.
  const hello = frame(FRAME.DATA, Buffer.concat([Buffer.of(1), crypto.keyPair().publicKey, Buffer.alloc(64)]))
  there.write(...Array.from({ length: 640 }, () => hello))
  await Promise.resolve()
  expect(received.mock.calls.length).toBe(1)
  received.mockRestore()
})

const terms = { windowBytes: 1 << 20, candidates: { tcp: [], udp: new Uint8Array(0) } }

test('a path is joined where the answer names it, and proves the secret, and on no other word', async () => {
  const secret = crypto.randomBytes(32)
  const join = async (answer: (session: Uint8Array) => Uint8Array): Promise<unknown> => {
    const initiator = new Initiator(crypto.keyPair(), reachedKey, terms)
    const path = new TestPath()
    const joined = initiator.join(path, secret).then(
      ({ number }) => number,
      ({ code }: { code: string }) => code
    )
    path.events?.onmessage(answer(initiator.session))
    return joined
  }
  expect(await join((session) => joinedGreeting(session, 1, secret))).toBe(1)
  expect(await join((session) => joinedGreeting(session, 1, new Uint8Array(32)))).toBe('RELAY_PROTOCOL')
  const other = (session: Uint8Array): Uint8Array => joinedGreeting(session, 1, secret).fill(2, 1, 2)
  expect(await join(other)).toBe('RELAY_PROTOCOL')
})

test('an offer of another version, or of a window that holds no segment, is none', () => {
  const offer = (windowBytes: number): Uint8Array =>
    encodeOffer(crypto.randomBytes(16), { ...terms, windowBytes })
  expect(decodeOffer(offer(131_072))?.terms.windowBytes).toBe(131_072)
  expect(decodeOffer(offer(131_071))).toBe(null)
  const newer = Uint8Array.from(offer(131_072))
  newer[0] = 3
  expect(decodeOffer(newer)).toBe(null)
})
