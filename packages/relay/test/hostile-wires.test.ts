import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { RelayLink } from '../src/paths/relay-link.ts'
import { Strangers } from '../src/server/strangers.ts'
import { WsWire } from '../src/wires/ws-wire.ts'
import { testCleanup, until } from '@cloudpal/test-kit'
import { frame, FRAME, frameHeader, FrameReader, MAX_DATA_BYTES } from '../src/protocol/frames.ts'
import { greet } from './links.ts'
import { wirePair } from './memory-wire.ts'
import { startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch } from './switch-proxy.ts'

test('greetings that are repeated by somebody else do not lock the device out of its relay', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], {
    limits: { connections: 8 },
    unknownPerAddress: 50,
    greetingMs: 600_000
  })
  const wire = await startSwitch(relay.ports.tcp ?? 0)
  wire.on = true
  const seen: Buffer[] = []
  wire.meddle = (chunk, direction) => {
    if (direction === 'in') seen.push(Buffer.from(chunk))
    return chunk
  }
  const before = greet({ ...address, tcp: { host: '', port: wire.port } }, a, (link) => link.register(30_000))
  await until(() => before.seen.includes('registered'))
  before.wire.destroy()
  await until(() => relay.connections === 0)
  const answered: unknown[] = []
  for (let i = 0; i < 20; i++) {
    const thief = connect(address.tcp?.port ?? 0, '127.0.0.1')
    testCleanup().defer('stream', () => thief.destroy())
    thief.on('error', () => {}).on('data', () => answered.push(i))
    thief.write(seen[0] ?? '')
  }
  await until(() => answered.length >= 20)
  const after = greet(address, a, (link) => link.register(30_000))
  await until(() => after.ended ?? after.seen.includes('registered'))
  expect(after.seen).toContain('registered')
})

/** A device that is registered over a wire in memory, and what it has heard. */
async function registered(): Promise<{
  link: RelayLink
  far: ReturnType<typeof wirePair>[1]
  seen: string[]
  key: Uint8Array
}> {
  const [a] = twoKeyPairs()
  const { relay } = await startRelay([a])
  const [near, far] = wirePair()
  const seen: string[] = []
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: relay.publicKey, grant: null },
    {
      onwelcome: () => link.register(30_000),
      onregistered: () => seen.push('registered'),
      onfound: () => seen.push('found'),
      onpong: () => seen.push('pong'),
      onclose: () => seen.push('closed')
    }
  )
  relay.accept(far)
  await until(() => seen.includes('registered'))
  return { link, far, seen, key: a.publicKey }
}

test('a registered device that asks and never reads gets no more answers', async () => {
  const { link, far, seen } = await registered()
  link.ping()
  await until(() => seen.includes('pong'))
  far.stalled = true
  for (let i = 0; i < 100_000; i++) link.ping()
  // All that is under way arrives before the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  const { backlogBytes } = far
  expect(backlogBytes).toBeGreaterThan(60_000)
  expect(backlogBytes).toBeLessThan(70_000)
  far.flow()
  const answers = seen.length
  expect(answers).toBeLessThan(5_000)
  link.ping()
  await until(() => seen.length > answers)
  expect(seen.slice(answers)).toEqual(['pong'])
})

test('a registered device that asks for records and never reads gets no more of them', async () => {
  const { link, far, seen, key } = await registered()
  far.stalled = true
  for (let i = 0; i < 10_000; i++) link.lookup(key)
  // All that is under way arrives before the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  expect(far.backlogBytes).toBeGreaterThan(60_000)
  expect(far.backlogBytes).toBeLessThan(70_000)
  far.flow()
  link.ping()
  await until(() => seen.includes('pong'))
  expect(seen).not.toContain('closed')
})

test('a device that pings through its WebSocket and never reads costs less than 1 MiB', async () => {
  const [a] = twoKeyPairs()
  const { relay, wsAddress } = await startRelay([a])
  const socket = new WebSocket(wsAddress.ws ?? '', { perMessageDeflate: false })
  testCleanup().defer('stream', () => socket.terminate())
  let registered = false
  const link: RelayLink = new RelayLink(
    new WsWire(socket),
    { keyPair: a, relay: relay.publicKey, grant: null },
    { onwelcome: () => link.register(30_000), onregistered: () => (registered = true), onclose: () => {} }
  )
  await until(() => registered)
  socket.pause()
  const payload = Buffer.alloc(125)
  let most = 0
  for (let i = 0; i < 400 && socket.readyState === socket.OPEN; i++) {
    for (let j = 0; j < 500; j++) socket.ping(payload)
    await until(() => socket.bufferedAmount < 100_000 || socket.readyState !== socket.OPEN)
    most = Math.max(most, relay.heldBytes)
    if (most > 1024 * 1024) break
  }
  expect(most).toBeLessThan(1024 * 1024)
})

test('a device that was revoked is reached no more, however it treats its wire', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  // Hears nothing of the end, and so does not close its side.
  const parked = greet(address, b, (link) => link.register(30_000))
  await until(() => relay.registered === 1)
  parked.wire.pause()
  relay.policy.revoke(b.publicKey)
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => opener.ended ?? opener.seen.includes('opened'))
  expect([opener.ended, relay.sessions]).toEqual(['RELAY_NOT_REGISTERED', 0])
})

test('a relay closes although somebody keeps a connection open and says nothing', async () => {
  const { relay } = await startRelay([], { metrics: {} })
  for (const port of [relay.ports.ws, relay.ports.metrics, relay.ports.tcp]) {
    const silent = connect(port ?? 0, '127.0.0.1')
    testCleanup().defer('stream', () => silent.destroy())
    silent.on('error', () => {})
    await new Promise((resolve) => silent.once('connect', resolve))
  }
  let closed = false
  void relay.close().then(() => (closed = true))
  await until(() => closed)
})

test('connections to the WebSocket listener that never ask for one are capped by address', async () => {
  const { relay } = await startRelay([], { unknownPerAddress: 20, greetingMs: 600_000 })
  const seen: string[] = []
  for (let i = 0; i < 60; i++) {
    const silent = connect(relay.ports.ws ?? 0, '127.0.0.1')
    testCleanup().defer('stream', () => silent.destroy())
    silent.on('error', () => {}).on('close', () => seen.push('closed'))
    silent.resume()
  }
  await until(() => seen.length === 40)
})

test('a device that stalls costs the relay less than 1 MiB, whatever the size of the messages of a WebSocket', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address, wsAddress } = await startRelay([a, b])
  const target = greet(address, b, (link) => link.register(30_000))
  await until(() => relay.registered === 1)
  const socket = new WebSocket(wsAddress.ws ?? '', { perMessageDeflate: false })
  testCleanup().defer('stream', () => socket.terminate())
  let opened = false
  const link: RelayLink = new RelayLink(
    new WsWire(socket),
    { keyPair: a, relay: relay.publicKey, grant: null },
    { onwelcome: () => link.open(b.publicKey), onopened: () => (opened = true), onclose: () => {} }
  )
  await until(() => opened)
  target.wire.pause()
  const one = frame(FRAME.DATA, new Uint8Array(MAX_DATA_BYTES))
  const message = Buffer.concat(Array.from({ length: 15 }, () => one))
  socket.on('error', () => {})
  for (let i = 0; i < 40; i++) socket.send(message)
  await until(() => relay.heldBytes > 100_000 || socket.readyState !== socket.OPEN)
  let most = 0
  for (let i = 0; i < 500; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, relay.heldBytes)
  }
  expect(most).toBeLessThan(1024 * 1024)
})

test('strangers of one IPv6 network are one', () => {
  const strangers = new Strangers(100, 3)
  const from = (remoteAddress: string) => ({ wire: { remoteAddress } }) as never
  for (const end of ['1', '2:3:4', 'ffff:1:2:3'])
    strangers.add(from(`2001:db8:1:2:${end.includes(':') ? '1:' : ':'}${end}`))
  expect(strangers.makeRoom('2001:db8:1:2::9')).toBe(false)
  expect(strangers.makeRoom('2001:db8:1:3::9')).toBe(true)
})

test('a device that was welcomed before the relay drains is not taken in after', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const late = greet(address, a, () => {})
  await until(() => late.seen.includes('welcome'))
  await relay.drain()
  late.link.register(30_000)
  await until(() => late.ended ?? late.seen.includes('registered'))
  expect([late.ended, relay.registered]).toEqual(['RELAY_DRAINING', 0])
})

test('a stranger who speaks one byte at a time holds no more than its bytes', () => {
  const reader = new FrameReader({ onframe: () => {}, ondata: () => {}, oninvalid: () => {} })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  for (const byte of frameHeader(FRAME.DATA, MAX_DATA_BYTES)) reader.push(Uint8Array.of(byte))
  for (let i = 0; i < 60_000; i++) reader.push(Uint8Array.of(i & 255))
  collect()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(1024 * 1024)
  expect(reader.heldBytes).toBe(60_004)
})

test('a relay that was held up itself reads what has come before it takes anybody for silent', async () => {
  const [a] = twoKeyPairs()
  const { address } = await startRelay([a])
  // Silence of 2.5 s ends it; so does that of another replica, which pings every second.
  const parked = greet(address, a, (link) => link.register(1_000))
  await until(() => parked.seen.includes('registered'))
  parked.link.ping()
  const end = performance.now() + 2_800
  while (performance.now() < end);
  await until(() => parked.ended ?? parked.seen.includes('pong'))
  expect([parked.ended, parked.seen.at(-1)]).toEqual([null, 'pong'])
})
