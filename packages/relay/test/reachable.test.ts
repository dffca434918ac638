import crypto, { type KeyPair } from 'hypercore-crypto'
import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import type { DhtLike } from '../src/dht.ts'
import { type RelayAddress, RelayClient } from '../src/index.ts'
import { greet } from './links.ts'
import { listening } from './listening.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startFleet } from './replicas/fleet.ts'

/** A node that begins to listen, and does so when it is told. hyperdht's own waits for an answer of the network: 6 s and more where there is none. */
function dhtThat(listen: () => Promise<void>): DhtLike {
  return {
    connect: () => {
      throw new Error('unused')
    },
    createServer: () => {
      let listens = Promise.resolve()
      return {
        listen: () => (listens = listen()),
        close: () => listens
      }
    }
  }
}

test('where UDP is blocked a device registers at its relays at once, and is closed at once', async () => {
  const keys = crypto.keyPair()
  const { address } = await startRelay([keys])
  const dht = dhtThat(() => new Promise(() => {}))
  const device = await startDevice(keys, { relays: [address], dht })
  await until(() => device.registeredAt.length === 1)
  await device.close()
})

test('a device that cannot listen in the DHT says so, and is reached through its relays', async () => {
  const keys = crypto.keyPair()
  const { address } = await startRelay([keys])
  const dht = dhtThat(() => Promise.reject(new Error('no network')))
  const device = new RelayClient({ keyPair: keys, relays: [address], dht })
  testCleanup().defer('swarm', () => device.close())
  const failed = new Promise((resolve) => device.once('listen-failed', resolve))
  await device.ready()
  expect(await failed).toMatchObject({ code: 'RELAY_CANNOT_LISTEN', cause: { message: 'no network' } })
  await until(() => device.registeredAt.length === 1)
})

test('a port that is taken has the code that README says', async () => {
  const { port } = await listening(() => {})
  const device = new RelayClient({ keyPair: crypto.keyPair(), listen: { host: '127.0.0.1', port } })
  await expect(device.ready()).rejects.toMatchObject({ code: 'RELAY_CANNOT_LISTEN' })
})

test('close() ends the connections of a device that could not listen too', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const { port } = await listening(() => {})
  const alice = new RelayClient({ keyPair: a, relays: [address], listen: { host: '127.0.0.1', port } })
  const connection = alice.connect(b.publicKey)
  testCleanup().defer('stream', () => connection.destroy())
  const connect = (): unknown => alice.connect(b.publicKey)
  connection.once('close', () => expect(connect).toThrow(/^RELAY_CLOSED/))
  await expect(alice.ready()).rejects.toBeInstanceOf(Error)
  await alice.close()
  expect(connect).toThrow(/^RELAY_CLOSED/)
  expect(connection.destroying).toBe(true)
})

test.each(['relays', 'replicas'] as const)(
  'a device that was suspended says so, and tells its %s anew where it is: they may have been started anew',
  async (kind) => {
    const [a, b] = twoKeyPairs()
    const { replicas, relays, restart } = await startFleet(1, [a, b])
    const { publicKey, ports } = relays[0] ?? expect.fail('no relay')
    const address = { publicKey, tcp: { host: '127.0.0.1', port: ports.tcp ?? 0 } }
    const device = await startDevice(a, {
      ...(kind === 'relays' ? { relays: [address] } : { replicas }),
      times: { retryMs: 20 }
    })
    const gone: unknown[] = []
    device.on('unregistered', (relay: Uint8Array, { code }: { code: string }) => gone.push([relay, code]))
    await until(() => device.registeredAt.length === 1)
    await until(async () => (await lookUp(address, b, a.publicKey)) > 0)
    device.suspend()
    expect(gone).toEqual([[publicKey, 'RELAY_CLOSED']])
    await relays[0]?.close()
    await restart(0)
    expect(await lookUp(address, b, a.publicKey)).toBe(0)
    device.resume()
    await until(async () => (await lookUp(address, b, a.publicKey)) > 0)
  }
)

/** @returns bytes of the record that a relay has of a device */
async function lookUp(at: RelayAddress, asker: KeyPair, device: Uint8Array): Promise<number> {
  const link = greet(at, asker, (one) => one.register(30_000))
  await until(() => link.seen.includes('registered'))
  const found = new Promise<number>((resolve) => {
    link.onfound = (_, record) => resolve(record.length)
  })
  link.link.lookup(device)
  const bytes = await found
  link.link.destroy()
  return bytes
}

test.each([
  [
    'refuses',
    async () => {
      const { server, port } = await listening(() => {})
      await new Promise((resolve) => server.close(resolve))
      return port
    }
  ],
  ['swallows', async () => (await listening(() => {})).port]
])(
  'where the network %s all but the web, two devices meet at a relay through its WebSocket',
  async (_, blockedPort) => {
    const [a, b] = twoKeyPairs()
    const { address, wsAddress } = await startRelay([a, b])
    const tcp = { host: '127.0.0.1', port: await blockedPort() }
    const relays = [{ publicKey: address.publicKey, tcp, ws: wsAddress.ws ?? '' }]
    const bob = await startDevice(b, { relays })
    await until(() => bob.registeredAt.length === 1)
    const alice = await startDevice(a, { relays })
    const connection = alice.connect(b.publicKey)
    expect(await connection.opened).toBe(true)
    expect(connection.path).toMatchObject({ kind: 'relay', transport: 'ws' })
  }
)
