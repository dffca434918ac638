import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { testCleanup, testnet, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { Flow, type FlowIo } from '../src/flow/flow.ts'
import { FLOW, flowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { frame, FRAME, frameHeader, FrameReader, HEADER_BYTES, MAX_DATA_BYTES } from '../src/protocol/frames.ts'
import { type Connection, createGrant, RelayClient, type RelayClientOptions } from '../src/index.ts'
import { RelayLink } from '../src/paths/relay-link.ts'
import { Strangers } from '../src/server/strangers.ts'
import { ReceiveQueue } from '../src/flow/receive-queue.ts'
import { attach } from '../src/swarm/index.ts'
import { RelayPolicy, type RelayServerOptions } from '../src/server/index.ts'
import { WsWire } from '../src/wires/ws-wire.ts'
import { asPath, greet } from './links.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { startSwitch, type SwitchProxy } from './switch-proxy.ts'

type Change = (frame: Buffer) => Buffer[]

/** Cuts what passes in one direction into frames, and lets each be changed, repeated or left out. */
function onFrames(direction: 'in' | 'out', change: Change): SwitchProxy['meddle'] {
  const rests = new WeakMap<object, Buffer>()
  return (chunk, way, from) => {
    if (way !== direction) return chunk
    let rest = Buffer.concat([rests.get(from) ?? Buffer.alloc(0), chunk])
    const passed: Buffer[] = []
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUIntLE(1, 3)) {
      const one = Buffer.from(rest.subarray(0, HEADER_BYTES + rest.readUIntLE(1, 3)))
      passed.push(...change(one))
      rest = rest.subarray(one.length)
    }
    rests.set(from, rest)
    return passed.length === 0 ? null : Buffer.concat(passed)
  }
}

const isSegment = (one: Buffer): boolean => one[0] === FRAME.DATA && one[HEADER_BYTES] === FLOW.SEGMENT
const offsetOf = (one: Buffer): number => Number(one.readBigUInt64LE(HEADER_BYTES + 1))
const data = (body: Uint8Array): Buffer => Buffer.from(frame(FRAME.DATA, body))

/** Alice reaches Bob through a relay that lies. */
async function meetLiar(times: RelayClientOptions['times'] = { retryMs: 20 }): Promise<{
  connection: Connection
  other: Connection
  liar: SwitchProxy
}> {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const liar = await startSwitch(relay.ports.tcp ?? 0)
  liar.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }]
  const alice = await startDevice(a, { relays, times })
  const bob = await startDevice(b, { relays: [address], times })
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  return { connection, other: await incoming, liar }
}

async function listening(onsocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    testCleanup().defer('network', () => socket.destroy())
    onsocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  testCleanup().defer('network', () => void server.close())
  return { server, port: (server.address() as AddressInfo).port }
}

test('01 a relay that forges the end of the stream does not make it look complete', async () => {
  const { connection, other, liar } = await meetLiar()
  let count = 0
  let forged = false
  liar.meddle = onFrames('in', (one) => {
    if (!isSegment(one) || count++ < 3 || forged) return [one]
    forged = true
    return [data(flowFrame({ type: 'fin', offset: offsetOf(one) }))]
  })
  const ended = new Promise<string>((resolve) => other.once('end', () => resolve('ended')))
  const received = receiveCounting(other, 600_000).then(String, String)
  await sendCounting(connection, 600_000)
  expect(await Promise.race([ended, received])).toBe('-1')
})

test('02 a relay cannot close a connection in the name of the other device', async () => {
  const { connection, other, liar } = await meetLiar()
  let count = 0
  liar.meddle = onFrames('in', (one) =>
    isSegment(one) && count++ === 3 ? [data(flowFrame({ type: 'reset' }))] : [one]
  )
  const received = receiveCounting(other, 600_000).then(String, String)
  await sendCounting(connection, 600_000).catch(() => {})
  expect(await received).toBe('-1')
})

test('03 a relay that says a path is retired does not leave a connection without any, for ever', async () => {
  const { connection, other, liar } = await meetLiar()
  const received = receiveCounting(other, 1_000).then(String, String)
  let forged = false
  liar.meddle = onFrames('out', (one) => {
    if (one[0] !== FRAME.DATA || forged) return [one]
    forged = true
    return [data(flowFrame({ type: 'retired' }))]
  })
  await until(() => forged && other.path === null)
  liar.meddle = (chunk) => chunk
  void sendCounting(connection, 1_000).catch(() => {})
  const given = until(() => false, { timeoutMs: 5_000, message: 'nothing came' }).catch(({ message }) => message)
  expect(await Promise.race([received, given])).toBe('-1')
}, 15_000)

test('04 a relay that acknowledges what it has swallowed does not cost the connection', async () => {
  const { connection, other, liar } = await meetLiar()
  const held: Buffer[] = []
  liar.meddle = (chunk, direction, from) => {
    const swallow = onFrames('in', (one) => {
      if (!isSegment(one)) return [one]
      const size = one.length - HEADER_BYTES - 9
      held.push(data(flowFrame({ type: 'ack', offset: offsetOf(one) + size })))
      return []
    })
    if (direction === 'in') return swallow(chunk, direction, from)
    return Buffer.concat([...held.splice(0), chunk])
  }
  const received = receiveCounting(other, 10).then(String, String)
  connection.write(Uint8Array.from({ length: 10 }, (_, i) => i))
  await until(() => connection.path === null || connection.destroyed)
  liar.meddle = (chunk) => chunk
  expect(await received).toBe('-1')
})

test('06 a word about a dead path that arrives late, over a slow one, does not end the stream', () => {
  const sent: { to: number; path: number; bytes: Uint8Array }[] = []
  const faults: unknown[] = []
  const make = (me: number): Flow => {
    const io: FlowIo = {
      transmit: (path, parts) => {
        sent.push({ to: 1 - me, path, bytes: Buffer.concat(parts.map((part) => Buffer.from(part))) })
        return true
      },
      deliver: (bytes) => flows[me]?.took(bytes.length),
      onfinish: () => {},
      onroom: () => {},
      onreset: () => {},
      onretired: () => {},
      onleft: () => {},
      onforsaken: () => {}
    }
    return new Flow(io, 64)
  }
  const flows: Flow[] = [make(0), make(1)]
  const [a, b] = flows as [Flow, Flow]
  const deliver = (): void => {
    for (const { to, path, bytes } of sent.splice(0)) faults.push(flows[to]?.receive(path, bytes))
  }
  for (const flow of flows) for (const path of [1, 2]) flow.addPath(path, path)
  deliver()
  a.dropPath(1)
  const slow = sent.splice(0)
  for (const flow of flows) flow.addPath(3, 0)
  deliver()
  b.write(new Uint8Array(40))
  deliver()
  a.acknowledge()
  deliver()
  sent.push(...slow)
  deliver()
  expect(faults.filter((honest) => honest !== true)).toEqual([])
})

test('08 a greeting that is repeated by somebody else makes no connection', async () => {
  const [a, b] = twoKeyPairs()
  const bob = await startDevice(b, { listen: { host: '127.0.0.1' } })
  const alice = await startDevice(a)
  const wire = await startSwitch(bob.port ?? 0)
  wire.on = true
  const seen: Buffer[] = []
  wire.meddle = (chunk, direction) => {
    if (direction === 'in') seen.push(Buffer.from(chunk))
    return chunk
  }
  let connections = 0
  bob.on('connection', () => connections++)
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${wire.port}`] })
  await connection.opened
  await until(() => connections === 1)
  connection.destroy()
  await until(() => bob.connections.size === 0)
  const [hello] = seen
  const thief = connect(bob.port ?? 0, '127.0.0.1')
  testCleanup().defer('stream', () => thief.destroy())
  thief.write(hello ?? '')
  await new Promise((resolve) => thief.once('data', resolve))
  expect([connections, bob.connections.size]).toEqual([1, 0])
})

test('09 a relay that swallows the answer does not stop the connection, when another relay is there', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const liar = await startSwitch(first.relay.ports.tcp ?? 0)
  liar.on = true
  liar.meddle = onFrames('out', (one) => (one[0] === FRAME.DATA ? [] : [one]))
  const lying = { publicKey: first.relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }
  const bob = await startDevice(b, { relays: [first.address, second.address] })
  const alice = await startDevice(a, { relays: [lying, second.address] })
  await until(() => bob.registeredAt.length === 2)
  const connection = alice.connect(bob.publicKey)
  expect(await connection.opened).toBe(true)
})

test('10 a connection fails over while a direct address that does not answer is being tried', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const relays = [first.address, second.address]
  let tried = 0
  const hole = await listening(() => tried++)
  const times = { attemptMs: 60_000, retryMs: 10 }
  const alice = await startDevice(a, { relays, times })
  const announce = [`127.0.0.1:${hole.port}`]
  const bob = await startDevice(b, { relays, times, listen: { host: '127.0.0.1', announce } })
  await until(() => bob.registeredAt.length === 2)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const received = receiveCounting(await incoming, 1000).then(String, String)
  await until(() => tried > 0)
  await first.relay.close()
  void sendCounting(connection, 1000).catch(() => {})
  expect(await Promise.race([received, until(() => connection.destroyed, { timeoutMs: 10_000 }).then(String, String)])).toBe('-1')
}, 20_000)

test('11 a direct path that takes only small packets does not starve a connection that a relay could carry', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const hole = await startSwitch()
  hole.on = true
  const stuck = new WeakSet<object>()
  hole.meddle = (chunk, _, from) => {
    if (chunk.length > 1200) stuck.add(from)
    return stuck.has(from) ? null : chunk
  }
  const times = { retryMs: 10, probeMs: 50, deadMs: 150, staggerMs: 50 }
  const alice = await startDevice(a, { relays: [address], times })
  const announce = [`127.0.0.1:${hole.port}`]
  const bob = await startDevice(b, { relays: [address], times, listen: { host: '127.0.0.1', announce } })
  hole.target = bob.port ?? 0
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const received = receiveCounting(await incoming, 30_000_000).then(String, String)
  void sendCounting(connection, 30_000_000).catch(() => {})
  const given = until(() => false, { timeoutMs: 15_000, message: 'starved' }).catch((error: Error) => error.message)
  expect(await Promise.race([received, given])).toBe('-1')
}, 25_000)

test('12 greetings that are repeated by somebody else do not lock the device out of its relay', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { limits: { connections: 8 }, unknownPerAddress: 50 })
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

test('13 a registered device that asks and never reads the answers costs less than 1 MiB', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const parked = greet(address, a, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
  parked.wire.pause()
  let most = 0
  for (let i = 0; i < 400 && relay.connections > 0; i++) {
    for (let j = 0; j < 2_000; j++) parked.link.ping()
    await until(() => parked.wire.backlogBytes < 200_000 || relay.connections === 0)
    most = Math.max(most, relay.heldBytes)
    if (most > 1024 * 1024) break
  }
  expect(most).toBeLessThan(1024 * 1024)
}, 60_000)

test('14 a device that was revoked is reached no more, however it treats its wire', async () => {
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

test('15 a relay closes although somebody keeps a connection open and says nothing', async () => {
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

test('16 connections to the WebSocket listener that never ask for one are capped by address', async () => {
  const { relay } = await startRelay([], { unknownPerAddress: 20 })
  const seen: string[] = []
  for (let i = 0; i < 60; i++) {
    const silent = connect(relay.ports.ws ?? 0, '127.0.0.1')
    testCleanup().defer('stream', () => silent.destroy())
    silent.on('error', () => {}).on('close', () => seen.push('closed'))
    silent.resume()
  }
  await until(() => seen.length === 40)
})

test('17 a device that stalls costs the relay less than 1 MiB, whatever the size of the messages of a WebSocket', async () => {
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
}, 30_000)

test('18 a device closes although the other one has gone without a word', async () => {
  const [a, b] = twoKeyPairs()
  const bob = new RelayClient({ keyPair: b, listen: { host: '127.0.0.1' } })
  await bob.ready()
  let frozen = false
  const { port } = await listening((socket) => {
    const onward = connect({ port: bob.port ?? 0, host: '127.0.0.1', allowHalfOpen: true })
    testCleanup().defer('network', () => onward.destroy())
    onward.on('error', () => {}).on('data', (chunk) => void (frozen || socket.write(chunk)))
    socket.on('data', (chunk) => void (frozen || onward.write(chunk)))
  })
  const alice = await startDevice(a)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${port}`] })
  await connection.opened
  await incoming
  frozen = true
  let closed = false
  void bob.close().then(() => (closed = true))
  await until(() => closed, { timeoutMs: 8_000 })
}, 15_000)

test('19 whatever key or relay is named wrongly, the error has a code', async () => {
  const [a] = twoKeyPairs()
  const { address } = await startRelay([a])
  const alice = await startDevice(a, { listen: { host: '127.0.0.1' } })
  const point = new Uint8Array(32).fill(2)
  const connection = alice.connect(point, { addresses: [`127.0.0.1:${alice.port}`] })
  const error = await new Promise<Error & { code?: string }>((resolve) => connection.once('error', resolve))
  expect(String(error.code)).toMatch(/^RELAY_/)
  for (const relays of [
    [{ publicKey: address.publicKey, tcp: { host: '127.0.0.1', port: 70_000 } }],
    [{ publicKey: address.publicKey, ws: 'no url' }],
    [{ publicKey: new Uint8Array(5), tcp: { host: '127.0.0.1', port: 1 } }],
    [{ publicKey: address.publicKey }]
  ])
    expect(() => new RelayClient({ keyPair: a, relays })).toThrow(
      expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' })
    )
})

test('20 a device that cannot listen leaves nothing open', async () => {
  const [a] = twoKeyPairs()
  const taken = await listening(() => {})
  const client = new RelayClient({ keyPair: a, listen: { host: '127.0.0.1', port: taken.port } })
  await expect(client.ready()).rejects.toThrow(/EADDRINUSE/)
  const dht = {
    connect: () => {
      throw new Error('unused')
    },
    createServer: () => ({ listen: () => Promise.reject(new Error('no network')), close: async () => {} })
  }
  const other = new RelayClient({ keyPair: a, dht, listen: { host: '127.0.0.1' } })
  await expect(other.ready()).rejects.toThrow('no network')
  expect(other.port).toBe(null)
})

test('21 a revocation that names neither a device nor a grant is refused, not ignored', () => {
  const [a] = twoKeyPairs()
  const policy = new RelayPolicy(a.publicKey)
  for (const wrong of [new Uint8Array(202), new Uint8Array(0), Buffer.from(a.publicKey).toString('hex') as never])
    expect(() => policy.revoke(wrong)).toThrow(expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' }))
})

test.each(['localhost', '0.0.0.0'])('22 a device does not dial %s because another one says so', async (host) => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const dialled: string[] = []
  const innocent = await listening(() => dialled.push('innocent'))
  const fair = await listening(() => dialled.push('fair'))
  const announce = [`${host}:${innocent.port}`, `127.0.0.1:${fair.port}`]
  const times = { retryMs: 10, staggerMs: 500, attemptMs: 60_000 }
  const alice = await startDevice(a, { relays: [address], times })
  const bob = await startDevice(b, { relays: [address], listen: { host: '127.0.0.1', announce } })
  await until(() => bob.registeredAt.length === 1)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  await until(() => dialled.includes('fair'))
  expect(dialled).toEqual(['fair'])
})

test('23 a relay that says "come back in 49 days" is not called again at once', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { drainMs: 4_294_967_295 } satisfies Partial<RelayServerOptions>)
  await relay.drain()
  const refused: string[] = []
  relay.on('refused', (why: { code: string }) => refused.push(why.code))
  await startDevice(a, { relays: [address], times: { retryMs: 10 } })
  for (let i = 0; i < 50; i++) {
    const link = greet(address, b, () => {})
    await until(() => link.ended)
  }
  expect(refused.length).toBe(51)
})

test('27 a window that holds no whole segment is refused, instead of waiting for ever', () => {
  const [a] = twoKeyPairs()
  for (const windowBytes of [0, -1, 1.5, Number.NaN, 1000])
    expect(() => new RelayClient({ keyPair: a, windowBytes })).toThrow(
      expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' })
    )
})

test('30 a device that pings through its WebSocket and never reads costs less than 1 MiB', async () => {
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
}, 60_000)

test('31 a path that lost everything is noticed, also when the other one was being left', async () => {
  // Bob drops the new path while Alice leaves the old one: neither is left, and that must be seen.
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const wall = await startSwitch(relay.ports.tcp ?? 0)
  wall.on = true
  const nat = await startSwitch()
  nat.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: wall.port } }]
  const times = { retryMs: 10, probeMs: 50, deadMs: 150, graceMs: 1_000 }
  const alice = await startDevice(a, { relays, times })
  const bob = new RelayClient({ keyPair: b, relays: [address], times, listen: { host: '127.0.0.1', announce: [`127.0.0.1:${nat.port}`] } })
  await bob.ready()
  testCleanup().defer('swarm', () => void bob.close())
  nat.target = bob.port ?? 0
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const other = await incoming
  // The first thing Alice says on the relay's path after the direct one has joined is that she leaves it: then all freezes for her.
  wall.meddle = onFrames('out', (one) => {
    const isRetired = one[0] === FRAME.DATA && one[HEADER_BYTES] === FLOW.RETIRED
    if (isRetired) nat.frozen = wall.frozen = true
    return isRetired ? [] : [one]
  })
  await until(() => wall.frozen)
  await until(() => connection.destroyed && other.destroyed, { timeoutMs: 8_000, message: () => `alice ${connection.destroyed}, bob ${other.destroyed}` })
}, 15_000)

test('24 strangers of one IPv6 network are one', () => {
  const strangers = new Strangers(100, 3)
  const from = (remoteAddress: string) => ({ wire: { remoteAddress } }) as never
  for (const end of ['1', '2:3:4', 'ffff:1:2:3']) strangers.add(from(`2001:db8:1:2:${end.includes(':') ? '1:' : ':'}${end}`))
  expect(strangers.hasRoom('2001:db8:1:2::9')).toBe(false)
  expect(strangers.hasRoom('2001:db8:1:3::9')).toBe(true)
})

test('25 segments that come early are held at a cost that the window bounds, however short they are', () => {
  const queue = new ReceiveQueue(128 * 1024, () => {}, () => {})
  const byte = new Uint8Array(1)
  let held = 0
  for (let offset = 2; offset < 60_000; offset += 2) {
    if (queue.arrive(offset, byte, false) === 'too much') break
    held++
  }
  expect(held).toBeLessThan(20_000)
}, 20_000)

test('32 a device that was welcomed before the relay drains is not taken in after', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const late = greet(address, a, () => {})
  await until(() => late.seen.includes('welcome'))
  await relay.drain()
  late.link.register(30_000)
  await until(() => late.ended ?? late.seen.includes('registered'))
  expect([late.ended, relay.registered]).toEqual(['RELAY_DRAINING', 0])
})

test('33 a path that a grant slows down is slow, and not taken for dead', async () => {
  const [owner, a] = twoKeyPairs()
  const b = crypto.keyPair()
  const { address } = await startRelay([b], { issuers: [owner.publicKey] })
  const grant = createGrant(owner, { device: a.publicKey, bytesPerSecond: 65_536, expiresAt: Date.now() + 600_000 })
  const alice = await startDevice(a, { relays: [{ ...address, grant }] })
  const bob = await startDevice(b, { relays: [address] })
  const failures: string[] = []
  for (const device of [alice, bob]) device.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const received = receiveCounting(await incoming, 400_000).then(String, String)
  void sendCounting(connection, 400_000).catch(() => {})
  expect(await received).toBe('-1')
  expect(failures).toEqual([])
}, 60_000)

test('34 two swarms that reach out for each other through a relay at once have one connection', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const [one, two] = [
    (await testnet()).createSwarm({ keyPair: a, backoffs: [50, 50, 50] }),
    (await testnet()).createSwarm({ keyPair: b, backoffs: [50, 50, 50] })
  ]
  for (const swarm of [one, two]) attach(swarm, { relays: [address] })
  const heard: string[] = []
  for (const [swarm, name] of [[one, 'one'], [two, 'two']] as const)
    swarm.on('connection', (stream) => {
      stream.on('error', () => {}).on('data', (said: Uint8Array) => heard.push(`${name} ${String(said)}`))
      stream.write(Buffer.from('hello'))
    })
  await until(() => relay.registered === 2)
  one.joinPeer(b.publicKey)
  two.joinPeer(a.publicKey)
  await until(() => heard.includes('one hello') && heard.includes('two hello'), { timeoutMs: 15_000 })
  await until(() => one.connections.size === 1 && two.connections.size === 1, { timeoutMs: 15_000 })
  await until(() => relay.sessions === 1, { timeoutMs: 15_000 })
}, 60_000)

test('35 a stranger who speaks one byte at a time holds no more than its bytes', () => {
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

void segmentHeader
void asPath
void crypto
