import { type TestNetwork, testnet, until } from '@cloudpal/test-kit'
import type HyperDHT from 'hyperdht'
import { expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { EndlessPunching } from './endless-punching.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, receiveCountingToEnd, sendCounting, sendCountingUntil } from './streams.ts'
import { startSwitch } from './switch-proxy.ts'

const MEGABYTE = 1_000_000

/** A node, and when whoever has it can be found there. */
function nodeOf(network: TestNetwork): { readonly dht: HyperDHT; readonly listens: Promise<void> } {
  const dht = network.createNode()
  const createServer = dht.createServer.bind(dht)
  const listens = new Promise<void>((resolve) => {
    dht.createServer = (...of) => createServer(...of).on('listening', resolve)
  })
  return { dht, listens }
}

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

test('a direct connection whose app ends it as soon as it hears which way it goes leaves nothing open', async () => {
  const [a, b] = twoKeyPairs()
  const network = await testnet()
  const server = network.createNode().createServer()
  let isOver = false
  server.on('connection', (stream) => stream.on('error', () => {}).on('close', () => (isOver = true)))
  await server.listen(b)
  const alice = await startDevice(a, { dht: network.createNode() })
  const connection = alice.connect(b.publicKey)
  connection.once('path', () => connection.destroy())
  expect(await connection.opened).toBe(false)
  await until(() => isOver)
})

test('a connection through a relay moves to UDP while bytes flow in both directions, and loses none', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const network = await testnet()
  // No path is taken for dead, however much else there is to do.
  const times = { deadMs: 600_000 }
  const alice = await startDevice(a, { relays: [address], times, dht: network.createNode() })
  const { dht, listens } = nodeOf(network)
  const bob = await startDevice(b, { relays: [address], times, dht })
  await listens
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  const ways: (string | undefined)[] = []
  connection.on('path', (path) => ways.push(path?.kind))
  expect(await connection.opened).toBe(true)
  const other = await incoming
  const received = [other, connection].map((end) => receiveCountingToEnd(end))
  // Nothing ends the sending but the move, and that only after a while.
  const ends = [connection, other]
  const moved = (): boolean => ends.every(({ path }) => path?.kind === 'udp')
  const sent = await Promise.all(ends.map((end) => sendCountingUntil(end, moved, 5 * MEGABYTE)))
  expect(await Promise.all(received)).toEqual(sent)
  await until(() => relay.sessions === 0)
  expect(ways).toEqual(['relay', 'udp'])
})

test('a connection that begins over UDP moves to a relay when UDP dies, where the two have met before', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const wall = await startSwitch(relay.ports.tcp ?? 0)
  wall.on = true
  const relays = [{ ...address, tcp: { host: '127.0.0.1', port: wall.port } }]
  const network = await testnet()
  const dht = network.createNode()
  const streams: { destroy(): void }[] = []
  const connect = dht.connect.bind(dht)
  dht.connect = (key, options) => {
    const stream = connect(key, options)
    streams.push(stream)
    return stream
  }
  const times = { retryMs: 20, attemptMs: 60_000 }
  const alice = await startDevice(a, { relays, dht, times })
  const { dht: bobs, listens } = nodeOf(network)
  const bob = await startDevice(b, { relays: [address], dht: bobs, times })
  await listens
  await until(() => bob.registeredAt.length === 1)
  const first = alice.connect(b.publicKey)
  expect(await first.opened).toBe(true)
  first.destroy()
  await until(() => bob.connections.size === 0)
  // Now only UDP gets through.
  wall.meddle = () => null
  const incoming = nextConnection(bob)
  const connection = alice.connect(b.publicKey)
  expect(await connection.opened).toBe(true)
  expect(connection.path).toEqual({ kind: 'udp', relay: null, transport: 'udp' })
  const other = await incoming
  const received = receiveCounting(other, 2 * MEGABYTE)
  await sendCounting(connection, MEGABYTE / 2)
  // And then only the relay: nobody answers in the DHT.
  wall.meddle = (chunk) => chunk
  dht.connect = () => new EndlessPunching().connect()
  for (const stream of streams) stream.destroy()
  const rest = Uint8Array.from({ length: 1.5 * MEGABYTE }, (_, i) => (MEGABYTE / 2 + i) % 251)
  connection.write(rest)
  expect(await received).toBe(-1)
  expect(connection.path).toMatchObject({ kind: 'relay', relay: relay.publicKey })
})

test('a device that was met before, and has been started anew since, is reached by its own key', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const network = await testnet()
  const alice = await startDevice(a, { relays: [address], dht: network.createNode() })
  const before = await startDevice(b, { relays: [address], dht: network.createNode() })
  await until(() => before.registeredAt.length === 1)
  expect(await alice.connect(b.publicKey).opened).toBe(true)
  await before.close()
  const server = network.createNode().createServer({}, (stream) => void stream.on('error', () => {}))
  await server.listen(b)
  const connection = alice.connect(b.publicKey)
  expect(await connection.opened).toBe(true)
  expect(connection.path).toEqual({ kind: 'udp', relay: null, transport: 'udp' })
})
