import { type AddressInfo, createServer, type Socket } from 'node:net'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { testCleanup, until } from '@cloudpal/test-kit'
import makeMdns from 'multicast-dns'
import { FLOW, readFlowFrame } from '../src/flow/flow-frames.ts'
import { Flow, type FlowIo } from '../src/flow/flow.ts'
import { LanDiscovery } from '../src/lan/index.ts'
import { announcementPacket } from '../src/lan/lan-packets.ts'
import { labelOf } from '../src/lan/lan-tag.ts'
import type { Path, PathEvents } from '../src/paths/path.ts'
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
import { dataFrame, isSegment, onFrames } from './meddling.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { startSwitch } from './switch-proxy.ts'
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
    onconnection: () => {}
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

test('67: a path on which a device is refused is closed, whatever the other end does', async () => {
  const sockets: Socket[] = []
  let closed = 0
  // A refusal is not signed: an impostor on the local network, or a relay, can say it too.
  const impostor = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('close', () => closed++)
    socket.once('data', () => socket.write(dataFrame(Buffer.from([5, 3]))))
  })
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve))
  testCleanup().defer('network', () => {
    for (const socket of sockets) socket.destroy()
    impostor.close()
  })
  const [a, b] = twoKeyPairs()
  const alice = await startDevice(a)
  const { port } = impostor.address() as AddressInfo
  expect(await alice.connect(b.publicKey, { addresses: [`127.0.0.1:${port}`] }).opened).toBe(false)
  await alice.close()
  // Whoever closes a socket refuses what comes then.
  const chunk = dataFrame(Buffer.alloc(60_000))
  for (let i = 0; i < 50; i++) sockets[0]?.write(chunk)
  await until(() => closed === 1, { timeoutMs: 2_000, message: 'the socket of a closed client still reads' })
})

test('74: an impostor that repeats a label has no more tries than one address, and hides nobody', async () => {
  const lan = new LanDiscovery({ interfaces: () => ['127.0.0.1'] })
  testCleanup().defer('network', () => lan.close())
  await lan.ready()
  const { publicKey } = keyPair(1)
  const found: number[] = []
  lan.find(publicKey, ({ port }) => found.push(port))
  const impostor = makeMdns({ interface: '127.0.0.1', bind: '0.0.0.0', reuseAddr: true })
  testCleanup().defer('network', () => impostor.destroy())
  const label = labelOf(publicKey)
  impostor.respond(announcementPacket(Array.from({ length: 16 }, (_, i) => ({ label, port: 1000 + i }))))
  await until(() => found.length > 0)
  const device = makeMdns({ interface: '127.0.0.2', bind: '0.0.0.0', reuseAddr: true })
  testCleanup().defer('network', () => device.destroy())
  device.respond(announcementPacket([{ label, port: 4000 }]))
  await until(() => found.includes(4000), { timeoutMs: 2_000, message: 'the device itself is not found' })
})

test('75: a WebSocket that a page may not open is an error of the wire, and not thrown out of a timer', () => {
  const before = (globalThis as { WebSocket?: unknown }).WebSocket
  testCleanup().defer('stream', () => void Object.assign(globalThis, { WebSocket: before }))
  function Refusing(): never {
    throw new DOMException('An insecure WebSocket connection may not be initiated', 'SecurityError')
  }
  Object.assign(globalThis, { WebSocket: Refusing })
  expect(() => dialWs('ws://relay.example/')).not.toThrow(DOMException)
})

test('77: where a relay has died, the next one does not wait for every address that was ever named', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const [one, two] = [
    await startSwitch(first.relay.ports.tcp ?? 0),
    await startSwitch(second.relay.ports.tcp ?? 0)
  ]
  one.on = two.on = true
  const relays = [one, two].map(({ port }, i) => ({
    publicKey: [first, second][i]?.relay.publicKey ?? b.publicKey,
    tcp: { host: '127.0.0.1', port }
  }))
  const other = await startDevice(b, { relays })
  // Addresses of another network: they swallow what is sent there.
  const dialled: number[] = []
  const addresses = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const hole = createServer((socket) => {
        dialled.push(i)
        socket.on('error', () => {})
      })
      testCleanup().defer('network', () => void hole.close())
      await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve))
      return `127.0.0.1:${(hole.address() as AddressInfo).port}`
    })
  )
  const alice = await startDevice(a, { relays, times: { staggerMs: 40, retryMs: 60_000 } })
  await until(() => other.registeredAt.length === 2)
  const connection = alice.connect(b.publicKey, { addresses })
  await connection.opened
  await until(() => dialled.length === 2 * addresses.length)
  dialled.length = 0
  one.on = false
  first.relay.close().catch(() => {})
  await until(() => connection.path?.relay === relays[1]?.publicKey)
  expect(dialled.length).toBeLessThan(4)
})

test('79: of two joins that cross on their way both are good', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  const secret = begin(to, crypto.keyPair(), session)
  const [later, earlier] = [2, 1].map((path) => say(to, joinGreeting(session, path, secret)))
  expect([later, earlier].map((path) => path && answerOn(path))).toEqual(['joined', 'joined'])
})

test('80: a device that can dial notices within three seconds that an idle path is dead', () => {
  const liveness = new Liveness(TIMES, 0)
  let now = 0
  while (liveness.tick(now, true) !== 'dead') now += TIMES.probeMs / 2
  expect(now).toBeLessThan(3_000)
})

test('82: a relay that announces visitors who say nothing does not make a device dial without a pause', async () => {
  const relay = crypto.keyPair()
  let dials = 0
  const liar = createServer((socket) => {
    dials++
    socket.on('error', () => {})
    testCleanup().defer('stream', () => void socket.destroy())
    const noise = new Handshake('device to relay', relay, null)
    const reader = new FrameReader({
      ondata: () => {},
      oninvalid: () => {},
      onframe: (type, body) => {
        if (type !== FRAME.HELLO || noise.receive(body) === null) return
        socket.write(frame(FRAME.WELCOME, noise.send(encodeWelcome(null))))
        const secrets = noise.secrets()
        if (secrets === null) return
        const cipher = new ControlCipher(secrets)
        for (const message of [{ type: 'registered' }, { type: 'incoming', from: relay.publicKey }] as const)
          socket.write(frame(FRAME.CONTROL, cipher.seal(encodeControl(message))))
      }
    })
    socket.on('data', (chunk) => reader.push(chunk))
  })
  testCleanup().defer('network', () => void liar.close())
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve))
  const { port } = liar.address() as AddressInfo
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port } }]
  const device = await startDevice(crypto.keyPair(), { relays, times: { retryMs: 60_000 } })
  await until(() => dials > 20, { timeoutMs: 1_000 }).catch(() => {})
  await device.close()
  expect(dials).toBeLessThanOrEqual(3)
})
