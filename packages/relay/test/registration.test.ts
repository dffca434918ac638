import crypto from 'hypercore-crypto'
import { fakeClock, testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { dialRelayWire } from '../src/addresses/dial-relay-wire.ts'
import { KnownReplicas } from '../src/client/known-replicas.ts'
import { TIMES } from '../src/client/options.ts'
import { Registration } from '../src/client/registration.ts'
import { type RelayAddress, RelayClient, ReplicaSet } from '../src/index.ts'
import { RelayLink } from '../src/paths/relay-link.ts'
import { encodeControl, encodeWelcome } from '../src/protocol/control.ts'
import { frame, FRAME, FrameReader } from '../src/protocol/frames.ts'
import { ControlCipher, Handshake } from '../src/protocol/handshake.ts'
import { greet } from './links.ts'
import { listening } from './listening.ts'
import { sayAsRelay } from './lying.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'

test('a relay that announces visitors who say nothing does not make a device dial without a pause', async () => {
  const relay = crypto.keyPair()
  let dials = 0
  const liar = await listening((socket) => {
    dials++
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
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }]
  const device = await startDevice(crypto.keyPair(), { relays, times: { retryMs: 600_000 } })
  await until(() => dials >= 8)
  // Without a pause a dial takes a few turns.
  for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve))
  await device.close()
  expect(dials).toBe(8)
})

test('a device is reached again at once, as often as those who come prove who they are', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const alice = await startDevice(a, { relays: [address] })
  const bob = await startDevice(b, { relays: [address], times: { retryMs: 600_000 } })
  for (let i = 0; i < 20; i++) {
    await until(() => relay.registered === 2)
    const incoming = nextConnection(bob)
    expect(await alice.connect(b.publicKey).opened).toBe(true)
    ;(await incoming).destroy()
  }
})

test('one who proves who they are makes up for all who have not', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address], times: { retryMs: 600_000 } })
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 7; i++) {
      await until(() => relay.registered === 1)
      const visitor = greet(address, a, (link) => link.open(b.publicKey))
      await until(() => visitor.seen.includes('opened'))
      visitor.wire.destroy()
    }
    await until(() => relay.registered === 1)
    const alice = new RelayClient({ keyPair: a, relays: [address] })
    const incoming = nextConnection(bob)
    const connection = alice.connect(b.publicKey)
    expect(await connection.opened).toBe(true)
    await incoming
    await alice.close()
  }
})

test('visitors who go without a word cost the time of a retry, and no more', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  await startDevice(b, { relays: [address], times: { retryMs: 10 } })
  for (let i = 0; i < 12; i++) {
    await until(() => relay.registered === 1)
    const visitor = greet(address, a, (link) => link.open(b.publicKey))
    await until(() => visitor.seen.includes('opened'))
    visitor.wire.destroy()
  }
  await until(() => relay.registered === 1)
})

test('a device that pings more and more seldom says so before its relay would take it for silent', async () => {
  const relay = crypto.keyPair()
  let said = Infinity
  const { port } = await listening((socket) =>
    sayAsRelay(socket, relay, (message) => {
      if (message.type === 'register' || message.type === 'ping') said = message.keepAliveMs
      return [{ type: message.type === 'register' ? 'registered' : 'pong' }]
    })
  )
  const registration = new Registration(
    { publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port } },
    crypto.keyPair(),
    { ...TIMES, keepAliveMs: 4, maxKeepAliveMs: 32 },
    { onregistered: () => {}, onunregistered: () => {}, onincoming: () => {} }
  )
  testCleanup().defer('swarm', () => registration.close())
  let longest = 0
  await until(() => {
    longest = Math.max(longest, registration.keepAliveMs / said)
    return registration.keepAliveMs === 32 && said === 32
  })
  // PROTOCOL.md: silence of 2.5 times what was said ends it.
  expect(longest).toBeLessThanOrEqual(2.5)
})

test('a relay waits for the next ping as long as the last one has said', async () => {
  const [a, b] = twoKeyPairs()
  const clock = fakeClock(1_000)
  const { address } = await startRelay([a, b], { now: clock.now })
  const [patient, other] = [a, b].map((keyPair) => greet(address, keyPair, (link) => link.register(30_000)))
  for (const [link, ms] of [
    [patient, 100_000],
    [other, 1_000]
  ] as const) {
    await until(() => link?.seen.includes('registered'))
    link?.link.ping(ms)
    await until(() => link?.seen.includes('pong'))
  }
  clock.advance(3_000)
  await until(() => other?.ended)
  clock.advance(246_000)
  patient?.link.ping()
  await until(() => patient?.seen.filter((what) => what === 'pong').length === 2)
  clock.advance(251_000)
  await until(() => patient?.ended)
  expect([other?.ended, patient?.ended]).toEqual(['RELAY_TIMEOUT', 'RELAY_TIMEOUT'])
})

test('a relay that asks to be left alone for longer than a timer holds is not asked at once', async () => {
  const relay = crypto.keyPair()
  let dials = 0
  const liar = await listening((socket) => {
    dials++
    const refusal = { code: 'RELAY_TOO_MANY', retryAfterMs: 2 ** 32 - 1, redirect: null } as const
    sayAsRelay(socket, relay, () => [{ type: 'refused', refusal }])
    socket.on('end', () => socket.end())
  })
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: liar.port } }]
  const device = new RelayClient({ keyPair: crypto.keyPair(), relays, times: { retryMs: 1 } })
  const told = new Promise<Error>((resolve) => device.once('unregistered', (_, error) => resolve(error)))
  testCleanup().defer('swarm', () => device.close())
  await device.ready()
  expect(await told).toMatchObject({ code: 'RELAY_TOO_MANY', retryAfterMs: 2 ** 32 - 1 })
  for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve))
  expect(dials).toBe(1)
})

test('a device that is suspended before it is ready is registered once it is resumed, and not after it was closed', async () => {
  const [a] = twoKeyPairs()
  let dials = 0
  const { port } = await listening(() => dials++)
  const { publicKey } = crypto.keyPair()
  const device = new RelayClient({
    keyPair: a,
    relays: [{ publicKey, tcp: { host: '127.0.0.1', port } }]
  })
  testCleanup().defer('swarm', () => device.close())
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  device.suspend()
  await device.ready()
  await turns()
  expect(dials).toBe(0)
  device.resume()
  await until(() => dials === 1)
  device.suspend()
  await device.close()
  device.resume()
  await turns()
  expect(dials).toBe(1)
})

test.each(['relays', 'replicas'] as const)(
  'on another network %s that could not be reached are tried at once',
  async (kind) => {
    const relay = crypto.keyPair()
    const owner = crypto.keyPair()
    let isHere = false
    let dials = 0
    const { port } = await listening((socket) => {
      dials++
      if (isHere)
        sayAsRelay(socket, relay, ({ type }) => (type === 'register' ? [{ type: 'registered' }] : []))
      else socket.destroy()
    })
    const { publicKey } = relay
    const set = ReplicaSet.sign([{ key: publicKey, addresses: [`tcp://127.0.0.1:${port}`] }], 1, owner).bytes
    const options = {
      relays: { relays: [{ publicKey, tcp: { host: '127.0.0.1', port } }] },
      replicas: { replicas: { owner: owner.publicKey, set } }
    }
    const device = await startDevice(crypto.keyPair(), { ...options[kind], times: { retryMs: 600_000 } })
    await new Promise((resolve) => device.once('unregistered', resolve))
    const before = dials
    isHere = true
    device.networkChanged()
    device.networkChanged()
    await until(() => device.registeredAt.length === 1)
    expect(dials).toBe(before + 1)
  }
)

test('a relay that was reached by WebSocket only is reached by it first the next time, also as a replica', async () => {
  const [a] = twoKeyPairs()
  const owner = crypto.keyPair()
  const { relay } = await startRelay([a])
  const silent = await listening(() => {})
  const { publicKey, ports } = relay
  const [tcp, ws] = [{ host: '127.0.0.1', port: silent.port }, `ws://127.0.0.1:${ports.ws}`]
  const addresses = [`tcp://127.0.0.1:${silent.port}`, ws]
  const set = ReplicaSet.sign([{ key: publicKey, addresses }], 1, owner).bytes
  const known = new KnownReplicas({ owner: owner.publicKey, set }, () => 0)
  const fixed: RelayAddress = { publicKey: Uint8Array.from(publicKey), tcp, ws }
  for (const look of [() => [fixed], () => known.addresses([])]) {
    const kinds: string[] = []
    for (let i = 0; i < 2; i++) {
      for (const address of look()) {
        const wire = dialRelayWire(address)
        kinds.push(wire.kind)
        let welcome = (): void => {}
        const welcomed = new Promise<void>((resolve) => (welcome = resolve))
        const link = new RelayLink(
          wire,
          { keyPair: a, relay: publicKey, grant: null },
          { onwelcome: () => welcome(), onclose: () => {} }
        )
        await welcomed
        link.destroy()
      }
    }
    expect(kinds).toEqual(['tcp', 'ws'])
  }
})

test('where something else answers at the TCP port, the relay is reached over WebSocket', async () => {
  const [a] = twoKeyPairs()
  const { relay, wsAddress } = await startRelay([a])
  // A portal, or a proxy that speaks HTTP whatever it is told.
  let tries = 0
  const { port } = await listening((socket) => {
    tries++
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'))
  })
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port }, ws: wsAddress.ws ?? '' }]
  const device = await startDevice(a, { relays, times: { retryMs: 10 } })
  await until(() => device.registeredAt.length === 1 || tries >= 8)
  expect(device.registeredAt.length).toBe(1)
})

/** A relay that takes everybody in, and then answers no ping; says how many there were. */
async function startSilentRelay(): Promise<{ readonly address: RelayAddress; pings(): number }> {
  const relay = crypto.keyPair()
  let pings = 0
  const { port } = await listening((socket) =>
    sayAsRelay(socket, relay, ({ type }) => {
      if (type === 'ping') pings++
      return type === 'register' ? [{ type: 'registered' }] : []
    })
  )
  return { address: { publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port } }, pings: () => pings }
}

test('a relay that is asked while a ping is under way has no more time to answer than one that is asked at another moment', async () => {
  const { address, pings } = await startSilentRelay()
  let lost = 0
  const registration = new Registration(
    address,
    crypto.keyPair(),
    { ...TIMES, keepAliveMs: 20, maxKeepAliveMs: 20, deadMs: 50, pongMs: 600_000 },
    { onregistered: () => {}, onunregistered: () => lost++, onincoming: () => {} }
  )
  testCleanup().defer('swarm', () => registration.close())
  // The ping of its interval goes out, and the relay is dead.
  await until(() => pings() === 1)
  expect(registration.ask()).toBe(true)
  await until(() => lost === 1)
})

test('a relay that is at several addresses is registered at once, by the one that leads there, and stays', async () => {
  const [a] = twoKeyPairs()
  const { relay, address, wsAddress } = await startRelay([a])
  // At home, where the device is not now.
  const elsewhere = await listening((socket) => socket.destroy())
  const home = { ...address, tcp: { host: '127.0.0.1', port: elsewhere.port } }
  const lost: string[] = []
  const device = new RelayClient({ keyPair: a, relays: [home, address, wsAddress], times: { retryMs: 10 } })
  testCleanup().defer('swarm', () => device.close())
  device.on('unregistered', (_, { code }) => lost.push(code))
  await device.ready()
  await until(() => device.registeredAt.length === 1)
  // To be registered at twice takes a few turns.
  for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve))
  expect([relay.registered, device.registeredAt.length, lost.length]).toEqual([1, 1, 1])
})

test('a device whose network has changed asks its relays at once, and waits no longer with those that it could not reach', async () => {
  const { address, pings } = await startSilentRelay()
  let dials = 0
  const { port } = await listening((socket) => {
    dials++
    socket.destroy()
  })
  const lost = { publicKey: crypto.keyPair().publicKey, tcp: { host: '127.0.0.1', port } }
  const listeners = new Set<() => void>()
  const dht = {
    on: (_: string, fn: () => void) => listeners.add(fn),
    off: (_: string, fn: () => void) => listeners.delete(fn),
    createServer: () => ({ listen: async () => {}, close: async () => {} })
  }
  const times = { retryMs: 10_000_000 }
  const device = await startDevice(crypto.keyPair(), { relays: [address, lost], dht, times })
  const left: Uint8Array[] = []
  device.on('unregistered', (relay) => left.push(relay))
  await until(() => left.length === 1 && device.registeredAt.length === 1)
  for (const fn of listeners) fn()
  await until(() => pings() === 1 && dials === 2 && left.length === 2)
  device.networkChanged()
  await until(() => dials === 3 && left.length === 3)
  // Of what it is not registered at there is nothing to tell.
  device.suspend()
  expect(left).toEqual([lost, lost, lost, address].map(({ publicKey }) => publicKey))
  await device.close()
  expect(listeners.size).toBe(0)
})
