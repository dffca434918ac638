import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { testCleanup, until } from '@cloudpal/test-kit'
import { flowFrame, SEGMENT_HEADER_BYTES, TAG_BYTES } from '../src/flow/flow-frames.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import { type Connection, type RelayClientOptions } from '../src/index.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { startSwitch, type SwitchProxy } from './switch-proxy.ts'
import { dataFrame, isSegment, offsetOf, onFrames } from './meddling.ts'

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

/** Which ways it goes from now on, and `null` whenever there is none: that may last for a moment only. */
function waysOf(connection: Connection): unknown[] {
  const ways: unknown[] = []
  connection.on('path', (path) => ways.push(path))
  return ways
}

test('a relay that forges the end of the stream does not make it look complete', async () => {
  const { connection, other, liar } = await meetLiar()
  let count = 0
  let forged = false
  liar.meddle = onFrames('in', (one) => {
    if (!isSegment(one) || count++ < 3 || forged) return [one]
    forged = true
    return [dataFrame(flowFrame({ type: 'fin', offset: offsetOf(one) }))]
  })
  const ended = new Promise<string>((resolve) => other.once('end', () => resolve('ended')))
  const received = receiveCounting(other, 600_000).then(String, String)
  await sendCounting(connection, 600_000)
  expect(await Promise.race([ended, received])).toBe('-1')
})

test('a relay cannot close a connection in the name of the other device', async () => {
  const { connection, other, liar } = await meetLiar()
  let count = 0
  liar.meddle = onFrames('in', (one) =>
    isSegment(one) && count++ === 3 ? [dataFrame(flowFrame({ type: 'reset' }))] : [one]
  )
  const received = receiveCounting(other, 600_000).then(String, String)
  await sendCounting(connection, 600_000).catch(() => {})
  expect(await received).toBe('-1')
})

test('a relay that says a path is retired does not leave a connection without any, for ever', async () => {
  const { connection, other, liar } = await meetLiar()
  const received = receiveCounting(other, 1_000).then(String, String)
  const ways = waysOf(other)
  let forged = false
  liar.meddle = onFrames('out', (one) => {
    if (one[0] !== FRAME.DATA || forged) return [one]
    forged = true
    return [dataFrame(flowFrame({ type: 'retired' }))]
  })
  await until(() => forged && ways.includes(null))
  liar.meddle = (chunk) => chunk
  void sendCounting(connection, 1_000).catch(() => {})
  expect(await received).toBe('-1')
})

test('a relay that acknowledges what it has swallowed does not cost the connection', async () => {
  const { connection, other, liar } = await meetLiar()
  const held: Buffer[] = []
  liar.meddle = (chunk, direction, from) => {
    const swallow = onFrames('in', (one) => {
      if (!isSegment(one)) return [one]
      const size = one.length - HEADER_BYTES - SEGMENT_HEADER_BYTES - TAG_BYTES
      held.push(dataFrame(flowFrame({ type: 'ack', offset: offsetOf(one) + size })))
      return []
    })
    if (direction === 'in') return swallow(chunk, direction, from)
    return Buffer.concat([...held.splice(0), chunk])
  }
  const received = receiveCounting(other, 10).then(String, String)
  const ways = waysOf(connection)
  connection.write(Uint8Array.from({ length: 10 }, (_, i) => i))
  await until(() => ways.includes(null) || connection.destroyed)
  liar.meddle = (chunk) => chunk
  expect(await received).toBe('-1')
})

test('a greeting that is repeated by somebody else makes no connection', async () => {
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

test('a relay that swallows the answer does not stop the connection, when another relay is there', async () => {
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

test('where a relay swallows the proof and the device is started anew, the connection ends instead of waiting', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const liar = await startSwitch(first.relay.ports.tcp ?? 0)
  liar.on = true
  let count = 0
  liar.meddle = onFrames('in', (one) => (one[0] === FRAME.DATA && count++ > 0 ? [] : [one]))
  const lying = { publicKey: first.relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }
  // Only that the device ends shows that the path does not carry: else another one would be joined before.
  const times = { retryMs: 20, staggerMs: 600_000, probeMs: 600_000, idleProbeMs: 600_000 }
  const bob = await startDevice(b, { relays: [first.address, second.address] })
  const alice = await startDevice(a, { relays: [lying, second.address], times })
  await until(() => bob.registeredAt.length === 2)
  const connection = alice.connect(bob.publicKey)
  const code = new Promise((resolve) =>
    connection.once('error', ({ code }: Error & { code?: string }) => resolve(code))
  )
  expect(await connection.opened).toBe(true)
  await bob.close()
  await startDevice(b, { relays: [second.address] })
  expect(await code).toBe('RELAY_UNREACHABLE')
})
