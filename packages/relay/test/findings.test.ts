import { EventEmitter } from 'node:events'
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { CallBack, type CallBackOptions } from '../src/client/call-back.ts'
import type { DhtLike } from '../src/client/dht.ts'
import { flowFrame } from '../src/flow/flow-frames.ts'
import { TIMES } from '../src/client/options.ts'
import { ReceiveQueue } from '../src/flow/receive-queue.ts'
import { DeviceRecord, RelayClient, ReplicaSet } from '../src/index.ts'
import { LanDiscovery } from '../src/lan/index.ts'
import { announcementPacket } from '../src/lan/lan-packets.ts'
import { labelOf } from '../src/lan/lan-tag.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import { Line } from '../src/paths/line.ts'
import type { Path } from '../src/paths/path.ts'
import { RecordFinder } from '../src/records/record-finder.ts'
import { RecordShelf } from '../src/records/record-shelf.ts'
import { joinGreeting } from '../src/session/greeting.ts'
import { PathSeal } from '../src/session/path-seal.ts'
import { listening } from './listening.ts'
import { onFrames } from './meddling.ts'
import { answerOn, hello, responder, say, secretOf, TestPath, begin } from './reached.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch } from './switch-proxy.ts'

const mdns = vi.hoisted(() => ({ sockets: [] as EventEmitter[] }))

vi.mock('multicast-dns', async () => {
  const { EventEmitter } = await import('node:events')
  return {
    default: () => {
      const socket = Object.assign(new EventEmitter(), {
        query: () => {},
        respond: () => {},
        destroy: (done?: () => void) => done?.()
      })
      mdns.sockets.push(socket)
      return socket
    }
  }
})

/** A path that is full and stays so: the other side reads nothing. */
class StalledPath extends TestPath {
  bytes = 0

  override send(parts: readonly Uint8Array[]): boolean {
    super.send(parts)
    this.bytes += parts.reduce((sum, part) => sum + part.length, 0)
    return false
  }
}

test.each([
  ['probes', flowFrame({ type: 'probe' })],
  ['says that paths are dead', flowFrame({ type: 'dead', path: 7, offset: 0 })]
])('101: a device that %s without end and reads nothing does not fill this one’s memory', (_, frame) => {
  const to = responder()
  const path = new StalledPath()
  const session = crypto.randomBytes(16)
  const offered = hello(to, crypto.keyPair(), session, path)
  const secret = secretOf(offered)
  path.events?.onmessage(joinGreeting(session, 0, secret))
  const seal = new PathSeal(secret, 0, true)
  path.bytes = 0
  for (let i = 0; i < 20_000 && !path.closed; i++)
    path.events?.onmessage(Buffer.concat([...seal.seal(frame)]))
  expect(path.bytes).toBeLessThan(128 * 1024)
})

test('102: a session has some paths at once, and not as many as the other device cares to make', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  const secret = begin(to, crypto.keyPair(), session)
  const paths = Array.from({ length: 200 }, (_, i) => say(to, joinGreeting(session, i + 1, secret)))
  const open = paths.filter((path) => !path.closed && answerOn(path) === 'joined')
  expect(open.length).toBeLessThanOrEqual(64)
})

test('103: what comes early does not keep more memory than its window, however small the segments are in what came', () => {
  const windowBytes = 128 * 1024
  const kept = new Set<ArrayBufferLike>()
  const queue = new ReceiveQueue(
    windowBytes,
    (bytes) => kept.add(bytes.buffer),
    () => {}
  )
  for (let i = 0; i < 1_000; i++) {
    // As it comes off a socket: one byte of the stream, and other frames around it.
    const chunk = new Uint8Array(65_536)
    expect(queue.arrive(1 + i, chunk.subarray(9, 10), false)).toBe('early')
  }
  queue.arrive(0, new Uint8Array(1), false)
  const bytes = [...kept].reduce((sum, buffer) => sum + buffer.byteLength, 0)
  expect(bytes).toBeLessThan(16 * windowBytes)
})

test('104: where UDP is blocked a device registers at its relays at once', async () => {
  const keys = crypto.keyPair()
  const { address } = await startRelay([keys])
  let unblock = (): void => {}
  const dht: DhtLike = {
    connect: () => {
      throw new Error('unused')
    },
    createServer: () => ({
      // hyperdht's own waits for an answer of the network: 6 s and more where there is none.
      listen: () => new Promise<void>((resolve) => (unblock = resolve)),
      close: () => Promise.resolve()
    })
  }
  const device = new RelayClient({ keyPair: keys, relays: [address], dht })
  testCleanup().defer('swarm', () => device.close())
  const ready = device.ready()
  try {
    await until(() => device.registeredAt.length === 1, { timeoutMs: 2_000 })
  } finally {
    unblock()
    await ready
  }
})

test('105: a device that has moved to another relay is found there by who has looked it up before', async () => {
  const [device, owner] = twoKeyPairs()
  const relays = [crypto.keyPair().publicKey, crypto.keyPair().publicKey]
  const set = ReplicaSet.sign(
    relays.map((key, i) => ({ key, addresses: [`tcp://192.0.2.${i + 1}:4989`] })),
    1,
    owner
  )
  let seq = 0
  let at: Uint8Array[] = relays.slice(0, 1)
  const made = new RecordFinder({
    owners: [{ owner: owner.publicKey }],
    now: Date.now,
    askMs: 1_000,
    ask: (_, onrecord) => {
      const fields = { seq: ++seq, expiresAt: Date.now() + 3_600_000, relays: at, set: set.bytes }
      const { bytes } = DeviceRecord.sign(fields, device)
      queueMicrotask(() => onrecord(bytes))
      return { asked: 1, stop: () => {} }
    },
    dht: null,
    onset: () => {}
  })
  const find = async (): Promise<unknown[]> =>
    (await made.find(device.publicKey, new Promise(() => {}))).map(({ tcp }) => tcp?.host)
  expect(await find()).toEqual(['192.0.2.1'])
  // It has left the first one, says so, and whoever asks there hears RELAY_NOT_REGISTERED.
  at = relays.slice(1)
  expect(await find()).toContain('192.0.2.2')
})

test('106: a relay that swallows the first join does not keep a device from being reached through another', async () => {
  const [a, b] = twoKeyPairs()
  const [one, two] = [await startRelay([a, b]), await startRelay([a, b])]
  const lying = await startSwitch(one.relay.ports.tcp ?? 0)
  lying.on = true
  lying.meddle = onFrames('in', (frame) =>
    frame[0] === FRAME.DATA && frame[HEADER_BYTES] === 3 && frame.readUInt32LE(HEADER_BYTES + 17) === 0
      ? []
      : [frame]
  )
  const bob = await startDevice(b, { relays: [one.address, two.address] })
  const alice = await startDevice(a, {
    relays: [{ ...one.address, tcp: { host: '127.0.0.1', port: lying.port } }, two.address],
    times: { probeMs: 50, deadMs: 300, retryMs: 20 }
  })
  await until(() => bob.registeredAt.length === 2)
  const reached = nextConnection(bob)
  const connection = alice.connect(b.publicKey)
  expect(await connection.opened).toBe(true)
  const closed = new Promise((resolve) => connection.once('close', () => resolve('closed')))
  expect(await Promise.race([reached.then(() => 'reached'), closed])).toBe('reached')
  expect(connection.path?.relay).toEqual(two.relay.publicKey)
})

test('107: an announcement from outside of the local network is none (RFC 6762, 11)', async () => {
  const lan = new LanDiscovery({ interfaces: () => ['127.0.0.1'] })
  testCleanup().defer('network', () => lan.close())
  await lan.ready()
  const { publicKey } = crypto.keyPair()
  const found: unknown[] = []
  lan.find(publicKey, (at) => found.push(at))
  const packet = announcementPacket([{ label: labelOf(publicKey), port: 4989 }])
  // The socket is open to all addresses: this one came by unicast, or with a source that somebody has made up.
  for (const socket of mdns.sockets) socket.emit('response', packet, { address: '203.0.113.9', port: 5353 })
  expect(found).toEqual([])
})

test.each([
  ['in order', (i: number) => 1 + i],
  ['from the end', (i: number, of: number) => of - i]
])(
  '108: segments that come early, %s, cost no work that grows with the square of their number',
  (_, offsetOf) => {
    const count = 20_000
    const bytes = new Uint8Array(1)
    const queue = new ReceiveQueue(
      4 * 1024 * 1024,
      () => {},
      () => {}
    )
    const moved = elementsMoved(() => {
      for (let i = 0; i < count; i++) queue.arrive(offsetOf(i, count), bytes, false)
      queue.arrive(0, bytes, false)
    })
    expect(moved).toBeLessThan(100 * count)
  }
)

test('109: who has no key and asks again and again to join, and reads nothing, is cut off', () => {
  const to = responder()
  const path = new StalledPath()
  const join = joinGreeting(crypto.randomBytes(16), 1, crypto.randomBytes(32))
  say(to, join, path)
  for (let i = 0; i < 20_000 && !path.closed; i++) path.events?.onmessage(join)
  expect(path.sent.length).toBeLessThan(1_000)
})

test('110: a record of a device whose clock was once far ahead does not hide the later ones', () => {
  const device = crypto.keyPair()
  const now = Date.now()
  const year = 365 * 86_400_000
  const shelf = new RecordShelf({ now: () => now, most: 10 })
  const said = (seq: number): Uint8Array =>
    DeviceRecord.sign({ seq, expiresAt: seq + 3_600_000, relays: [], set: null }, device).bytes
  shelf.put(said(now + year), device.publicKey)
  // Its clock is right again, and it was started anew.
  shelf.put(said(now), device.publicKey)
  expect(shelf.get(device.publicKey)?.seq).toBe(now)
})

test('111: what waits on a path is bounded also where the messages are empty', () => {
  const path = new TestPath()
  const line = new Line(path)
  line.hold()
  for (let i = 0; i < 100_000 && !path.closed; i++) path.events?.onmessage(new Uint8Array(0))
  expect(path.closed).toBe(true)
})

test('112: after the end of a stream nothing more comes of it', () => {
  const told: string[] = []
  const queue = new ReceiveQueue(
    128 * 1024,
    () => told.push('bytes'),
    () => told.push('end')
  )
  queue.arrive(0, new Uint8Array(0), true)
  queue.arrive(1, new Uint8Array(10), false)
  queue.arrive(11, new Uint8Array(0), true)
  expect(told).toEqual(['end'])
})

test('113: close() ends the connections of a device that could not listen too', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const { port } = await listening(() => {})
  const alice = new RelayClient({ keyPair: a, relays: [address], listen: { host: '127.0.0.1', port } })
  const connection = alice.connect(b.publicKey)
  testCleanup().defer('stream', () => connection.destroy())
  await expect(alice.ready()).rejects.toBeInstanceOf(Error)
  await alice.close()
  expect(connection.destroying).toBe(true)
})

test('114: addresses that a device is called at in vain leave nothing behind', async () => {
  const tried: WeakRef<Path>[] = []
  const connection = Object.assign(new EventEmitter(), {
    destroying: false,
    path: { kind: 'relay', relay: new Uint8Array(32), transport: 'tcp' }
  })
  testCleanup().defer('stream', () => void connection.emit('close'))
  const options = {
    keyPair: crypto.keyPair(),
    target: new Uint8Array(32),
    relays: () => [],
    candidates: { tcp: ['127.0.0.1:1'], udp: new Uint8Array(0) },
    peerAddresses: 'machine',
    times: { ...TIMES, retryMs: 1 },
    connection,
    session: new Uint8Array(16),
    secret: new Uint8Array(32),
    accept: (path: Path, onclosed: () => void) => {
      tried.push(new WeakRef(path))
      path.start({ onmessage: () => {}, ondrain: () => {}, onclose: onclosed })
    }
  }
  const calls = new CallBack(options as unknown as CallBackOptions)
  connection.emit('path', connection.path)
  await until(() => tried.length >= 10)
  v8.setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const left = (): number => tried.slice(0, 8).filter((one) => one.deref() !== undefined).length
  const kept = (): string => `${left()} of 8 paths are held, by ${calls.constructor.name}`
  await until(
    () => {
      collect()
      return left() === 0
    },
    { timeoutMs: 3_000, message: kept }
  )
})

test('122: a port that is taken has the code that README says', async () => {
  const { port } = await listening(() => {})
  const device = new RelayClient({ keyPair: crypto.keyPair(), listen: { host: '127.0.0.1', port } })
  await expect(device.ready()).rejects.toMatchObject({ code: 'RELAY_CANNOT_LISTEN' })
})

/** How many elements of arrays had to make room, or to close up, meanwhile. */
function elementsMoved(work: () => void): number {
  const { shift, splice } = Array.prototype
  let moved = 0
  const counting = {
    shift(this: unknown[]) {
      moved += this.length
      return shift.call(this)
    },
    splice(this: unknown[], start: number, gone: number, ...items: unknown[]) {
      moved += this.length - start
      return splice.call(this, start, gone, ...items)
    }
  }
  try {
    Object.assign(Array.prototype, counting)
    work()
  } finally {
    Object.assign(Array.prototype, { shift, splice })
  }
  return moved
}
