import { createSocket } from 'node:dgram'
import { fakeClock, testCleanup, until } from '@cloudpal/test-kit'
import { token } from 'blind-relay'
import type { RawStream, UdxSocket } from 'hyperdht'
import { expect, test } from 'vitest'
import { createGrant, SCOPE } from '../../src/policy/grant.ts'
import { Lease } from '../../src/policy/lease.ts'
import { keyPair } from '../replicas/records.ts'
import { ask, dial, echo, pairHalf, relayed, testRelay } from './udp-relay.ts'

const KIB = 1024

test('two devices talk through the relay, which counts what it carries and sees nothing else', async () => {
  const { plane, ...relay } = await testRelay()
  const [a, b] = await relayed({ plane, ...relay })
  await echo(a.noise, b.noise, 64 * KIB)
  plane.sweep()
  // Both directions, with headers, and what was sent again because this process was held up; nothing went another way, or was counted twice.
  expect(plane.stats.carriedBytes).toBeGreaterThan(128 * KIB)
  expect(plane.stats.carriedBytes).toBeLessThan(240 * KIB)
  expect(plane.stats).toMatchObject({ sessions: 2, links: 1, waiting: 0, strangers: 0 })
  for (const { raw, stream } of [a, b]) {
    expect(raw.remotePort).toBe((stream.rawStream as RawStream).remotePort)
  }
  expect(a.noise.remotePublicKey).toEqual(keyPair(2).publicKey)
})

test('an unknown key is told no in the handshake, and leaves nothing behind', async () => {
  const relay = await testRelay()
  await expect(dial(relay.device(50), relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  expect(relay.refusals.map(({ code }) => code)).toEqual(['RELAY_DENIED'])
  expect(relay.plane.stats.sessions).toBe(0)
  expect(relay.policy.connections).toBe(0)
})

test('a host that goes on knocking is not answered any more, until time has passed', async () => {
  const clock = fakeClock(1)
  const relay = await testRelay({ now: clock.now, denialsPerSecond: 2 })
  const stranger = relay.device(50)
  for (let i = 0; i < 2; i++)
    await expect(dial(stranger, relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  const ignored = stranger.connect(relay.key)
  testCleanup().defer('stream', () => ignored.destroy())
  const answers: unknown[] = []
  ignored.on('error', (error) => answers.push((error as { code?: string }).code))
  await until(() => relay.ignored.length > 0)
  // Nor is anything said of it: a flood of knocks is none of the log.
  expect(relay.refusals.length).toBe(2)
  expect(answers).not.toContain('SERVER_ERROR')
  // Else it may knock once more, and be the one that is answered.
  ignored.destroy()
  clock.advance(500)
  await expect(dial(stranger, relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
})

test('of 50,000 pairings from one device 64 are taken, and the connection ends', async () => {
  const relay = await testRelay()
  const control = await dial(relay.device(1), relay.key)
  let most = 0
  for (let i = 0; i < 50_000 && !control.stream.destroyed; i++) {
    ask(control, true)
    if (i % 1000 !== 0) continue
    await new Promise(setImmediate)
    most = Math.max(most, relay.plane.stats.waiting)
  }
  await control.closed
  expect(most).toBeLessThanOrEqual(64)
  expect(relay.refusals.map(({ code }) => code)).toEqual(['RELAY_TOO_MANY'])
  expect(relay.plane.stats).toMatchObject({ sessions: 0, waiting: 0, links: 0 })
  // Others are served as before.
  const [a, b] = await relayed(relay, 2, 3)
  await echo(a.noise, b.noise, KIB)
})

test('64 pairings wait, over all connections of a device; the next one is refused', async () => {
  const relay = await testRelay()
  const node = relay.device(1)
  const [one, two] = [await dial(node, relay.key), await dial(node, relay.key)]
  for (let i = 0; i < 40; i++) ask(one, true)
  for (let i = 0; i < 24; i++) ask(two, true)
  await until(() => relay.plane.stats.waiting === 64)
  ask(two, true)
  await two.closed
  expect(relay.plane.stats.waiting).toBe(40)
  for (let i = 0; i < 24; i++) ask(one, true)
  await until(() => relay.plane.stats.waiting === 64)
  expect(relay.refusals.length).toBe(1)
})

test('a pairing that waits for 15 seconds is forgotten', async () => {
  const clock = fakeClock(1)
  const relay = await testRelay({ now: clock.now })
  const [early, late] = await Promise.all([
    dial(relay.device(1), relay.key),
    dial(relay.device(2), relay.key)
  ])
  const secret = token()
  ask(early, true, secret)
  await until(() => relay.plane.stats.waiting === 1)
  clock.advance(14_999)
  relay.plane.sweep()
  expect(relay.plane.stats.waiting).toBe(1)
  clock.advance(1)
  relay.plane.sweep()
  expect(relay.plane.stats.waiting).toBe(0)
  ask(late, false, secret)
  await until(() => relay.plane.stats.waiting === 1)
  expect(relay.plane.stats.links).toBe(0)
})

// Other systems have no second loopback address.
test.skipIf(process.platform !== 'linux')('a packet from another host takes over no leg', async () => {
  const relay = await testRelay()
  const [a, b] = await Promise.all([dial(relay.device(1), relay.key), dial(relay.device(2), relay.key)])
  const secret = token()
  const legId = new Promise<number>((resolve) => {
    a.client.pair(true, secret, { id: 1 } as RawStream).on('data', resolve)
  })
  const other = await pairHalf(b, false, secret, keyPair(2))
  const thief = createSocket('udp4')
  testCleanup().defer('network', () => thief.close())
  await new Promise<void>((resolve) => thief.bind(0, '127.0.0.2', resolve))
  thief.send(udxPacket(await legId), (a.stream.rawStream as RawStream).remotePort, '127.0.0.1')
  await until(() => relay.plane.stats.strangers === 1)
  // The device itself still may.
  const raw = a.node.createRawStream({ framed: true })
  const { socket, remotePort, remoteHost } = a.stream.rawStream as RawStream
  raw.connect(socket as UdxSocket, await legId, remotePort, remoteHost as string)
  raw.trySend(Buffer.from('mine'))
  const arrived = await new Promise((resolve) => other.raw.once('message' as 'open', resolve as () => void))
  expect(arrived).toEqual(Buffer.from('mine'))
})

test('a half that is paired and never shows itself is ended', async () => {
  const clock = fakeClock(1)
  const relay = await testRelay({ now: clock.now })
  const [a, b] = await Promise.all([dial(relay.device(1), relay.key), dial(relay.device(2), relay.key)])
  const secret = token()
  ask(b, false, secret)
  await pairHalf(a, true, secret, keyPair(1))
  expect(relay.plane.stats.links).toBe(1)
  clock.advance(15_000)
  relay.plane.sweep()
  expect(relay.plane.stats).toMatchObject({ links: 0, sessions: 2 })
})

test('nobody cancels a pairing but who asked for it', async () => {
  const relay = await testRelay()
  const [a, thief] = await Promise.all([dial(relay.device(1), relay.key), dial(relay.device(2), relay.key)])
  const secret = token()
  ask(a, true, secret)
  await until(() => relay.plane.stats.waiting === 1)
  thief.client.unpair(secret)
  ask(thief, true)
  await until(() => relay.plane.stats.waiting === 2)
  const mate = await dial(relay.device(3), relay.key)
  ask(mate, false, secret)
  await until(() => relay.plane.stats.links === 1)
  const another = token()
  ask(a, true, another)
  await until(() => relay.plane.stats.waiting === 2)
  a.client.unpair(another)
  await until(() => relay.plane.stats.waiting === 1)
})

test('one connection cannot be both halves of a pair', async () => {
  const relay = await testRelay()
  const a = await dial(relay.device(1), relay.key)
  const secret = token()
  const { _pair: messages } = a.client as unknown as { _pair: { send(message: object): void } }
  for (const isInitiator of [true, false]) messages.send({ isInitiator, token: secret, id: 1, seq: 0 })
  ask(a, true)
  await until(() => relay.plane.stats.waiting === 2)
  expect(relay.plane.stats.links).toBe(0)
})

test('a revoked device carries nothing more from that moment, and its connection ends', async () => {
  const relay = await testRelay()
  const [a, b] = await relayed(relay)
  await echo(a.noise, b.noise, KIB)
  expect(relay.policy.revoke(keyPair(1).publicKey)).toBe(1)
  expect(relay.plane.stats).toMatchObject({ sessions: 1, links: 0 })
  // Of two connections and two legs: the other device's connection.
  const { rawStreams } = relay.node as unknown as { rawStreams: Iterable<RawStream> }
  await until(() => [...rawStreams].length === 1)
  const { carriedBytes } = relay.plane.stats
  let arrived = 0
  b.noise.on('data', (data) => (arrived += data.length))
  a.noise.write(new Uint8Array(KIB))
  await a.closed
  relay.plane.sweep()
  expect(relay.plane.stats.carriedBytes).toBe(carriedBytes)
  expect(arrived).toBe(0)
  expect(relay.refusals.map(({ code }) => code)).toEqual(['RELAY_REVOKED'])
  await expect(dial(a.node, relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
})

test('when one end is gone both legs are, and nothing is left', async () => {
  const relay = await testRelay()
  const [a, b] = await relayed(relay)
  a.noise.destroy()
  await until(() => relay.plane.stats.links === 0)
  a.stream.destroy()
  b.stream.destroy()
  await until(() => relay.plane.stats.sessions === 0)
  expect(relay.policy.connections).toBe(0)
})

test('who has spent the quota is cut off, and comes back only to be told so', async () => {
  const relay = await testRelay({}, { limits: { quotaBytes: 100 * KIB } })
  const [a, b] = await relayed(relay)
  await echo(a.noise, b.noise, 20 * KIB)
  relay.plane.sweep()
  expect(relay.plane.stats.links).toBe(1)
  await echo(a.noise, b.noise, 100 * KIB)
  relay.plane.sweep()
  await Promise.all([a.closed, b.closed])
  expect(relay.refusals.map(({ code }) => code)).toEqual(['RELAY_QUOTA', 'RELAY_QUOTA'])
  await expect(dial(a.node, relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
})

test('a device is charged for what it sends, and not for what it is sent', async () => {
  const relay = await testRelay({}, { limits: { quotaBytes: 150 * KIB } })
  const [a, b] = await relayed(relay)
  let received = 0
  b.noise.on('data', (data) => (received += data.length))
  a.noise.write(new Uint8Array(200 * KIB))
  await until(() => received === 200 * KIB)
  relay.plane.sweep()
  await a.closed
  expect(relay.refusals.map(({ code }) => code)).toEqual(['RELAY_QUOTA'])
  const lease = relay.policy.admit(keyPair(2).publicKey)
  if (!(lease instanceof Lease)) throw new Error(lease.code)
  // What acknowledges.
  expect(lease.usedBytes).toBeLessThan(100 * KIB)
  // What was carried is counted once, also when it ends what carries it.
  const total = relay.plane.stats.carriedBytes
  expect(total).toBeGreaterThan(200 * KIB)
  expect(total).toBeLessThan(390 * KIB)
})

test('who is over its rate by more than a second is cut off, and is told when to come again', async () => {
  const clock = fakeClock(1)
  const limits = { bytesPerSecond: 100 * KIB }
  const relay = await testRelay({ now: clock.now }, { limits, now: clock.now })
  const [a, b] = await relayed(relay)
  await echo(a.noise, b.noise, 120 * KIB)
  relay.plane.sweep()
  expect(relay.plane.stats.links).toBe(1)
  await echo(a.noise, b.noise, 300 * KIB)
  relay.plane.sweep()
  await a.closed
  expect(relay.refusals[0]).toMatchObject({ code: 'RELAY_QUOTA' })
  const { retryAfterMs = 0 } = relay.refusals[0] ?? {}
  expect(retryAfterMs).toBeGreaterThan(1000)
  // Before that it is not let in: it would be cut off once more, and has sent as much until then.
  clock.advance(100)
  await expect(dial(a.node, relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  clock.advance(retryAfterMs)
  await expect(dial(a.node, relay.key)).resolves.toBeDefined()
})

test('a grant that was introduced opens the plane to its device, as far as its scopes go', async () => {
  const issuer = keyPair(60)
  const relay = await testRelay({}, { issuers: [issuer.publicKey], allow: [] })
  const expiresAt = Date.now() + 60_000
  const introduce = (n: number, scopes: number): void => {
    const device = keyPair(n).publicKey
    relay.plane.introduce(device, createGrant(issuer, { device, scopes, expiresAt }))
  }
  introduce(1, SCOPE.UDP)
  introduce(2, SCOPE.UDP | SCOPE.OPEN)
  introduce(3, SCOPE.OPEN)
  const [a, b] = await relayed(relay)
  await echo(a.noise, b.noise, KIB)
  for (const n of [3, 4]) {
    await expect(dial(relay.device(n), relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  }
  expect(relay.refusals.map(({ code }) => code)).toEqual(['RELAY_NO_SCOPE', 'RELAY_DENIED'])
})

test.each<[string, number, number]>([
  ['has expired', SCOPE.UDP, 10_000],
  ['is not for UDP', SCOPE.OPEN, 60_000]
])('a remembered grant that %s takes nothing from a device on the allow-list', async (_, scopes, livesMs) => {
  const clock = fakeClock(1_000_000)
  const issuer = keyPair(60)
  const relay = await testRelay({}, { issuers: [issuer.publicKey], now: clock.now })
  const expiresAt = clock.now() + livesMs
  for (const n of [1, 20]) {
    const device = keyPair(n).publicKey
    relay.plane.introduce(device, createGrant(issuer, { device, scopes, expiresAt }))
  }
  clock.advance(20_000)
  await expect(dial(relay.device(1), relay.key)).resolves.toBeDefined()
  await expect(dial(relay.device(20), relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  // Whoever has nothing but the grant is told what is wrong with it.
  expect(relay.refusals[0]?.code).not.toBe('RELAY_DENIED')
})

test('a relay that drains lets nobody in, and keeps who is there and has something relayed', async () => {
  const relay = await testRelay()
  const [a, b] = await relayed(relay)
  const idle = await dial(relay.device(4), relay.key)
  await until(() => relay.plane.stats.sessions === 3)
  relay.plane.drain()
  await idle.closed
  await expect(dial(relay.device(3), relay.key)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  await echo(a.noise, b.noise, KIB)
  expect(relay.refusals.map(({ code }) => code)).toEqual(['RELAY_DRAINING'])
})

test('a relay that drains ends a connection once nothing is relayed for it any more', async () => {
  const relay = await testRelay()
  const [a, b] = await relayed(relay)
  relay.plane.drain()
  relay.plane.sweep()
  expect(relay.plane.stats).toMatchObject({ sessions: 2, links: 1 })
  a.noise.destroy()
  await until(() => relay.plane.stats.links === 0)
  relay.plane.sweep()
  await Promise.all([a.closed, b.closed])
  expect(relay.plane.stats.sessions).toBe(0)
})

test('garbage on the channel ends that connection alone', async () => {
  const relay = await testRelay()
  const [a, b] = await relayed(relay)
  const bad = await dial(relay.device(3), relay.key)
  await until(() => relay.plane.stats.sessions === 3)
  bad.stream.write(Buffer.from([1, 0, 0xff, 0xff, 0xff]))
  await bad.closed
  await until(() => relay.plane.stats.sessions === 2)
  await echo(a.noise, b.noise, KIB)
})

test('closing the plane ends every connection', async () => {
  const relay = await testRelay()
  const [a, b] = await relayed(relay)
  await relay.plane.close()
  await Promise.all([a.closed, b.closed])
  expect(relay.plane.stats).toMatchObject({ sessions: 0, links: 0 })
  expect(relay.policy.connections).toBe(0)
})

/** A message to a stream, by the header of libudx (include/udx.h): magic, version, type, data offset, then id, window, seq and ack of 32 bits. */
function udxPacket(id: number): Buffer {
  const MESSAGE = 16
  const packet = Buffer.alloc(20)
  packet.set([0xff, 1, MESSAGE, 0])
  packet.writeUInt32LE(id, 4)
  return packet
}

test('what went over a link since it was looked at last counts, also when the link ends', async () => {
  let carried = 0
  const relay = await testRelay({ observer: { carried: (bytes) => (carried += bytes) } })
  const [a, b] = await relayed(relay)
  await echo(a.noise, b.noise, 64 * KIB)
  expect(relay.plane.stats.carriedBytes).toBe(0)
  a.stream.destroy()
  await until(() => relay.plane.stats.links === 0)
  expect(relay.plane.stats.carriedBytes).toBeGreaterThan(128 * KIB)
  expect(carried).toBe(relay.plane.stats.carriedBytes)
})
