import { expect, test } from 'vitest'
import { listening } from './listening.ts'
import { until } from '@cloudpal/test-kit'
import { RelayClient } from '../src/index.ts'
import { RelayPolicy, type RelayServerOptions } from '../src/server/index.ts'
import { greet } from './links.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

test('whatever key or relay is named wrongly, the error has a code', async () => {
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

test('a device that cannot listen leaves nothing open', async () => {
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

test('a revocation that names neither a device nor a grant is refused, not ignored', () => {
  const [a] = twoKeyPairs()
  const policy = new RelayPolicy(a.publicKey)
  for (const wrong of [
    new Uint8Array(202),
    new Uint8Array(0),
    Buffer.from(a.publicKey).toString('hex') as never
  ])
    expect(() => policy.revoke(wrong)).toThrow(expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' }))
})

test.each(['localhost', '0.0.0.0'])('a device does not dial %s because another one says so', async (host) => {
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

test('a relay that says "come back in 49 days" is not called again at once', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], {
    drainMs: 4_294_967_295
  } satisfies Partial<RelayServerOptions>)
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

test('a window that holds no whole segment is refused, instead of waiting for ever', () => {
  const [a] = twoKeyPairs()
  for (const windowBytes of [0, -1, 1.5, Number.NaN, 1000, 65_536])
    expect(() => new RelayClient({ keyPair: a, windowBytes })).toThrow(
      expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' })
    )
})
