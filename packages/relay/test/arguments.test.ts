import { expect, test } from 'vitest'
import { listening } from './listening.ts'
import { testCleanup, until } from '@cloudpal/test-kit'
import { RelayClient, type RelayClientOptions } from '../src/index.ts'
import { RelayPolicy, type RelayServerOptions } from '../src/server/index.ts'
import { dialWs } from '../src/sockets/sockets-browser.ts'
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
    [{ publicKey: point, tcp: { host: '127.0.0.1', port: 1 } }],
    [{ publicKey: point, ws: 'ws://127.0.0.1:1' }],
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
  expect(client.port).toBe(null)
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
  await until(() => refused.length === 1)
  for (let i = 0; i < 50; i++) {
    const link = greet(address, b, (one) => one.register(30_000))
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

test('where a platform refuses a WebSocket, a device is unregistered with a code, and nothing is thrown out of a timer', async () => {
  const [a] = twoKeyPairs()
  // `ws` takes no fragment, as a page takes no `ws:` in `https:`.
  const relays = [{ publicKey: a.publicKey, ws: 'ws://127.0.0.1:1/#fragment' }]
  const device = new RelayClient({ keyPair: a, relays, times: { retryMs: 1 } })
  testCleanup().defer('swarm', () => device.close())
  const codes: string[] = []
  device.on('unregistered', (_: unknown, { code }: { code: string }) => codes.push(code))
  await device.ready()
  await until(() => codes.length > 1)
  expect(new Set(codes)).toEqual(new Set(['RELAY_BAD_ARGUMENT']))
})

test('a WebSocket that a page may not open closes with a code', async () => {
  const before = (globalThis as { WebSocket?: unknown }).WebSocket
  testCleanup().defer('stream', () => void Object.assign(globalThis, { WebSocket: before }))
  function Refusing(): never {
    throw new DOMException('An insecure WebSocket connection may not be initiated', 'SecurityError')
  }
  Object.assign(globalThis, { WebSocket: Refusing })
  const wire = dialWs('ws://relay.example/')
  const closed = new Promise((resolve) =>
    wire.start({ onbytes: () => {}, ondrain: () => {}, onclose: resolve })
  )
  expect(await closed).toMatchObject({ code: 'RELAY_BAD_ARGUMENT', cause: { name: 'SecurityError' } })
})

test.each([Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 2 ** 31, undefined])(
  'a time of %s is refused: it would be a timer of a millisecond',
  (probeMs) => {
    const [keyPair] = twoKeyPairs()
    const times = { probeMs } as { probeMs: number }
    expect(() => new RelayClient({ keyPair, times })).toThrow(
      expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' })
    )
  }
)

test('a time of which a multiple is waited for is refused where that would be no timer', () => {
  const [keyPair] = twoKeyPairs()
  const day = 86_400_000
  expect(() => new RelayClient({ keyPair, times: { retryMs: day } })).toThrow(/^RELAY_BAD_ARGUMENT/)
  expect(() => new RelayClient({ keyPair, times: { graceMs: day, retryMs: day / 24 } })).not.toThrow()
})

test.each<[string, object]>([
  ['a record that goes where no word says', { publish: 'none' }],
  ['a record that goes to yes', { publish: true }],
  ['addresses that are announced in one string', { listen: { announce: '192.0.2.1:1' } }],
  ['what is announced and is no string', { listen: { announce: [null] } }],
  ['a port that is too high', { listen: { port: 70_000 } }],
  ['a port below all', { listen: { port: -1 } }],
  ['half a port', { listen: { port: 1.5 } }],
  ['a host that is a number', { listen: { host: 1 } }],
  ['a firewall that is no function', { firewall: true }],
  ['relays that are null', { relays: null }],
  ['owners that are no list', { owners: {} }],
  [
    'a grant for another owner’s relays that is text',
    { owners: [{ owner: new Uint8Array(32), grant: 'text' }] }
  ]
])('%s: refused when the client is made, not when somebody comes', (_, options) => {
  const [keyPair] = twoKeyPairs()
  const make = (): RelayClient => new RelayClient({ keyPair, ...(options as Partial<RelayClientOptions>) })
  expect(make).toThrow(/^RELAY_BAD_ARGUMENT/)
})

test('a connect that throws leaves no connection behind', () => {
  const [keyPair, other] = twoKeyPairs()
  const client = new RelayClient({ keyPair })
  for (const addresses of ['127.0.0.1:1', null, 5, [1]])
    expect(() => client.connect(other.publicKey, { addresses: addresses as never })).toThrow(
      /^RELAY_BAD_ARGUMENT/
    )
  expect(client.connections.size).toBe(0)
})
