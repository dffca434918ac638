import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { startSwitch } from './switch-proxy.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, receiveCountingToEnd, sendCounting, sendCountingUntil } from './streams.ts'

const MEGABYTE = 1_000_000
/** The first relay is the one that is used, however late it answers. */
const ONE_BY_ONE = { staggerMs: 600_000 }

test('a direct address is preferred, and no relay carries a byte of what is sent', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const alice = await startDevice(a, { relays: [address] })
  const bob = await startDevice(b, { relays: [address], listen: { host: '127.0.0.1' } })
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${bob.port}`] })
  expect(await connection.opened).toBe(true)
  const received = receiveCounting(await incoming, MEGABYTE)
  await sendCounting(connection, MEGABYTE)
  expect(await received).toBe(-1)
  expect(connection.path).toEqual({ kind: 'tcp', relay: null, transport: 'tcp' })
  // A greeting at most: the relay was asked beside.
  expect(await relayedBytes(relay)).toBeLessThan(1_000)
})

test('a connection through a relay moves to a direct path while bytes flow in both directions, and loses none', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const alice = await startDevice(a, { relays: [address], times: { retryMs: 20 } })
  // What Bob announces leads to a switch that is off at first: a NAT that is not friendly yet.
  const nat = await startSwitch()
  const announce = [`127.0.0.1:${nat.port}`]
  const bob = await startDevice(b, { relays: [address], listen: { host: '127.0.0.1', announce } })
  nat.target = bob.port ?? 0
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  expect(await connection.opened).toBe(true)
  const other = await incoming
  expect(connection.path?.kind).toBe('relay')

  const there = receiveCountingToEnd(other, (received) => {
    if (received > 5 * MEGABYTE) nat.on = true
  })
  const received = [there, receiveCountingToEnd(connection)]
  // Nothing ends the sending but the move, and that only after a while.
  const ends = [connection, other]
  const moved = (): boolean => ends.every(({ path }) => path?.kind === 'tcp')
  const sent = await Promise.all(ends.map((end) => sendCountingUntil(end, moved, 5 * MEGABYTE)))
  expect(await Promise.all(received)).toEqual(sent)
  await until(() => relay.sessions === 0)
  expect(await relayedBytes(relay)).toBeGreaterThan(5 * MEGABYTE)
  expect(nat.bytes).toBeGreaterThan(5 * MEGABYTE)
})

test('when the relay is killed, the connection goes on through another one, and loses nothing', async () => {
  const [a, b] = twoKeyPairs()
  const first = await startRelay([a, b])
  const second = await startRelay([a, b])
  const relays = [first.address, second.address]
  const alice = await startDevice(a, { relays, times: ONE_BY_ONE })
  const bob = await startDevice(b, { relays })
  await until(() => bob.registeredAt.length === 2)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const total = 20 * MEGABYTE
  const received = receiveCounting(await incoming, total, (received) => {
    if (received > total / 2) void first.relay.close()
  })
  await sendCounting(connection, total)
  expect(await received).toBe(-1)
  expect(connection.path).toMatchObject({ kind: 'relay', relay: second.address.publicKey })
  expect(await relayedBytes(second.relay)).toBeGreaterThan(MEGABYTE)
})

test('when the relay goes silent without closing, its path is given up and another one is found', async () => {
  const [a, b] = twoKeyPairs()
  const first = await startRelay([a, b])
  const second = await startRelay([a, b])
  const wall = await startSwitch(first.relay.ports.tcp ?? 0)
  wall.on = true
  const silent = { publicKey: first.address.publicKey, tcp: { host: '127.0.0.1', port: wall.port } }
  const alice = await startDevice(a, { relays: [silent, second.address], times: ONE_BY_ONE })
  const bob = await startDevice(b, { relays: [silent, second.address] })
  await until(() => bob.registeredAt.length === 2)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const other = await incoming
  const received = receiveCounting(other, 2 * MEGABYTE)
  await sendCounting(connection, MEGABYTE / 2)
  expect(connection.path).toMatchObject({ relay: silent.publicKey })
  wall.frozen = true
  await sendCounting(connection, 0)
  const rest = Uint8Array.from({ length: 1.5 * MEGABYTE }, (_, i) => (MEGABYTE / 2 + i) % 251)
  connection.write(rest)
  expect(await received).toBe(-1)
  expect(connection.path).toMatchObject({ relay: second.address.publicKey })
})

async function relayedBytes({ metrics }: Awaited<ReturnType<typeof startRelay>>['relay']): Promise<number> {
  const { values } = await metrics.relayedBytes.get()
  return values.reduce((sum, { value }) => sum + value, 0)
}

test('a device with a small window and a slow reader is not taken for a liar’s victim', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const times = { deadMs: 600_000 }
  const alice = await startDevice(a, { relays: [address], times })
  const other = await startDevice(b, { relays: [address], times, windowBytes: 128 * 1024 })
  await until(() => other.registeredAt.length === 1)
  const failures: string[] = []
  for (const device of [alice, other])
    device.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
  const incoming = nextConnection(other)
  const connection = alice.connect(b.publicKey)
  await connection.opened
  const reading = await incoming
  await sendCounting(connection, 1_000_000)
  // It has not read a byte so far, and what has come meanwhile was not too much.
  const back = new Promise((resolve) => connection.once('data', resolve))
  reading.write(Buffer.alloc(1))
  await back
  expect(failures).toEqual([])
  expect(await receiveCounting(reading, 1_000_000)).toBe(-1)
  expect(failures).toEqual([])
})
