import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { FLOW } from '../src/flow/flow-frames.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import type { RelayClient } from '../src/index.ts'
import type { Connection } from '../src/index.ts'
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

async function meet(): Promise<Meeting> {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const liar = await startSwitch(relay.ports.tcp ?? 0)
  liar.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }]
  const alice = await startDevice(a, { relays, times: { retryMs: 20 } })
  const bob = await startDevice(b, { relays: [address], times: { retryMs: 20 } })
  const failures: string[] = []
  for (const device of [alice, bob])
    device.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  return { alice, connection, other: await incoming, liar, failures }
}

/** Cuts what goes in into frames, and lets each segment be changed, repeated or left out. */
function onSegments(change: (frame: Buffer) => Buffer[]): SwitchProxy['meddle'] {
  const rests = new WeakMap<object, Buffer>()
  return (chunk, direction, from) => {
    if (direction === 'out') return chunk
    let rest = Buffer.concat([rests.get(from) ?? Buffer.alloc(0), chunk])
    const passed: Buffer[] = []
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUIntLE(1, 3)) {
      const frame = rest.subarray(0, HEADER_BYTES + rest.readUIntLE(1, 3))
      const isSegment = frame[0] === FRAME.DATA && frame[HEADER_BYTES] === FLOW.SEGMENT
      passed.push(...(isSegment ? change(frame) : [frame]))
      rest = rest.subarray(frame.length)
    }
    rests.set(from, rest)
    return passed.length === 0 ? null : Buffer.concat(passed)
  }
}

function codeOf(connection: Connection): Promise<string | undefined> {
  return new Promise((resolve) =>
    connection.once('error', (error: Error & { code?: string }) => resolve(error.code))
  )
}

test('a relay that changes one bit of what devices say is found out, with a code', async () => {
  const { connection, other, liar } = await meet()
  const code = codeOf(other)
  liar.meddle = onSegments((frame) => {
    frame[frame.length - 1] = (frame[frame.length - 1] ?? 0) ^ 1
    return [frame]
  })
  connection.write(new Uint8Array(1000))
  expect(await code).toBe('RELAY_TAMPERED')
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

test('a relay that repeats something has no effect, and one that changes the order is found out', async () => {
  const { connection, other, liar, failures } = await meet()
  const held: Buffer[] = []
  let count = 0
  liar.meddle = onSegments((frame) => {
    count++
    if (count === 3) return [frame, Buffer.from(frame)]
    if (count === 5) held.push(Buffer.from(frame))
    return count === 5 ? [] : [frame, ...held.splice(0)]
  })
  const received = receiveCounting(other, 900_000)
  await sendCounting(connection, 900_000)
  expect(await received).toBe(-1)
  expect(count).toBeGreaterThan(5)
  expect(failures).toContain('RELAY_PATH_LIED')
})
