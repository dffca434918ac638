import { testnet, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'

const MEGABYTE = 1_000_000

test('a device that listens in the DHT is reached directly by UDP, also one that knows nothing of this package', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const network = await testnet()
  const alice = await startDevice(a, { relays: [address], dht: network.createNode() })
  const received: Promise<number>[] = []
  const server = network.createNode().createServer({}, (stream) => {
    stream.on('error', () => {})
    received.push(receiveCounting(stream as unknown as Connection, MEGABYTE))
  })
  await server.listen(b)
  const connection = alice.connect(b.publicKey)
  expect(await connection.opened).toBe(true)
  await sendCounting(connection, MEGABYTE)
  expect(await received[0]).toBe(-1)
  expect(connection.path).toEqual({ kind: 'udp', relay: null, transport: 'udp' })
  expect((await relay.metrics.relayedBytes.get()).values).toEqual([])
})

test('a connection through a relay moves to UDP while bytes flow in both directions, and loses none', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const network = await testnet()
  const alice = await startDevice(a, { relays: [address], dht: network.createNode() })
  const bob = await startDevice(b, { relays: [address], dht: network.createNode() })
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  const ways: (string | undefined)[] = []
  connection.on('path', (path) => ways.push(path?.kind))
  expect(await connection.opened).toBe(true)
  const other = await incoming
  const total = 20 * MEGABYTE
  const [there, back] = [receiveCounting(other, total), receiveCounting(connection, total)]
  await Promise.all([sendCounting(connection, total), sendCounting(other, total)])
  expect(await Promise.all([there, back])).toEqual([-1, -1])
  await until(() => other.path?.kind === 'udp' && relay.sessions === 0)
  expect(ways).toEqual(['relay', 'udp'])
})
