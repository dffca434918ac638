import { connect, type Socket } from 'node:net'
import crypto from 'hypercore-crypto'
import { fakeClock, testCleanup, until } from '@cloudpal/test-kit'
import { expect, test, vi } from 'vitest'
import type { RelayLink } from '../src/paths/relay-link.ts'
import { frame, FRAME, MAX_DATA_BYTES } from '../src/protocol/frames.ts'
import { Handshake } from '../src/protocol/handshake.ts'
import { createGrant, SCOPE } from '../src/index.ts'
import { type Lease, RelayPolicy, type RelayServer } from '../src/server/index.ts'
import { asPath, greet } from './links.ts'
import { wirePair } from './memory-wire.ts'
import { startRelay, twoKeyPairs } from './relays.ts'

/** Whatever waits for something else waits for longer than a test. */
const NEVER_MS = 600_000

/** Codes of all refusals so far. */
function refusals(relay: RelayServer): string[] {
  const codes: string[] = []
  relay.on('refused', (why: { code: string }) => codes.push(why.code))
  return codes
}

/** A bare TCP connection, and whether it was closed. */
function bare(relay: RelayServer): { socket: Socket; closed: boolean } {
  const socket = connect(relay.ports.tcp ?? 0, '127.0.0.1')
  const state = { socket, closed: false }
  socket.on('error', () => {}).on('close', () => (state.closed = true))
  socket.resume()
  testCleanup().defer('stream', () => socket.destroy())
  return state
}

test('an unknown key is denied by the answer to its first message', async () => {
  const { relay, address } = await startRelay([])
  const seen = refusals(relay)
  const unknown = greet(address, crypto.keyPair(), () => {})
  await until(() => unknown.ended)
  expect(unknown).toMatchObject({ ended: 'RELAY_DENIED', seen: [] })
  expect(seen).toEqual(['RELAY_DENIED'])
  await until(() => relay.connections === 0)
})

test('a target that is not registered is refused, and no address can be named', async () => {
  const [a] = twoKeyPairs()
  const { address } = await startRelay([a])
  const opener = greet(address, a, (link) => link.open(crypto.keyPair().publicKey))
  await until(() => opener.ended)
  expect(opener.ended).toBe('RELAY_NOT_REGISTERED')
})

test.each<[string, Uint8Array]>([
  ['garbage', crypto.randomBytes(500).fill(255, 0, 4)],
  ['a frame of a length that none may have', Uint8Array.from([FRAME.HELLO, 0, 0, 1])],
  ['an oversized DATA frame', Uint8Array.from([FRAME.DATA, 1, 0x10, 1])],
  ['data before a greeting', frame(FRAME.DATA, new Uint8Array(10))],
  ['a greeting that is none', frame(FRAME.HELLO, new Uint8Array(97))],
  ['a truncated greeting', frame(FRAME.HELLO, new Uint8Array(5))],
  ['a control message before a greeting', frame(FRAME.CONTROL, new Uint8Array(17))],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nhost: relay\r\n\r\n')]
])('%s ends the connection with a code', async (_, bytes) => {
  const { relay } = await startRelay([])
  const seen = refusals(relay)
  const { socket } = bare(relay)
  socket.write(bytes)
  await until(() => relay.connections === 0 && seen.length > 0)
  expect(seen).toEqual(['RELAY_PROTOCOL'])
})

test('who says nothing, or speaks in drops, is let go in time', async () => {
  const clock = fakeClock(1_000)
  const { relay } = await startRelay([], { now: clock.now, greetingMs: 5_000 })
  const seen = refusals(relay)
  const [silent, slow] = [bare(relay), bare(relay)]
  const hello = frame(FRAME.HELLO, new Uint8Array(97))
  for (const byte of hello.subarray(0, 50)) {
    slow.socket.write(Uint8Array.of(byte))
    clock.advance(90)
  }
  await until(() => relay.connections === 2)
  clock.advance(5_000)
  await until(() => silent.closed && slow.closed)
  expect(seen).toEqual(['RELAY_TIMEOUT', 'RELAY_TIMEOUT'])
})

test('who says nothing is let go in time, wherever the clock of the machine is set to', async () => {
  const { relay } = await startRelay([], { greetingMs: 50 })
  const seen = refusals(relay)
  // From before it comes: it may be gone again before anybody looks.
  const clock = vi.spyOn(Date, 'now').mockReturnValue(0)
  testCleanup().defer('stream', () => clock.mockRestore())
  const silent = bare(relay)
  await until(() => silent.closed)
  expect(seen).toEqual(['RELAY_TIMEOUT'])
})

test('who was welcomed and asks for nothing is let go, and so is a registration that is silent', async () => {
  const clock = fakeClock(1_000)
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { now: clock.now })
  const idle = greet(address, a, () => {})
  const parked = greet(address, b, (link) => link.register(30_000))
  await until(() => idle.seen.length === 1 && relay.registered === 1)
  clock.advance(5_001)
  await until(() => idle.ended)
  expect(idle.ended).toBe('RELAY_TIMEOUT')
  parked.link.ping()
  await until(() => parked.seen.includes('pong'))
  clock.advance(74_000)
  expect(relay.registered).toBe(1)
  clock.advance(2_000)
  await until(() => parked.ended)
  expect([parked.ended, relay.registered]).toEqual(['RELAY_TIMEOUT', 0])
})

test('connections that do not say who they are, are capped by address', async () => {
  const { relay } = await startRelay([], { unknownPerAddress: 20, greetingMs: NEVER_MS })
  const seen = refusals(relay)
  const all = Array.from({ length: 100 }, () => bare(relay))
  await until(() => all.filter(({ closed }) => closed).length === 80)
  expect(relay.connections).toBe(20)
  expect(new Set(seen)).toEqual(new Set(['RELAY_TOO_MANY']))
})

test('connections that do not say who they are, are capped in all', async () => {
  const { relay } = await startRelay([], {
    unknownConnections: 20,
    unknownPerAddress: 1_000,
    greetingMs: NEVER_MS
  })
  const seen = refusals(relay)
  const all = Array.from({ length: 100 }, () => bare(relay))
  await until(() => all.filter(({ closed }) => closed).length === 80)
  expect(relay.connections).toBe(20)
  expect(new Set(seen)).toEqual(new Set(['RELAY_TOO_MANY']))
})

test('where nobody says otherwise, 1,000 may wait to prove a key, and 100 of one address', async () => {
  const { relay } = await startRelay([])
  const from = (place: number): void => {
    const [, far] = wirePair()
    relay.accept(Object.assign(far, { remoteAddress: `192.0.2.${place}` }))
  }
  for (let i = 0; i < 101; i++) from(0)
  expect(relay.connections).toBe(100)
  for (let i = 0; i < 1_000; i++) from(1 + (i % 20))
  expect(relay.connections).toBe(1_000)
})

test('a device that speaks another version of the protocol is not served', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const seen = refusals(relay)
  for (const payload of [[0], [2], []]) {
    const { socket } = bare(relay)
    let heard = 0
    socket.on('data', ({ length }) => (heard += length))
    const handshake = new Handshake('device to relay', a, address.publicKey)
    socket.write(frame(FRAME.HELLO, handshake.send(Uint8Array.from(payload))))
    await until(() => relay.connections === 0 && seen.length > 0)
    expect([seen.splice(0), heard]).toEqual([['RELAY_PROTOCOL'], 0])
  }
})

test('who was welcomed, and does not say first what it wants, breaks the protocol', async () => {
  const [a] = twoKeyPairs()
  const { address } = await startRelay([a])
  const first = [
    (link: RelayLink) => link.ping(),
    (link: RelayLink) => link.lookup(a.publicKey),
    (link: RelayLink) => link.publish(new Uint8Array(149)),
    (link: RelayLink) => link.send([new Uint8Array(10)])
  ]
  for (const say of first) {
    const one = greet(address, a, say)
    await until(() => one.ended)
    expect([one.ended, one.seen]).toEqual(['RELAY_PROTOCOL', ['welcome']])
  }
})

test('a flood of one device’s connections is capped, and leaves room for others', async () => {
  const [a, b] = twoKeyPairs()
  const c = crypto.keyPair()
  const limits = { connections: 16 }
  const { relay, address } = await startRelay([a, b, c], {
    limits,
    unknownPerAddress: 1_000,
    greetingMs: NEVER_MS,
    reparkMs: NEVER_MS
  })
  const target = greet(address, b, (link) => link.register(30_000))
  await until(() => target.seen.includes('registered'))
  const flood = Array.from({ length: 300 }, () => greet(address, a, (link) => link.open(b.publicKey)))
  await until(() => flood.filter(({ ended }) => ended === 'RELAY_TOO_MANY').length === 284)
  expect(relay.policy.connections).toBe(17)
  const parked = greet(address, c, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
})

test('those who wait for one target are capped for each device, however many connections it may have', async () => {
  const [a, b] = twoKeyPairs()
  const limits = { connections: 100, pairings: 8 }
  const { relay, address } = await startRelay([a, b], { limits, reparkMs: NEVER_MS })
  const target = greet(address, b, (link) => link.register(30_000))
  await until(() => target.seen.includes('registered'))
  // The first takes the registration; the others wait for the target to come back.
  const openers = Array.from({ length: 50 }, () => greet(address, a, (link) => link.open(b.publicKey)))
  await until(() => openers.filter(({ ended }) => ended === 'RELAY_TOO_MANY').length === 41)
  expect(openers.filter(({ seen }) => seen.includes('opened'))).toHaveLength(1)
  expect(relay.policy.connections).toBe(10)
})

test('50,000 pairings that one device asks for hold 64 places', () => {
  const [a] = twoKeyPairs()
  const policy = new RelayPolicy(a.publicKey, { allow: [a.publicKey] })
  const lease = policy.admit(a.publicKey) as Lease
  const refused = Array.from({ length: 50_000 }, () => lease.hold('pairings')).filter(Boolean)
  expect(refused).toHaveLength(50_000 - 64)
})

test('a grant that was copied is of no use to another device, and one that lacks a scope not for that', async () => {
  const [owner, a] = twoKeyPairs()
  const { address } = await startRelay([], { issuers: [owner.publicKey] })
  const expiresAt = Date.now() + 60_000
  const grant = createGrant(owner, { device: a.publicKey, scopes: SCOPE.REGISTER, expiresAt })
  const thief = greet(address, crypto.keyPair(), () => {}, grant)
  const opener = greet(address, a, (link) => link.open(owner.publicKey), grant)
  await until(() => thief.ended && opener.ended)
  expect([thief.ended, opener.ended]).toEqual(['RELAY_GRANT_NOT_YOURS', 'RELAY_NO_SCOPE'])
})

test('a device that is revoked in mid-stream is cut off, and told why; so is one whose quota is spent', async () => {
  const [owner, a] = twoKeyPairs()
  const b = crypto.keyPair()
  const { relay, address } = await startRelay([b], { issuers: [owner.publicKey] })
  for (const code of ['RELAY_QUOTA', 'RELAY_REVOKED']) {
    const expiresAt = Date.now() + 60_000
    const grant = createGrant(owner, { device: a.publicKey, quotaBytes: 500_000, expiresAt })
    const target = greet(address, b, (link) => link.register(30_000))
    await until(() => relay.registered === 1)
    const opener = greet(address, a, (link) => link.open(b.publicKey), grant)
    await until(() => opener.seen.includes('opened') && target.seen.includes('incoming'))
    const [near, far] = [asPath(opener), asPath(target)]
    for (let i = 0; i < 7; i++) opener.link.send([new Uint8Array(MAX_DATA_BYTES)])
    await until(() => far.messages.length === 7)
    if (code === 'RELAY_QUOTA') opener.link.send([new Uint8Array(MAX_DATA_BYTES)])
    else relay.policy.revoke(a.publicKey)
    await until(() => near.ended && far.ended)
    expect(near.ended).toBe(code)
    expect(far.messages).toHaveLength(7)
    expect(relay.sessions).toBe(0)
  }
})

test('a device that does not read costs the relay less than 1 MiB, and slows down nobody else', async () => {
  const [a, b] = twoKeyPairs()
  const [c, d] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b, c, d])
  const target = greet(address, b, (link) => link.register(30_000))
  const other = greet(address, d, (link) => link.register(30_000))
  await until(() => relay.registered === 2)
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  const another = greet(address, c, (link) => link.open(d.publicKey))
  await until(() => opener.seen.includes('opened') && another.seen.includes('opened'))
  target.wire.pause()
  asPath(opener)
  const stalled = (): boolean => opener.wire.backlogBytes > 4_000_000
  for (let i = 0; i < 200; i++) opener.link.send([new Uint8Array(MAX_DATA_BYTES)])
  await until(stalled)
  const others = asPath(other)
  for (let i = 0; i < 100; i++) another.link.send([new Uint8Array(MAX_DATA_BYTES)])
  await until(() => others.messages.length === 100)
  expect(stalled()).toBe(true)
  expect(relay.heldBytes).toBeLessThan(1024 * 1024)
  expect(relay.heldBytes).toBeGreaterThan(0)
})

test('connections that were refused and are still there count for the device', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { limits: { connections: 4 }, greetingMs: NEVER_MS })
  for (let i = 0; i < 40; i++) {
    const nowhere = greet(address, a, (link) => {
      link.open(crypto.keyPair().publicKey)
      nowhere.wire.pause()
    })
    await until(() => nowhere.ended ?? nowhere.seen.includes('welcome'))
  }
  expect(relay.connections).toBeLessThanOrEqual(4)
})

test('one address that greets again and again and proves nothing is not answered without end; who proves a key is', async () => {
  const clock = fakeClock(1_000)
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { now: clock.now, unknownPerAddress: 30 })
  let answered = 0
  const greetAll = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const stranger = greet(address, crypto.keyPair(), () => {})
      await until(() => stranger.ended)
      if (stranger.ended === 'RELAY_DENIED') answered++
    }
  }
  const meet = async (): Promise<boolean> => {
    const known = greet(address, a, (link) => link.register(30_000))
    await until(() => known.ended ?? known.seen.includes('registered'))
    known.wire.destroy()
    return known.ended === null
  }
  for (let i = 0; i < 50; i++) expect(await meet()).toBe(true)
  await greetAll()
  expect(answered).toBe(30)
  clock.advance(1_000)
  await greetAll()
  expect(answered).toBe(50)
  clock.advance(50)
  expect(await meet()).toBe(true)
  expect(relay.registered).toBeLessThan(2)
})

test('a grant’s rate holds for its device, also where the other one has opened', async () => {
  const [a, b] = twoKeyPairs()
  const owner = crypto.keyPair()
  const clock = fakeClock(1_000)
  const { address } = await startRelay([b], { issuers: [owner.publicKey], now: clock.now })
  const bytesPerSecond = 65_536
  const grant = createGrant(owner, { device: a.publicKey, expiresAt: 3_600_000, bytesPerSecond })
  const limited = greet(address, a, (link) => link.register(30_000), grant)
  await until(() => limited.seen.includes('registered'))
  // As a device does that was reached, and whose path has failed: it calls.
  const opener = greet(address, b, (link) => link.open(a.publicKey))
  await until(() => opener.seen.includes('opened') && limited.seen.includes('incoming'))
  const path = asPath(opener)
  for (let i = 0; i < 64; i++) limited.link.send([new Uint8Array(64 * 1024)])
  const arrived = (): number => path.messages.reduce((sum, { length }) => sum + length, 0)
  for (let i = 0; i < 2_000 && arrived() < 4 * 1024 * 1024; i++)
    await new Promise((resolve) => setImmediate(resolve))
  // The clock stands still: one second's worth, and what was read at once.
  expect(arrived()).toBeLessThan(1024 * 1024)
})
