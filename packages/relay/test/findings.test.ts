import { until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { flowFrame } from '../src/flow/flow-frames.ts'
import { ReceiveQueue } from '../src/flow/receive-queue.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import { Line } from '../src/paths/line.ts'
import { joinGreeting } from '../src/session/greeting.ts'
import { PathSeal } from '../src/session/path-seal.ts'
import { onFrames } from './meddling.ts'
import { answerOn, hello, responder, say, secretOf, TestPath, begin } from './reached.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch } from './switch-proxy.ts'

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
