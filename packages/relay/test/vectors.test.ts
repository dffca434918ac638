import { readFileSync } from 'node:fs'
import crypto, { type KeyPair } from 'hypercore-crypto'
import curve from 'noise-curve-ed'
import { expect, test, vi } from 'vitest'
import { flowFrame, readFlowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { createGrant, readGrant } from '../src/index.ts'
import {
  decodeControl,
  decodeWelcome,
  encodeControl,
  encodeHello,
  encodeWelcome
} from '../src/protocol/control.ts'
import { frame, FRAME } from '../src/protocol/frames.ts'
import { ControlCipher, Handshake, type Purpose, type Secrets } from '../src/protocol/handshake.ts'
import { refusal } from '../src/protocol/refusal.ts'
import {
  callGreeting,
  decodeAnswer,
  decodeOffer,
  encodeAnswer,
  encodeOffer,
  helloGreeting,
  joinedGreeting,
  joinGreeting,
  readGreeting,
  refuseGreeting,
  welcomeGreeting
} from '../src/session/greeting.ts'
import { PathSeal } from '../src/session/path-seal.ts'

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const owner = crypto.keyPair(fill(1))
const grant = createGrant(owner, {
  device: fill(2),
  relay: fill(3),
  scopes: 5,
  bytesPerSecond: 1_000_000,
  quotaBytes: 2 ** 40,
  expiresAt: 1_800_000_000_000,
  nonce: fill(4, 16)
})
const redirect = refusal('RELAY_REDIRECT', { retryAfterMs: 1000, redirect: fill(5) })
const candidates = { tcp: ['192.0.2.1:4989', '[2001:db8::1]:4989'], udp: fill(6) }
const terms = { windowBytes: 4_194_304, candidates }

/** A segment as the first message on path 7, and a frame as the second one. */
function sealed(isInitiator: boolean): [segment: Uint8Array, reset: Uint8Array] {
  const seal = new PathSeal(fill(11), 7, isInitiator)
  return [
    Buffer.concat(seal.seal(segmentHeader(258), fill(12, 3))),
    Buffer.concat(seal.seal(flowFrame({ type: 'reset' })))
  ]
}

/** Both messages of a greeting between the keys of these seeds, and the keys that both sides have then. */
function greeted(purpose: Purpose, offer: Uint8Array, answer: Uint8Array): [Uint8Array, Uint8Array, Secrets] {
  const [near, nearOnce, far, farOnce] = [0x20, 0x21, 0x22, 0x23].map((byte) =>
    crypto.keyPair(fill(byte))
  ) as [KeyPair, KeyPair, KeyPair, KeyPair]
  const made = vi.spyOn(curve, 'generateKeyPair').mockReturnValueOnce(nearOnce).mockReturnValueOnce(farOnce)
  const initiator = new Handshake(purpose, near, far.publicKey)
  const responder = new Handshake(purpose, far, null)
  const hello = initiator.send(offer)
  // What was read of a message is wiped where it stands.
  responder.receive(Uint8Array.from(hello))
  const welcome = responder.send(answer)
  initiator.receive(Uint8Array.from(welcome))
  made.mockRestore()
  return [hello, welcome, initiator.secrets() as Secrets]
}

const outer = greeted('device to relay', encodeHello(null), encodeWelcome(null))
const inner = greeted('device to device', encodeOffer(fill(10, 16), terms), encodeAnswer(fill(11), terms))
const nearCipher = new ControlCipher(outer[2])
const farCipher = new ControlCipher({ ...outer[2], tx: outer[2].rx, rx: outer[2].tx })

/** Everything with bytes of its own, made anew. */
const made: Record<string, Uint8Array> = {
  grant,
  'frame DATA': frame(FRAME.DATA, fill(7, 3)),
  'frame HELLO': frame(FRAME.HELLO, outer[0]),
  'frame WELCOME': frame(FRAME.WELCOME, outer[1]),
  'frame CONTROL with ping': frame(
    FRAME.CONTROL,
    nearCipher.seal(encodeControl({ type: 'ping', keepAliveMs: 45_000 }))
  ),
  'frame CONTROL with another ping': frame(
    FRAME.CONTROL,
    nearCipher.seal(encodeControl({ type: 'ping', keepAliveMs: 45_000 }))
  ),
  'frame CONTROL with pong': frame(FRAME.CONTROL, farCipher.seal(encodeControl({ type: 'pong' }))),
  'payload HELLO': encodeHello(null),
  'payload HELLO with a grant': encodeHello(grant),
  'payload WELCOME': encodeWelcome(null),
  'payload WELCOME with a refusal': encodeWelcome(redirect),
  'control register': encodeControl({
    type: 'register',
    keepAliveMs: 30_000,
    setSeq: 258,
    insists: true
  }),
  'control open': encodeControl({ type: 'open', target: fill(8) }),
  'control ping': encodeControl({ type: 'ping', keepAliveMs: 45_000 }),
  'control watch': encodeControl({ type: 'watch', keepAliveMs: 1_000, setSeq: 2 ** 53 - 1 }),
  'control publish': encodeControl({ type: 'publish', record: fill(12, 3) }),
  'control lookup': encodeControl({ type: 'lookup', target: fill(8) }),
  'control registered': encodeControl({ type: 'registered' }),
  'control incoming': encodeControl({ type: 'incoming', from: fill(9) }),
  'control opened': encodeControl({ type: 'opened' }),
  'control pong': encodeControl({ type: 'pong' }),
  'control refused': encodeControl({ type: 'refused', refusal: refusal('RELAY_QUOTA') }),
  'control gone': encodeControl({ type: 'gone' }),
  'control draining': encodeControl({ type: 'draining' }),
  'control beat': encodeControl({ type: 'beat', record: fill(13, 153) }),
  'control missing': encodeControl({ type: 'missing', replica: fill(8), epoch: 258, seq: 772 }),
  'control set': encodeControl({ type: 'set', record: fill(14, 3) }),
  'control found': encodeControl({ type: 'found', target: fill(8), record: fill(12, 3) }),
  'greeting offer': encodeOffer(fill(10, 16), terms),
  'greeting answer': encodeAnswer(fill(11), terms),
  'greeting hello': helloGreeting(inner[0]),
  'greeting welcome': welcomeGreeting(inner[1]),
  'greeting keys': Buffer.concat([inner[2].tx, inner[2].rx, inner[2].hash]),
  'greeting join': joinGreeting(fill(10, 16), 7, fill(11)),
  'greeting joined': joinedGreeting(fill(10, 16), 7, fill(11)),
  'greeting refuse': refuseGreeting(3),
  'greeting call': callGreeting(fill(10, 16), 7, fill(11)),
  'path segment': segmentHeader(2 ** 40 + 1),
  'path fin': flowFrame({ type: 'fin', offset: 258 }),
  'path ack': flowFrame({ type: 'ack', offset: 258 }),
  'path dead': flowFrame({ type: 'dead', path: 3, offset: 258 }),
  'path resume': flowFrame({ type: 'resume', path: 3, offset: 258 }),
  'path retire': flowFrame({ type: 'retire' }),
  'path retired': flowFrame({ type: 'retired' }),
  'path probe': flowFrame({ type: 'probe' }),
  'path probed': flowFrame({ type: 'probed' }),
  'path reset': flowFrame({ type: 'reset' }),
  'sealed segment': sealed(true)[0],
  'sealed reset': sealed(true)[1],
  'sealed segment of the responder': sealed(false)[0],
  'sealed reset of the responder': sealed(false)[1]
}

/** Of the outer layer, and of the inner one. */
const pinned = Object.assign(
  {},
  ...['v1', 'inner-v2'].map((name): unknown =>
    JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'))
  )
) as Record<string, string>

test('every message has the bytes that are pinned', () => {
  const hex = Object.entries(made).map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')])
  expect(Object.fromEntries(hex)).toEqual(pinned)
})

test('every message is read back', () => {
  for (const [name, bytes] of Object.entries(made)) {
    if (name.startsWith('control ')) expect(decodeControl(bytes)?.type).toBe(name.slice(8))
    if (name.startsWith('path ') && name !== 'path segment')
      expect(readFlowFrame(bytes)?.type).toBe(name.slice(5))
  }
  expect(decodeWelcome(made['payload WELCOME'] ?? fill(0))).toBe('welcome')
  expect(decodeWelcome(made['payload WELCOME with a refusal'] ?? fill(0))).toEqual({
    ...redirect,
    redirect: Buffer.from(fill(5))
  })
  const newer = Uint8Array.from(made['payload WELCOME'] ?? fill(0))
  newer[0] = 2
  expect(decodeWelcome(newer)).toBeNull()
  expect(readGrant(grant)).toMatchObject({ scopes: 5, expiresAt: 1_800_000_000_000 })
  expect(readGreeting(made['greeting join'] ?? fill(0))).toMatchObject({ type: 'join', path: 7 })
  expect(readGreeting(made['greeting joined'] ?? fill(0))).toMatchObject({ type: 'joined', path: 7 })
  expect(readGreeting(made['greeting call'] ?? fill(0))).toMatchObject({ type: 'call', number: 7 })
  const read = { ...terms, candidates: { ...candidates, udp: Buffer.from(candidates.udp) } }
  expect(decodeOffer(made['greeting offer'] ?? fill(0))).toEqual({
    session: Buffer.from(fill(10, 16)),
    terms: read
  })
  expect(decodeAnswer(made['greeting answer'] ?? fill(0))).toEqual({
    secret: Buffer.from(fill(11)),
    terms: read
  })
})

test('what is cut short or too long is no message', () => {
  for (const [name, bytes] of Object.entries(made)) {
    const longer = Buffer.concat([bytes, fill(0, 1)])
    for (const wrong of [bytes.subarray(0, -1), longer]) {
      // What these carry says itself where it ends.
      const isOpen = ['control publish', 'control set', 'control found'].includes(name)
      if (name.startsWith('control ') && !isOpen) expect(decodeControl(wrong)).toBeNull()
      if (name.startsWith('path ') && name !== 'path segment') expect(readFlowFrame(wrong)).toBeNull()
      if (/^greeting (join|refuse|call)/.test(name)) expect(readGreeting(wrong)).toBeNull()
      if (name === 'grant') expect(readGrant(wrong)).toBeNull()
    }
  }
  expect(decodeOffer((made['greeting offer'] ?? fill(0)).subarray(0, -1))).toBeNull()
  expect(decodeAnswer((made['greeting answer'] ?? fill(0)).subarray(0, -1))).toBeNull()
})

test('terms that would make the other side wait for ever, or of another version, are none', () => {
  expect(decodeOffer(encodeOffer(fill(10, 16), { ...terms, windowBytes: 131_071 }))).toBeNull()
  expect(decodeOffer(encodeOffer(fill(10, 16), { ...terms, windowBytes: 131_072 }))).not.toBeNull()
  const endless = encodeOffer(fill(10, 16), { ...terms, windowBytes: 2 ** 40 })
  expect(decodeOffer(endless)?.terms.windowBytes).toBe(2 ** 32 - 1)
  const older = encodeOffer(fill(10, 16), terms)
  older[0] = 1
  expect(decodeOffer(older)).toBeNull()
})
