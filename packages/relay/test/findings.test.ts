import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { fakeClock, testCleanup, testnet, until } from '@cloudpal/test-kit'
import makeMdns from 'multicast-dns'
import { portOf } from '../src/cli/arguments.ts'
import { run } from '../src/cli/program.ts'
import { FLOW, readFlowFrame } from '../src/flow/flow-frames.ts'
import { Flow, type FlowIo } from '../src/flow/flow.ts'
import { createGrant } from '../src/index.ts'
import { BootstrapNode } from '../src/bootstrap/index.ts'
import { LanDiscovery } from '../src/lan/index.ts'
import { announcementPacket } from '../src/lan/lan-packets.ts'
import { labelOf } from '../src/lan/lan-tag.ts'
import type { Path, PathEvents } from '../src/paths/path.ts'
import { Lease } from '../src/policy/lease.ts'
import { RelayPolicy } from '../src/policy/relay-policy.ts'
import { encodeControl, encodeWelcome } from '../src/protocol/control.ts'
import { frame, FRAME, FrameReader, HEADER_BYTES } from '../src/protocol/frames.ts'
import { ControlCipher, Handshake } from '../src/protocol/handshake.ts'
import {
  decodeAnswer,
  encodeOffer,
  helloGreeting,
  joinGreeting,
  readGreeting
} from '../src/session/greeting.ts'
import { Responder } from '../src/session/responder.ts'
import { Liveness } from '../src/session/liveness.ts'
import { Session } from '../src/session/session.ts'
import { TIMES } from '../src/client/options.ts'
import { dialWs } from '../src/sockets/sockets-browser.ts'
import { UdpLink } from '../src/udp/udp-link.ts'
import { UdpSession } from '../src/udp/udp-session.ts'
import type { BlindRelay, SessionHooks } from '../src/udp/blind-relay-adapter.ts'
import type { RawStreamLike } from '../src/udp/dht.ts'
import { dataFrame, isSegment, onFrames } from './meddling.ts'
import { greet } from './links.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { startSwitch } from './switch-proxy.ts'
import { dial, relayed, type TestRelay, testRelay } from './udp/udp-relay.ts'
import { keyPair } from './replicas/records.ts'

// What the numbers mean stands in the list of findings.

/** A path whose other end is the test. */
class TestPath implements Path {
  readonly kind = 'tcp'
  readonly relay = null
  readonly transport = 'tcp'
  readonly sent: Buffer[] = []
  closed = false
  events: PathEvents | null = null

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

function responder(): Responder {
  const made = new Responder({
    keyPair: bob,
    attemptMs: 5_000,
    firewall: () => false,
    candidates: () => ({ tcp: [], udp: new Uint8Array(0) }),
    makeSession: (id, secret, connection) => {
      connection.on('error', () => {})
      testCleanup().defer('stream', () => connection.destroy())
      const none = (): void => {}
      return new Session({
        id,
        secret,
        connection,
        times: TIMES,
        windowBytes: 1 << 20,
        onlonely: none,
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
  session: Uint8Array
): { path: TestPath; said: Uint8Array; noise: Handshake } {
  const noise = new Handshake('device to device', device, bob.publicKey)
  const said = helloGreeting(noise.send(encodeOffer(session)))
  return { path: say(to, said), said, noise }
}

function say(to: Responder, said: Uint8Array): TestPath {
  const path = new TestPath()
  to.accept(path)
  path.events?.onmessage(said)
  return path
}

/** What was answered first. */
function answerOn({ sent }: TestPath): string | undefined {
  return sent[0] && readGreeting(sent[0])?.type
}

/** Says hello, and begins. @returns the session's secret */
function begin(to: Responder, device: KeyPair, session: Uint8Array): Uint8Array {
  const { path, noise } = hello(to, device, session)
  const greeting = readGreeting(path.sent[0] ?? Buffer.alloc(0))
  if (greeting?.type !== 'welcome') throw new Error('not welcome')
  const answer = decodeAnswer(noise.receive(greeting.noise) ?? Buffer.alloc(0))
  if (answer === null) throw new Error('no answer')
  path.events?.onmessage(joinGreeting(session, 0, answer.secret))
  return answer.secret
}

test('60: who takes the same id for a session does not lock out another device’s', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  // A relay holds the first join of Alice back, which shows the id, and lets a device of its own begin.
  const alice = crypto.keyPair()
  begin(to, crypto.keyPair(), session)
  const secret = begin(to, alice, session)
  expect(answerOn(say(to, joinGreeting(session, 1, secret)))).toBe('joined')
})

test('61: a hello that somebody repeats does not lock the device out that said it', () => {
  const to = responder()
  const alice = crypto.keyPair()
  const { said } = hello(to, alice, crypto.randomBytes(16))
  for (let i = 0; i < 100; i++) say(to, said)
  expect(answerOn(hello(to, alice, crypto.randomBytes(16)).path)).toBe('welcome')
})

test('62: connections that say nothing do not lock everybody out', () => {
  const to = responder()
  for (let i = 0; i < 300; i++) to.accept(new TestPath())
  expect(answerOn(hello(to, crypto.keyPair(), crypto.randomBytes(16)).path)).toBe('welcome')
})

/** Two ends of a connection, and what is under way: a test delivers it, or does not. */
function flows(windows: readonly [number, number] = [1 << 20, 1 << 20]): {
  a: Flow
  b: Flow
  wire: { to: 'a' | 'b'; path: number; frame: Buffer }[]
  received: Buffer[]
  deliver(which?: (frame: Buffer) => boolean): boolean[]
} {
  const wire: { to: 'a' | 'b'; path: number; frame: Buffer }[] = []
  const received: Buffer[] = []
  const none = (): void => {}
  const io = (to: 'a' | 'b'): FlowIo => ({
    transmit: (path, parts) => {
      wire.push({ to, path, frame: Buffer.concat(parts) })
      return true
    },
    deliver: (bytes) => void (to === 'a' && received.push(Buffer.from(bytes))),
    onfinish: none,
    onroom: none,
    onuntold: none,
    onreset: none,
    onleft: none,
    onretired: none,
    onforsaken: none
  })
  const [a, b] = [new Flow(io('b'), windows[0]), new Flow(io('a'), windows[1])]
  const deliver = (which: (frame: Buffer) => boolean = () => true): boolean[] => {
    const honest: boolean[] = []
    for (let next = wire.shift(); next !== undefined; next = wire.shift()) {
      if (!which(next.frame)) continue
      honest.push((next.to === 'a' ? a : b).receive(next.path, next.frame))
    }
    return honest
  }
  return { a, b, wire, received, deliver }
}

const typeOf = (frame: Buffer): string | undefined => readFlowFrame(frame)?.type
const [RELAY, DIRECT, OTHER] = [0, 1, 2]

test('63: segments that a relay swallows before the path is retired are not laid at the direct path’s door', () => {
  const { a, b, deliver } = flows()
  for (const flow of [a, b]) flow.addPath(RELAY, 3)
  a.write(Buffer.alloc(100))
  for (const flow of [a, b]) flow.addPath(DIRECT, 1)
  a.retirePath(RELAY)
  // The types of frames are there to be read: what came before `retire` is swallowed.
  deliver((frame) => typeOf(frame) !== 'segment')
  a.write(Buffer.alloc(100))
  expect(deliver()).not.toContain(false)
})

test('63, between two devices: the relay is blamed for what it swallowed, and the direct path is not', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const [liar, gate] = [await startSwitch(relay.ports.tcp ?? 0), await startSwitch()]
  liar.on = true
  const listen = { host: '127.0.0.1', announce: [`127.0.0.1:${gate.port}`] }
  const other = await startDevice(b, { relays: [address], listen })
  gate.target = other.port ?? 0
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }]
  const alice = await startDevice(a, { relays, times: { retryMs: 20 } })
  const failed: string[] = []
  alice.on('path-failed', ({ kind }: { kind: string }, { code }: { code: string }) =>
    failed.push(`${kind} ${code}`)
  )
  await until(() => other.registeredAt.length === 1)
  const incoming = nextConnection(other)
  const connection = alice.connect(b.publicKey)
  await connection.opened
  const talking = await incoming
  // The last three segments are always held back, and thrown away when the path is left.
  const held: Buffer[] = []
  let retired = false
  liar.meddle = onFrames('out', (one) => {
    if (one[0] === FRAME.DATA && one[HEADER_BYTES] === FLOW.RETIRED) retired = true
    if (!isSegment(one) || retired) return [one]
    held.push(one)
    return held.length > 3 ? held.splice(0, 1) : []
  })
  let received = 0
  connection.on('data', (data) => void (received += data.length))
  for (let i = 0; i < 20; i++) talking.write(Buffer.alloc(1_000))
  await until(() => received > 0)
  gate.on = true
  await until(() => retired)
  talking.write(Buffer.alloc(1_000))
  await until(() => received === 21_000)
  expect(failed.filter((one) => one.startsWith('tcp'))).toEqual([])
})

test('64: a relay that cuts between resume and rewound does not blind its victim to gaps for ever', () => {
  const { a, b, wire, deliver } = flows()
  for (const flow of [a, b]) flow.addPath(RELAY, 3)
  for (const flow of [a, b]) flow.dropPath(RELAY)
  for (const flow of [a, b]) flow.addPath(DIRECT, 3)
  // It ends after the first rewound has left.
  deliver((frame) => typeOf(frame) !== 'rewound')
  for (const flow of [a, b]) flow.dropPath(DIRECT)
  wire.length = 0
  for (const flow of [a, b]) flow.addPath(OTHER, 3)
  deliver()
  a.write(Buffer.alloc(100))
  wire.length = 0
  a.write(Buffer.alloc(100))
  expect(deliver()).toContain(false)
})

test('65: retire is the last thing a side sends on a path', () => {
  const { a, wire } = flows()
  a.addPath(RELAY, 3)
  a.addPath(DIRECT, 1)
  a.retirePath(RELAY)
  a.probe(RELAY)
  expect(wire.filter(({ path }) => path === RELAY).map(({ frame }) => typeOf(frame))).toEqual(['retire'])
})

test('66: a device with a small window and a slow reader is not taken for a liar’s victim', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const alice = await startDevice(a, { relays: [address] })
  const other = await startDevice(b, { relays: [address], windowBytes: 128 * 1024 })
  await until(() => other.registeredAt.length === 1)
  const failures: string[] = []
  for (const device of [alice, other])
    device.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
  const incoming = nextConnection(other)
  const connection = alice.connect(b.publicKey)
  await connection.opened
  const reading = await incoming
  const sent = sendCounting(connection, 1_000_000)
  await sent
  // It has not read a byte so far.
  await until(() => failures.length > 0 || connection.path === null, { timeoutMs: 3_000 }).catch(() => {})
  expect(failures).toEqual([])
  expect(await receiveCounting(reading, 1_000_000)).toBe(-1)
})

test('68: a grant that has expired takes nothing from a device on the allow-list', async () => {
  const clock = fakeClock(1_000_000)
  const owner = crypto.keyPair()
  const { plane, device, key } = await testRelay({}, { issuers: [owner.publicKey], now: clock.now })
  const one = keyPair(1).publicKey
  plane.introduce(one, createGrant(owner, { device: one, expiresAt: clock.now() + 10_000 }))
  clock.advance(20_000)
  await expect(dial(device(1), key)).resolves.toBeDefined()
})

test('69: a connection has 64 links, and not one more', () => {
  const policy = new RelayPolicy(bob.publicKey, { allow: [keyPair(1).publicKey] })
  const lease = policy.admit(keyPair(1).publicKey)
  if (!(lease instanceof Lease)) throw new Error('refused')
  let hooks: SessionHooks | null = null
  const relay = {
    accept: (_: unknown, given: SessionHooks) => {
      hooks = given
      return { unpair: () => {}, close: () => {} }
    }
  } as unknown as BlindRelay
  const connection = { remotePublicKey: null, rawStream: null, on: () => {}, destroy: () => {} }
  const leg = (): RawStreamLike => ({ connected: true, bytesReceived: 0, on: () => {}, destroy: () => {} })
  const session: UdpSession = new UdpSession(relay, connection, lease, {
    now: () => 0,
    ttlMs: 1,
    paired: (one) =>
      void new UdpLink(
        [
          { session: one, stream: leg() },
          { session: one, stream: leg() }
        ],
        1,
        () => {}
      ),
    closed: () => {}
  })
  const { onpair, onpaired } = hooks as unknown as SessionHooks
  const pair = (name: string): boolean => onpair(name)
  for (let i = 0; i < 63; i++) if (pair(`a${i}`)) onpaired(`a${i}`, leg())
  const waiting = Array.from({ length: 64 }, (_, i) => `b${i}`).filter(pair)
  for (const name of waiting) onpaired(name, leg())
  expect(session.links.size).toBeLessThanOrEqual(64)
})

test('70: a relay that drains sends a newcomer to another one', async () => {
  const [a] = twoKeyPairs()
  const next = crypto.keyPair().publicKey
  const { relay, address } = await startRelay([a], { redirect: () => next })
  await relay.drain()
  const link = greet(address, a, (one) => one.register(30_000))
  await until(() => link.ended !== null)
  expect(link.ended).toBe('RELAY_REDIRECT')
})

test('71: a relay that drains, and knows nobody else who is there, serves on', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { redirect: () => null })
  await relay.drain()
  const link = greet(address, a, (one) => one.register(30_000))
  await until(() => link.ended !== null || link.seen.includes('registered'))
  expect(link.seen).toContain('registered')
})

test('72: nothing is no port', () => {
  for (const word of ['', ' ', '0x50', '1e3']) expect(() => portOf(word)).toThrow('A port is')
})

test('73: the command line has what a relay behind a proxy needs', async () => {
  const out: string[] = []
  const say = (line: string): void => void out.push(line)
  const signal = new AbortController().signal
  await run(['serve', '--help'], { out: say, err: say, environment: {}, signal, onreload: () => {} })
  expect(out.join('\n')).toContain('--unknown-per-address')
})

test('76: a bootstrap node does nothing before it is asked to', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  taken.close()
  // Never opened: nobody has to close it.
  const node = new BootstrapNode({ host: '127.0.0.1', port, bindHost: '127.0.0.1' })
  testCleanup().defer('network', () => node.close())
  await until(() => isBound(port), { timeoutMs: 500 }).catch(() => {})
  expect(await isBound(port)).toBe(false)
})

/** Whether somebody listens at this UDP port. */
async function isBound(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.once('error', () => resolve(true))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(false)))
  })
}

test('78: a drain waits for what goes over UDP too', async () => {
  const network = await testnet()
  const devices = [keyPair(1), keyPair(2)]
  const { relay } = await startRelay(devices, { dht: network.createNode(), drainMs: 60_000 })
  const device = (n: number): ReturnType<TestRelay['device']> => network.createNode({ keyPair: keyPair(n) })
  await relayed({ key: relay.publicKey, device } as TestRelay)
  expect(relay.udp?.links).toBe(1)
  const gone = relay.drain().then(() => 'over')
  const turn = new Promise<string>((resolve) => setImmediate(() => resolve('waits')))
  expect(await Promise.race([gone, turn])).toBe('waits')
})

test('79: of two joins that cross on their way both are good', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  const secret = begin(to, crypto.keyPair(), session)
  const [later, earlier] = [2, 1].map((path) => say(to, joinGreeting(session, path, secret)))
  expect([later, earlier].map((path) => path && answerOn(path))).toEqual(['joined', 'joined'])
})
