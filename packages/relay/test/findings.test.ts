import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { fakeClock, testCleanup, testnet, until } from '@cloudpal/test-kit'
import makeMdns from 'multicast-dns'
import { portOf } from '../src/cli/arguments.ts'
import { run } from '../src/cli/program.ts'
import { createGrant } from '../src/index.ts'
import { BootstrapNode } from '../src/bootstrap/index.ts'
import { LanDiscovery } from '../src/lan/index.ts'
import { announcementPacket } from '../src/lan/lan-packets.ts'
import { labelOf } from '../src/lan/lan-tag.ts'
import { Lease } from '../src/policy/lease.ts'
import { RelayPolicy } from '../src/policy/relay-policy.ts'
import { encodeControl, encodeWelcome } from '../src/protocol/control.ts'
import { frame, FRAME, FrameReader } from '../src/protocol/frames.ts'
import { ControlCipher, Handshake } from '../src/protocol/handshake.ts'
import { Liveness } from '../src/session/liveness.ts'
import { TIMES } from '../src/client/options.ts'
import { dialWs } from '../src/sockets/sockets-browser.ts'
import { UdpLink } from '../src/udp/udp-link.ts'
import { UdpSession } from '../src/udp/udp-session.ts'
import type { BlindRelay, SessionHooks } from '../src/udp/blind-relay-adapter.ts'
import type { RawStreamLike } from '../src/udp/dht.ts'
import { dataFrame } from './meddling.ts'
import { greet } from './links.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch } from './switch-proxy.ts'
import { dial, relayed, type TestRelay, testRelay } from './udp/udp-relay.ts'
import { keyPair } from './replicas/records.ts'

// What the numbers mean stands in the list of findings.

test('67: a path on which a device is refused is closed, whatever the other end does', async () => {
  const sockets: Socket[] = []
  let closed = 0
  // A refusal is not signed: an impostor on the local network, or a relay, can say it too.
  const impostor = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('close', () => closed++)
    socket.once('data', () => socket.write(dataFrame(Buffer.from([5, 3]))))
  })
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve))
  testCleanup().defer('network', () => {
    for (const socket of sockets) socket.destroy()
    impostor.close()
  })
  const [a, b] = twoKeyPairs()
  const alice = await startDevice(a)
  const { port } = impostor.address() as AddressInfo
  expect(await alice.connect(b.publicKey, { addresses: [`127.0.0.1:${port}`] }).opened).toBe(false)
  await alice.close()
  // Whoever closes a socket refuses what comes then.
  const chunk = dataFrame(Buffer.alloc(60_000))
  for (let i = 0; i < 50; i++) sockets[0]?.write(chunk)
  await until(() => closed === 1, { timeoutMs: 2_000, message: 'the socket of a closed client still reads' })
})

test('68: a grant that has expired takes nothing from a device on the allow-list', async () => {
  const clock = fakeClock(1_000_000)
  const owner = crypto.keyPair()
  const { plane, device, key } = await testRelay({}, { issuers: [owner.publicKey], now: clock.now })
  const one = keyPair(1).publicKey
  plane.introduce(one, createGrant(owner, { device: one, expiresAt: clock.now() + 10_000 }))
  clock.advance(20_000)
  await expect(dial(device(1), key)).resolves.toBeDefined()
})

test('69: a connection has 64 links, and not one more', () => {
  const policy = new RelayPolicy(keyPair(2).publicKey, { allow: [keyPair(1).publicKey] })
  const lease = policy.admit(keyPair(1).publicKey)
  if (!(lease instanceof Lease)) throw new Error('refused')
  let hooks: SessionHooks | null = null
  const relay = {
    accept: (_: unknown, given: SessionHooks) => {
      hooks = given
      return { unpair: () => {}, close: () => {} }
    }
  } as unknown as BlindRelay
  const connection = { remotePublicKey: null, rawStream: null, on: () => {}, destroy: () => {} }
  const leg = (): RawStreamLike => ({ connected: true, bytesReceived: 0, on: () => {}, destroy: () => {} })
  const session: UdpSession = new UdpSession(relay, connection, lease, {
    now: () => 0,
    ttlMs: 1,
    paired: (one) =>
      void new UdpLink(
        [
          { session: one, stream: leg() },
          { session: one, stream: leg() }
        ],
        1,
        () => {}
      ),
    closed: () => {}
  })
  const { onpair, onpaired } = hooks as unknown as SessionHooks
  const pair = (name: string): boolean => onpair(name)
  for (let i = 0; i < 63; i++) if (pair(`a${i}`)) onpaired(`a${i}`, leg())
  const waiting = Array.from({ length: 64 }, (_, i) => `b${i}`).filter(pair)
  for (const name of waiting) onpaired(name, leg())
  expect(session.links.size).toBeLessThanOrEqual(64)
})

test('70: a relay that drains sends a newcomer to another one', async () => {
  const [a] = twoKeyPairs()
  const next = crypto.keyPair().publicKey
  const { relay, address } = await startRelay([a], { redirect: () => next })
  await relay.drain()
  const link = greet(address, a, (one) => one.register(30_000))
  await until(() => link.ended !== null)
  expect(link.ended).toBe('RELAY_REDIRECT')
})

test('71: a relay that drains, and knows nobody else who is there, serves on', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { redirect: () => null })
  await relay.drain()
  const link = greet(address, a, (one) => one.register(30_000))
  await until(() => link.ended !== null || link.seen.includes('registered'))
  expect(link.seen).toContain('registered')
})

test('72: nothing is no port', () => {
  for (const word of ['', ' ', '0x50', '1e3']) expect(() => portOf(word)).toThrow('A port is')
})

test('73: the command line has what a relay behind a proxy needs', async () => {
  const out: string[] = []
  const say = (line: string): void => void out.push(line)
  const signal = new AbortController().signal
  await run(['serve', '--help'], { out: say, err: say, environment: {}, signal, onreload: () => {} })
  expect(out.join('\n')).toContain('--unknown-per-address')
})

test('74: an impostor that repeats a label has no more tries than one address, and hides nobody', async () => {
  const lan = new LanDiscovery({ interfaces: () => ['127.0.0.1'] })
  testCleanup().defer('network', () => lan.close())
  await lan.ready()
  const { publicKey } = keyPair(1)
  const found: number[] = []
  lan.find(publicKey, ({ port }) => found.push(port))
  const impostor = makeMdns({ interface: '127.0.0.1', bind: '0.0.0.0', reuseAddr: true })
  testCleanup().defer('network', () => impostor.destroy())
  const label = labelOf(publicKey)
  impostor.respond(announcementPacket(Array.from({ length: 16 }, (_, i) => ({ label, port: 1000 + i }))))
  await until(() => found.length > 0)
  const device = makeMdns({ interface: '127.0.0.2', bind: '0.0.0.0', reuseAddr: true })
  testCleanup().defer('network', () => device.destroy())
  device.respond(announcementPacket([{ label, port: 4000 }]))
  await until(() => found.includes(4000), { timeoutMs: 2_000, message: 'the device itself is not found' })
})

test('75: a WebSocket that a page may not open is an error of the wire, and not thrown out of a timer', () => {
  const before = (globalThis as { WebSocket?: unknown }).WebSocket
  testCleanup().defer('stream', () => void Object.assign(globalThis, { WebSocket: before }))
  function Refusing(): never {
    throw new DOMException('An insecure WebSocket connection may not be initiated', 'SecurityError')
  }
  Object.assign(globalThis, { WebSocket: Refusing })
  expect(() => dialWs('ws://relay.example/')).not.toThrow(DOMException)
})

test('76: a bootstrap node does nothing before it is asked to', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  taken.close()
  // Never opened: nobody has to close it.
  const node = new BootstrapNode({ host: '127.0.0.1', port, bindHost: '127.0.0.1' })
  testCleanup().defer('network', () => node.close())
  await until(() => isBound(port), { timeoutMs: 500 }).catch(() => {})
  expect(await isBound(port)).toBe(false)
})

/** Whether somebody listens at this UDP port. */
async function isBound(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.once('error', () => resolve(true))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(false)))
  })
}

test('77: where a relay has died, the next one does not wait for every address that was ever named', async () => {
  const [a, b] = twoKeyPairs()
  const [first, second] = [await startRelay([a, b]), await startRelay([a, b])]
  const [one, two] = [
    await startSwitch(first.relay.ports.tcp ?? 0),
    await startSwitch(second.relay.ports.tcp ?? 0)
  ]
  one.on = two.on = true
  const relays = [one, two].map(({ port }, i) => ({
    publicKey: [first, second][i]?.relay.publicKey ?? b.publicKey,
    tcp: { host: '127.0.0.1', port }
  }))
  const other = await startDevice(b, { relays })
  // Addresses of another network: they swallow what is sent there.
  const dialled: number[] = []
  const addresses = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const hole = createServer((socket) => {
        dialled.push(i)
        socket.on('error', () => {})
      })
      testCleanup().defer('network', () => void hole.close())
      await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve))
      return `127.0.0.1:${(hole.address() as AddressInfo).port}`
    })
  )
  const alice = await startDevice(a, { relays, times: { staggerMs: 40, retryMs: 60_000 } })
  await until(() => other.registeredAt.length === 2)
  const connection = alice.connect(b.publicKey, { addresses })
  await connection.opened
  await until(() => dialled.length === 2 * addresses.length)
  dialled.length = 0
  one.on = false
  first.relay.close().catch(() => {})
  await until(() => connection.path?.relay === relays[1]?.publicKey)
  expect(dialled.length).toBeLessThan(4)
})

test('78: a drain waits for what goes over UDP too', async () => {
  const network = await testnet()
  const devices = [keyPair(1), keyPair(2)]
  const { relay } = await startRelay(devices, { dht: network.createNode(), drainMs: 60_000 })
  const device = (n: number): ReturnType<TestRelay['device']> => network.createNode({ keyPair: keyPair(n) })
  await relayed({ key: relay.publicKey, device } as TestRelay)
  expect(relay.udp?.links).toBe(1)
  const gone = relay.drain().then(() => 'over')
  const turn = new Promise<string>((resolve) => setImmediate(() => resolve('waits')))
  expect(await Promise.race([gone, turn])).toBe('waits')
})

test('80: a device that can dial notices within three seconds that an idle path is dead', () => {
  const liveness = new Liveness(TIMES, 0)
  let now = 0
  while (liveness.tick(now, true) !== 'dead') now += TIMES.probeMs / 2
  expect(now).toBeLessThan(3_000)
})

test('82: a relay that announces visitors who say nothing does not make a device dial without a pause', async () => {
  const relay = crypto.keyPair()
  let dials = 0
  const liar = createServer((socket) => {
    dials++
    socket.on('error', () => {})
    testCleanup().defer('stream', () => void socket.destroy())
    const noise = new Handshake('device to relay', relay, null)
    const reader = new FrameReader({
      ondata: () => {},
      oninvalid: () => {},
      onframe: (type, body) => {
        if (type !== FRAME.HELLO || noise.receive(body) === null) return
        socket.write(frame(FRAME.WELCOME, noise.send(encodeWelcome(null))))
        const secrets = noise.secrets()
        if (secrets === null) return
        const cipher = new ControlCipher(secrets)
        for (const message of [{ type: 'registered' }, { type: 'incoming', from: relay.publicKey }] as const)
          socket.write(frame(FRAME.CONTROL, cipher.seal(encodeControl(message))))
      }
    })
    socket.on('data', (chunk) => reader.push(chunk))
  })
  testCleanup().defer('network', () => void liar.close())
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve))
  const { port } = liar.address() as AddressInfo
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port } }]
  const device = await startDevice(crypto.keyPair(), { relays, times: { retryMs: 60_000 } })
  await until(() => dials > 20, { timeoutMs: 1_000 }).catch(() => {})
  await device.close()
  expect(dials).toBeLessThanOrEqual(3)
})
