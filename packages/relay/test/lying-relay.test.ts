import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { FLOW } from '../src/flow/flow-frames.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import type { RelayClient, RelayClientOptions } from '../src/index.ts'
import type { Connection } from '../src/index.ts'
import { isSegment, onFrames } from './meddling.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { startSwitch, type SwitchProxy } from './switch-proxy.ts'

interface Meeting {
  readonly alice: RelayClient
  readonly connection: Connection
  readonly other: Connection
  /** Between Alice and her relay: what it does, a relay could do. */
  readonly liar: SwitchProxy
  readonly failures: string[]
}

async function meet(
  times: RelayClientOptions['times'] = { retryMs: 20 },
  theirs: RelayClientOptions['times'] = times
): Promise<Meeting> {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const liar = await startSwitch(relay.ports.tcp ?? 0)
  liar.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }]
  const alice = await startDevice(a, { relays, times })
  const bob = await startDevice(b, { relays: [address], times: theirs })
  const failures: string[] = []
  for (const device of [alice, bob])
    device.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  return { alice, connection, other: await incoming, liar, failures }
}

/** Lets each segment that goes in be changed, repeated or left out. */
function onSegments(change: (frame: Buffer) => Buffer[]): SwitchProxy['meddle'] {
  return onFrames('in', (one) => (isSegment(one) ? change(one) : [one]))
}

test('a relay that changes one bit of what devices say is found out, and the connection goes on', async () => {
  const { connection, other, liar, failures } = await meet()
  let count = 0
  liar.meddle = onSegments((frame) => {
    const last = frame.length - 1
    if (count++ === 3) frame[last] = (frame[last] ?? 0) ^ 1
    return [frame]
  })
  const received = receiveCounting(other, 600_000)
  await sendCounting(connection, 600_000)
  expect(await received).toBe(-1)
  expect(failures).toContain('RELAY_PATH_LIED')
})

test('a relay that leaves something out is found out, and the connection goes on without a byte missing', async () => {
  const { connection, other, liar, failures } = await meet()
  let count = 0
  liar.meddle = onSegments((frame) => (count++ === 3 ? [] : [frame]))
  const received = receiveCounting(other, 600_000)
  await sendCounting(connection, 600_000)
  expect(await received).toBe(-1)
  expect(count).toBeGreaterThan(4)
  expect(failures).toContain('RELAY_PATH_LIED')
})

test('a relay that keeps the last thing back is found out when it is asked about', async () => {
  const { connection, other, liar, failures } = await meet()
  let count = 0
  liar.meddle = onSegments((frame) => (count++ === 0 ? [] : [frame]))
  const received = receiveCounting(other, 10)
  await sendCounting(connection, 10)
  expect(await received).toBe(-1)
  expect(failures).toContain('RELAY_PATH_LIED')
})

test('a relay that changes the order is found out', async () => {
  const { connection, other, liar, failures } = await meet()
  const held: Buffer[] = []
  let count = 0
  liar.meddle = onSegments((frame) => {
    count++
    if (count === 5) held.push(frame)
    return count === 5 ? [] : [frame, ...held.splice(0)]
  })
  const received = receiveCounting(other, 900_000)
  await sendCounting(connection, 900_000)
  expect(await received).toBe(-1)
  expect(failures).toContain('RELAY_PATH_LIED')
})

test('a relay that repeats something is found out', async () => {
  const { connection, other, liar, failures } = await meet()
  let count = 0
  liar.meddle = onSegments((frame) => (++count === 3 ? [frame, Buffer.from(frame)] : [frame]))
  const received = receiveCounting(other, 900_000)
  await sendCounting(connection, 900_000)
  expect(await received).toBe(-1)
  expect(failures).toContain('RELAY_PATH_LIED')
})

test('a relay that swallows the last things before it is left is blamed for it, and the direct path is not', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const [liar, gate] = [await startSwitch(relay.ports.tcp ?? 0), await startSwitch()]
  liar.on = true
  const listen = { host: '127.0.0.1', announce: [`127.0.0.1:${gate.port}`] }
  // Nobody asks: an answer that comes before what is held back would show it before the path is left.
  const times = { retryMs: 20, probeMs: 600_000 }
  const other = await startDevice(b, { relays: [address], listen, times })
  gate.target = other.port ?? 0
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }]
  const alice = await startDevice(a, { relays, times })
  const failed: string[] = []
  alice.on('path-failed', ({ kind }: { kind: string }, { code }: { code: string }) =>
    failed.push(`${kind} ${code}`)
  )
  await until(() => other.registeredAt.length === 1)
  const incoming = nextConnection(other)
  const connection = alice.connect(b.publicKey)
  await connection.opened
  const talking = await incoming
  // The last things are always held back, in their order, and thrown away when the path is left.
  const held: Buffer[] = []
  let retired = false
  liar.meddle = onFrames('out', (one) => {
    if (one[0] === FRAME.DATA && one[HEADER_BYTES] === FLOW.RETIRED) retired = true
    if (one[0] !== FRAME.DATA || retired) return [one]
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
  expect(failed).toEqual(['relay RELAY_PATH_LIED'])
})

test('a relay that lies always is not asked again and again without a pause, where there is no other', async () => {
  const { connection, liar, failures } = await meet(
    { retryMs: 600_000, graceMs: 500 },
    // Else it may end first, and say so.
    { retryMs: 600_000, graceMs: 600_000 }
  )
  liar.meddle = onSegments((frame) => {
    const last = frame.length - 1
    frame[last] = (frame[last] ?? 0) ^ 1
    return [frame]
  })
  const error = new Promise((resolve) => connection.once('error', resolve))
  connection.write(new Uint8Array(1000))
  // Five paths that one device makes without a pause, and eight that the other one may call for, as a relay may announce visitors; each fails on both sides.
  const most = 2 * (5 + 8)
  await Promise.race([error, until(() => failures.length > most)])
  expect(failures.length).toBeLessThanOrEqual(most)
  expect(await error).toMatchObject({ code: 'RELAY_PATHS_LOST' })
})

test('a relay that swallows the first join does not keep a device from being reached through another', async () => {
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
    times: { staggerMs: 600_000, probeMs: 50, deadMs: 1_500, retryMs: 20 }
  })
  await until(() => bob.registeredAt.length === 2)
  const reached = nextConnection(bob)
  const connection = alice.connect(b.publicKey)
  expect(await connection.opened).toBe(true)
  const sent = sendCounting(connection, 100_000).catch(() => {})
  const closed = new Promise<'closed'>((resolve) => connection.once('close', () => resolve('closed')))
  const other = await Promise.race([reached, closed])
  if (other === 'closed') throw new Error('the connection has ended')
  expect(await receiveCounting(other, 100_000)).toBe(-1)
  await sent
  expect(connection.path?.relay).toEqual(two.relay.publicKey)
})
