import { connect, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { listening } from './listening.ts'
import { testCleanup, until } from '@cloudpal/test-kit'
import { FLOW } from '../src/flow/flow-frames.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import { type LanLike, RelayClient } from '../src/index.ts'
import { REFUSE, refuseGreeting } from '../src/session/greeting.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { startSwitch } from './switch-proxy.ts'
import { dataFrame, onFrames } from './meddling.ts'
import { EndlessPunching } from './endless-punching.ts'

test('a connection fails over while a direct address that does not answer is being tried', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const relays = [first.address, second.address]
  let tried = 0
  const hole = await listening(() => tried++)
  const times = { attemptMs: 60_000, staggerMs: 60_000, retryMs: 10 }
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
  expect(await Promise.race([received, until(() => connection.destroyed).then(String, String)])).toBe('-1')
})

test('a direct path that takes only small packets does not starve a connection that a relay could carry', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const hole = await startSwitch()
  hole.on = true
  const stuck = new WeakSet<object>()
  hole.meddle = (chunk, _, from) => {
    if (chunk.length > 1200) stuck.add(from)
    return stuck.has(from) ? null : chunk
  }
  // Only the hole is silent for so long, however busy the machine is.
  const times = { retryMs: 10, probeMs: 50, deadMs: 1_000, staggerMs: 50 }
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
  expect(await received).toBe('-1')
})

test('a path that lost everything is noticed, also when the other one was being left', async () => {
  // Bob drops the new path while Alice leaves the old one: neither is left, and that must be seen.
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const wall = await startSwitch(relay.ports.tcp ?? 0)
  wall.on = true
  const nat = await startSwitch()
  nat.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: wall.port } }]
  const times = { retryMs: 10, probeMs: 50, deadMs: 1_500, graceMs: 3_000 }
  const alice = await startDevice(a, { relays, times })
  const bob = new RelayClient({
    keyPair: b,
    relays: [address],
    times,
    listen: { host: '127.0.0.1', announce: [`127.0.0.1:${nat.port}`] }
  })
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
  await until(() => connection.destroyed && other.destroyed, {
    message: () => `alice ${connection.destroyed}, bob ${other.destroyed}`
  })
})

test('a device closes although the other one has gone without a word', async () => {
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
  await until(() => closed)
})

test('one device can have 64 connections to another, and not more', async () => {
  const [a, b] = twoKeyPairs()
  const bob = await startDevice(b, { listen: { host: '127.0.0.1' } })
  const alice = await startDevice(a)
  const addresses = [`127.0.0.1:${bob.port}`]
  const connections = Array.from({ length: 70 }, () => alice.connect(bob.publicKey, { addresses }))
  await Promise.all(connections.map(({ opened }) => opened))
  await until(
    () => connections.filter(({ destroyed }) => destroyed).length === 6 || bob.connections.size > 64
  )
  expect(bob.connections.size).toBe(64)
})

test('a path on which a device is refused is closed, whatever the other end does', async () => {
  let impostor: Socket | null = null
  let closed = 0
  // A refusal is not signed: an impostor on the local network, or a relay, can say it too.
  const { port } = await listening((socket) => {
    impostor = socket
    socket.on('close', () => closed++)
    socket.once('data', () => socket.write(dataFrame(refuseGreeting(REFUSE.UNWELCOME))))
  })
  const [a, b] = twoKeyPairs()
  const alice = await startDevice(a)
  expect(await alice.connect(b.publicKey, { addresses: [`127.0.0.1:${port}`] }).opened).toBe(false)
  await alice.close()
  // Whoever closes a socket refuses what comes then.
  const chunk = dataFrame(Buffer.alloc(60_000))
  for (let i = 0; i < 50; i++) (impostor as Socket | null)?.write(chunk)
  await until(() => closed === 1, { message: 'the socket of a closed client still reads' })
})

test('what a race for a connection has left over is closed when the connection is there', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  let [taken, closed] = [0, 0]
  const hole = await listening((socket) => {
    taken++
    socket.on('close', () => closed++).on('end', () => socket.end())
    socket.resume()
  })
  const alice = await startDevice(a, { relays: [address], times: { attemptMs: 60_000, retryMs: 60_000 } })
  const bob = await startDevice(b, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${hole.port}`] })
  expect(await connection.opened).toBe(true)
  // The second is for a better path.
  await until(() => taken === 2 && closed === 1)
  await alice.close()
  await until(() => closed === 2)
})

test('where a relay has died, the next one does not wait for direct ways that lead nowhere', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const wall = await startSwitch(first.relay.ports.tcp ?? 0)
  wall.on = true
  const relays = [
    { publicKey: first.relay.publicKey, tcp: { host: '127.0.0.1', port: wall.port } },
    second.address
  ]
  const bob = await startDevice(b, { relays })
  // Addresses of another network, a local one without the device, and a NAT that lets nothing through.
  let dialled = 0
  const holes = await Promise.all(Array.from({ length: 16 }, () => listening(() => dialled++)))
  const addresses = holes.map(({ port }) => `127.0.0.1:${port}`)
  const dht = new EndlessPunching()
  // Whatever waits for anything waits for longer than the test.
  const times = { attemptMs: 60_000, staggerMs: 60_000, retryMs: 60_000 }
  const alice = await startDevice(a, { relays, dht, lan: emptyLan, times })
  await until(() => bob.registeredAt.length === 2)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey, { addresses })
  await connection.opened
  await incoming
  expect(connection.path).toMatchObject({ kind: 'relay', relay: first.relay.publicKey })
  await until(() => dialled === 2 && dht.punching === 0)
  wall.on = false
  await first.relay.close()
  await until(() => connection.path?.relay === second.address.publicKey)
  // One address was tried beside the relays.
  await until(() => dialled === 3)
})

/** A network without anybody else. */
const emptyLan: LanLike = { announce: () => () => {}, find: () => () => {} }

test('a device that was started anew says so, and the connection ends at once instead of waiting for it', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const wire = await startSwitch(relay.ports.tcp ?? 0)
  wire.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: wire.port } }]
  const times = { probeMs: 50, deadMs: 1_500, retryMs: 10, graceMs: 600_000 }
  const alice = await startDevice(a, { relays: [address], times })
  const before = await startDevice(b, { relays, times })
  await until(() => before.registeredAt.length === 1)
  const incoming = nextConnection(before)
  const connection = alice.connect(b.publicKey)
  await connection.opened
  const heard = new Promise((resolve) => connection.once('data', resolve))
  ;(await incoming).write(Buffer.alloc(1))
  await heard
  // Nothing is heard of it any more, and another one has its key.
  wire.frozen = true
  await startDevice(b, { relays: [address], times })
  const error = await new Promise((resolve) => connection.once('error', resolve))
  expect(error).toMatchObject({ code: 'RELAY_CLOSED' })
})

test('somebody else who refuses a path ends nothing', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  let refused = 0
  const impostor = await listening((socket) =>
    socket.on('data', () => {
      refused++
      socket.write(dataFrame(refuseGreeting(REFUSE.UNKNOWN)))
    })
  )
  const announce = [`127.0.0.1:${impostor.port}`]
  const alice = await startDevice(a, { relays: [address], times: { retryMs: 10, graceMs: 100 } })
  const bob = await startDevice(b, { relays: [address], listen: { host: '127.0.0.1', announce } })
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(b.publicKey)
  await connection.opened
  const received = receiveCounting(await incoming, 1000)
  // A join and a hello, and a second try.
  await until(() => refused >= 4)
  await sendCounting(connection, 1000)
  expect(await received).toBe(-1)
  expect(connection.path?.kind).toBe('relay')
})

test('a better path that is joined before a slow one has said that the connection began ends nothing', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const [slow, direct] = [await startSwitch(relay.ports.tcp ?? 0), await startSwitch()]
  slow.on = direct.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: slow.port } }]
  const announce = [`127.0.0.1:${direct.port}`]
  const alice = await startDevice(a, { relays, times: { retryMs: 10, probeMs: 50 } })
  const bob = await startDevice(b, { relays: [address], listen: { host: '127.0.0.1', announce } })
  direct.target = bob.port ?? 0
  await until(() => bob.registeredAt.length === 1)
  // What follows the hello is held until something was said on the direct path, or three probes were: it comes later than that, anyway.
  const held: Buffer[] = []
  let count = 0
  slow.meddle = onFrames('in', (one) => {
    if (one[0] !== FRAME.DATA || count++ === 0) return [one]
    held.push(one)
    return direct.bytes > 0 || count > 6 ? held.splice(0) : []
  })
  const connection = alice.connect(b.publicKey)
  await connection.opened
  await until(() => connection.destroyed || connection.path?.kind === 'tcp')
  expect(connection.destroyed).toBe(false)
})

test('a clock that stands still, or is set back, keeps no dead path alive', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const wire = await startSwitch(relay.ports.tcp ?? 0)
  wire.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: wire.port } }]
  const times = { probeMs: 50, deadMs: 1_500 }
  const alice = await startDevice(a, { relays, times })
  const bob = await startDevice(b, { relays: [address], times })
  const failures: string[] = []
  alice.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
  await until(() => bob.registeredAt.length === 1)
  await alice.connect(b.publicKey).opened
  const clock = vi.spyOn(Date, 'now').mockReturnValue(0)
  testCleanup().defer('stream', () => clock.mockRestore())
  wire.frozen = true
  await until(() => failures.length > 0)
  expect(failures).toEqual(['RELAY_TIMEOUT'])
})
