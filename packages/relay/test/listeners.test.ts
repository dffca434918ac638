import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fakeClock, testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { RelayClient } from '../src/index.ts'
import { RelayServer } from '../src/server/index.ts'
import { say, UPGRADE, webSocketFrame } from './by-hand.ts'
import { wirePair } from './memory-wire.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

const HOST = '127.0.0.1'
const EXPECTING = 'GET / HTTP/1.1\r\nhost: relay\r\nexpect: nothing\r\n\r\n'

test('who asks a WebSocket listener for anything else holds no place of strangers', async () => {
  const { relay } = await startRelay([])
  const response = await new Promise<IncomingMessage>((resolve) => {
    const agent = new Agent({ keepAlive: true })
    testCleanup().defer('stream', () => agent.destroy())
    get({ host: HOST, port: relay.ports.ws ?? 0, agent }, (response) => resolve(response.resume()))
  })
  expect(response.headers.connection).toBe('close')
})

test('who expects what no server has is let go, too', async () => {
  const { relay } = await startRelay([])
  const one = say(relay.ports.ws, 'GET / HTTP/1.1\r\nhost: relay\r\nexpect: nothing\r\n\r\n')
  await until(() => one.heard.includes('\r\n\r\n'))
  expect(one.heard.toLowerCase()).toContain('connection: close')
})

test('a load balancer may ask for the head of /health', async () => {
  const { relay } = await startRelay([], { metrics: {} })
  const { status } = await fetch(`http://${HOST}:${relay.ports.metrics}/health`, { method: 'HEAD' })
  expect(status).toBe(200)
})

test.each<[string, 'ws' | 'tcp', string, string]>([
  ['nothing', 'ws', '', ''],
  ['nothing, in empty lines,', 'ws', '\r\n', '\r\n'],
  ['for what no server has', 'ws', EXPECTING, EXPECTING],
  ['for a WebSocket, and then nothing', 'ws', `${UPGRADE}\r\n\r\n`, ''],
  ['for a WebSocket, one byte at a time,', 'ws', `${UPGRADE}\r\nx: `, 'x'],
  ['nothing over TCP', 'tcp', '', '']
])(
  'who asks %s again and again is let go once the time for a greeting is over',
  async (_, kind, first, more) => {
    const { relay } = await startRelay([], { greetingMs: 300 })
    const one = say(relay.ports[kind], first)
    const asking = setInterval(() => one.socket.write(more), 50)
    testCleanup().defer('stream', () => clearInterval(asking))
    await until(() => one.closed)
  }
)

test('a request that comes in drops is let go after ten seconds, whatever else its listener bears', async () => {
  const { relay } = await startRelay([], { metrics: {}, greetingMs: 600_000 })
  const { ws, metrics } = relay.ports
  const head = 'GET /health HTTP/1.1\r\nhost: localhost\r\n'
  const slow = [
    say(ws, `${UPGRADE}\r\nx: `),
    say(metrics, `${head}x: `),
    say(metrics, `${head}content-length: 1000\r\n\r\n`)
  ]
  const dropping = setInterval(() => slow.forEach(({ socket }) => void socket.write('x')), 100)
  testCleanup().defer('stream', () => clearInterval(dropping))
  await until(() => slow.every(({ closed }) => closed))
})

test('the time for a greeting is one, from the connection on: asking for a WebSocket late gives no more of it', async () => {
  const clock = fakeClock()
  const { relay } = await startRelay([], { now: clock.now })
  const late = say(relay.ports.ws, UPGRADE)
  // Who is answered came after it.
  const next = say(relay.ports.ws, 'GET / HTTP/1.1\r\nhost: relay\r\n\r\n')
  await until(() => next.heard.includes('426'))
  clock.advance(4_000)
  late.socket.write('\r\n\r\n')
  await until(() => relay.connections === 1)
  clock.advance(1_000)
  await until(() => late.closed)
})

test('a client that finds no room behind a proxy, and has said garbage already, ends no process', async () => {
  const { relay } = await startRelay([], {
    ws: { host: HOST, trustProxy: ['loopback'] },
    unknownPerAddress: 1
  })
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error))
  testCleanup().defer('stream', () => {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  const head = `${UPGRADE}\r\nx-forwarded-for: 203.0.113.1\r\n\r\n`
  const first = say(relay.ports.ws, head)
  await until(() => first.heard.includes('101'))
  await until(() => relay.connections === 1)
  // An opcode that does not exist, in one go with the request.
  const second = say(relay.ports.ws, Buffer.concat([Buffer.from(head), Buffer.of(0x8f, 0x80, 0, 0, 0, 0)]))
  await until(() => second.closed)
  await new Promise((resolve) => setImmediate(resolve))
  expect(thrown).toEqual([])
})

test.each<[string, string, number]>([
  ['an address', '127.0.0.1:9100', 200],
  ['an IPv6 address', '[::1]:9100', 200],
  ['localhost', 'localhost:9100', 200],
  ['a name that somebody else may have pointed here', 'rebound.evil.test', 421],
  ['a name that looks like an address', '127.0.0.1.evil.test:9100', 421]
])('on loopback it answers who asks by %s as it should', async (_, host, status) => {
  const { relay } = await startRelay([], { metrics: {} })
  for (const path of ['/status', '/metrics', '/health']) {
    const one = say(relay.ports.metrics, `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
    await until(() => one.heard.includes('\r\n'))
    expect(one.heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  }
})

test.each(['::ffff:127.0.0.1', 'LOCALHOST', '127.0.0.2'])(
  'on loopback, by whatever name (%s), it answers nobody who asks by one that may have been pointed here',
  async (host) => {
    const { relay } = await startRelay([], { metrics: { host } })
    const one = say(relay.ports.metrics, 'GET /status HTTP/1.1\r\nhost: rebound.evil.test\r\n\r\n', { host })
    await until(() => one.heard.includes('\r\n'))
    expect(one.heard).toMatch(/^HTTP\/1.1 421 /)
  }
)

test.skipIf(process.platform !== 'linux')(
  'who connects from one port to two addresses of a relay (127.0.0.2 is one on Linux) counts twice, and is let go in time',
  async () => {
    const clock = fakeClock(1_000)
    const { relay } = await startRelay([], {
      ws: { host: '0.0.0.0' },
      now: clock.now,
      unknownConnections: 2
    })
    const refused: string[] = []
    relay.on('refused', ({ code }: { code: string }) => refused.push(code))
    const { ws } = relay.ports
    const first = say(ws, '', { localAddress: HOST })
    await until(() => first.socket.localPort)
    const { localPort = 0 } = first.socket
    const second = say(ws, '', { host: '127.0.0.2', localAddress: HOST, localPort })
    await until(() => second.socket.localPort)
    const third = say(ws, `${UPGRADE}\r\n\r\n`)
    await until(() => third.closed)
    expect(refused).toEqual(['RELAY_TOO_MANY'])
    clock.advance(5_000)
    await until(() => first.closed && second.closed)
  }
)

test('a port that none can be is refused by a code, of a relay and of a device', async () => {
  const [a] = twoKeyPairs()
  const relay = new RelayServer({ keyPair: a, tcp: { port: 70_000 } })
  await expect(relay.ready()).rejects.toMatchObject({ code: 'RELAY_CANNOT_LISTEN' })
  const options = { keyPair: a, relays: [], listen: { port: 70_000 } }
  expect(() => new RelayClient(options)).toThrow(expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' }))
})

test('a relay takes the WebSockets of a server of the app’s own, and bounds them as its own', async () => {
  const [a] = twoKeyPairs()
  const { relay } = await startRelay([a], { ws: null, tcp: null })
  const server = createServer().on('upgrade', (request, socket, head) => relay.upgrade(request, socket, head))
  testCleanup().defer('network', () => void server.close())
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const { port } = server.address() as AddressInfo
  const device = await startDevice(a, {
    relays: [{ publicKey: relay.publicKey, ws: `ws://${HOST}:${port}` }]
  })
  await until(() => device.registeredAt.length === 1)
  const stranger = say(port, `${UPGRADE}\r\n\r\n`)
  await until(() => stranger.heard.includes('101'))
  for (let i = 0; i < 100; i++)
    stranger.socket.write(webSocketFrame(i === 0 ? 2 : 0, false, Uint8Array.of(0)))
  await until(() => stranger.closed)
})

test('a relay closes, though somebody has connected to each of its listeners and says nothing', async () => {
  const { relay } = await startRelay([], { metrics: {}, greetingMs: 600_000 })
  const { tcp, ws, metrics } = relay.ports
  const silent = [say(tcp, ''), say(ws, ''), say(metrics, 'GET /health HTTP/1.1\r\nhost: localhost\r\n')]
  await until(() => relay.connections === 1)
  // Who is answered came after them.
  const next = [say(ws, 'GET / HTTP/1.1\r\nhost: relay\r\n\r\n'), say(metrics, 'GET / HTTP/1.1\r\n\r\n')]
  await until(() => next.every(({ heard }) => heard.includes('\r\n')))
  await relay.close()
  await until(() => silent.every(({ closed }) => closed))
})

test('a relay that is closed takes nobody any more', async () => {
  const { relay } = await startRelay([])
  await relay.close()
  const [near, far] = wirePair()
  let isClosed = false
  near.start({ onbytes: () => {}, ondrain: () => {}, onclose: () => (isClosed = true) })
  relay.accept(far)
  await until(() => isClosed)
  expect(relay.connections).toBe(0)
})
