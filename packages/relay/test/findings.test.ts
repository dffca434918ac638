import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { fakeClock, testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { EXIT } from '../src/cli/program.ts'
import { createGrant, DeviceRecord, RelayClient, ReplicaSet } from '../src/index.ts'
import { TIMES } from '../src/client/options.ts'
import { RelayLink } from '../src/paths/relay-link.ts'
import { LEAST_BYTES_PER_SECOND } from '../src/policy/grant.ts'
import { type ControlMessage, decodeControl, encodeControl, encodeWelcome } from '../src/protocol/control.ts'
import { frame, FRAME, FrameReader } from '../src/protocol/frames.ts'
import { ControlCipher, Handshake } from '../src/protocol/handshake.ts'
import { FleetMember } from '../src/replicas/fleet-member.ts'
import { type Lease, RelayPolicy, RelayServer } from '../src/server/index.ts'
import type { Wire, WireEvents } from '../src/wires/wire.ts'
import { greet } from './links.ts'
import { listening } from './listening.ts'
import { startProgram } from './program.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startFleet } from './replicas/fleet.ts'

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')
const HOST = '127.0.0.1'

afterEach(() => vi.useRealTimers())

test('101: an older set that another replica says is not handed to the app to be kept', async () => {
  const [owner, self] = twoKeyPairs()
  const [liar, removed] = twoKeyPairs()
  const setOf = (seq: number, port: number, keys: KeyPair[]): ReplicaSet =>
    ReplicaSet.sign(
      keys.map(({ publicKey: key }) => ({ key, addresses: [`tcp://${HOST}:${port}`] })),
      seq,
      owner
    )
  let old: Uint8Array = new Uint8Array(0)
  const heard: unknown[] = []
  const { port } = await listening((socket) =>
    sayAsReplica(socket, liar, () => {
      heard.push(1)
      return [
        { type: 'set', record: old },
        { type: 'set', record: old }
      ]
    })
  )
  old = setOf(1, port, [self, liar, removed]).bytes
  const kept: number[] = []
  const relay = new RelayServer({
    keyPair: self,
    allow: [],
    tcp: { host: HOST },
    replicas: {
      owner: owner.publicKey,
      set: setOf(2, port, [self, liar]).bytes,
      intervalMs: 100,
      onset: (bytes) => kept.push(ReplicaSet.open(bytes, owner.publicKey).seq)
    }
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  // The second time it asks, what was said the first time has been heard.
  await until(() => heard.length >= 2)
  expect(kept).toEqual([])
})

test('102: a replica whose address has changed in a newer set is asked for its beats there', async () => {
  const [owner, self, other] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const knocks = { old: 0, new: 0 }
  const before = await listening((socket) => {
    knocks.old++
    socket.destroy()
  })
  const after = await listening(() => knocks.new++)
  const setOf = (seq: number, port: number): Uint8Array =>
    ReplicaSet.sign(
      [
        { key: self.publicKey, addresses: [`tcp://${HOST}:1`] },
        { key: other.publicKey, addresses: [`tcp://${HOST}:${port}`] }
      ],
      seq,
      owner
    ).bytes
  const relay = new RelayServer({
    keyPair: self,
    tcp: { host: HOST },
    replicas: { owner: owner.publicKey, set: setOf(1, before.port), intervalMs: 100 }
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  await until(() => knocks.old === 1)
  relay.useReplicas(setOf(2, after.port))
  // The next one, a second later, should be at the new address.
  await until(() => knocks.old > 1 || knocks.new > 0)
  expect(knocks).toEqual({ old: 1, new: 1 })
})

test('103: a set that names a key that is no point leaves no relay half open', async () => {
  const [owner, self] = [crypto.keyPair(), crypto.keyPair()]
  const none = noPoint()
  const sign = (): ReplicaSet =>
    ReplicaSet.sign(
      [
        { key: self.publicKey, addresses: [`tcp://${HOST}:1`] },
        { key: none, addresses: [`tcp://${HOST}:1`] }
      ],
      1,
      owner
    )
  const relay = new RelayServer({
    keyPair: self,
    tcp: { host: HOST },
    replicas: { owner: owner.publicKey, set: sign().bytes, intervalMs: 100 }
  })
  const outcome = await relay.ready().then(
    () => 'open',
    () => 'failed'
  )
  const port = relay.ports.tcp ?? 0
  const isHeard = await knock(port)
  await relay.close()
  expect([outcome, isHeard]).not.toEqual(['failed', true])
})

test('104: a load that grows slowly is said once it differs by 0.1 from what was said last', () => {
  vi.useFakeTimers()
  const [owner, self] = [crypto.keyPair(), crypto.keyPair()]
  let connections = 0
  const said: boolean[] = []
  const set = ReplicaSet.sign([{ key: self.publicKey, addresses: [] }], 1, owner).bytes
  const member = new FleetMember(
    { owner: owner.publicKey, set, intervalMs: 100 },
    {
      keyPair: self,
      now: () => Date.now(),
      connections: () => connections,
      maxConnections: 100,
      admit: () => {},
      dismiss: () => {},
      tell: (_, isOwn) => said.push(isOwn),
      tellSet: () => {}
    }
  )
  member.start()
  for (; connections < 95; connections += 5) vi.advanceTimersByTime(100)
  member.close()
  expect(said.length).toBeGreaterThan(0)
})

test('105: a device that pings is not told again what it was told already', async () => {
  const [a] = twoKeyPairs()
  const { relays } = await startFleet(3, [a])
  await until(() => relays.every((relay) => relay.replicas.every(({ state }) => state === 'alive')))
  const [relay] = relays as [RelayServer]
  const beats: string[] = []
  let pongs = 0
  const [near, far] = wirePair()
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: relay.publicKey, grant: null },
    {
      onwelcome: () => link.register(30_000),
      onpong: () => pongs++,
      onbeat: (record) => beats.push(hex(record)),
      onclose: () => {}
    }
  )
  relay.accept(far)
  await until(() => beats.length >= 3)
  beats.length = 0
  for (let i = 0; i < 100; i++) link.ping()
  await until(() => pongs === 100)
  expect(beats.length).toBe(new Set(beats).size)
})

test('106: a registered device that does not read costs less than 1 MiB, however much its relays have to say', async () => {
  const [a] = twoKeyPairs()
  const [owner, self] = [crypto.keyPair(), crypto.keyPair()]
  const addresses = Array.from({ length: 3 }, (_, i) => `wss://relay.example/${'x'.repeat(220)}${i}`)
  const setOf = (seq: number): Uint8Array =>
    ReplicaSet.sign([{ key: self.publicKey, addresses }], seq, owner).bytes
  const { relay } = await startRelay([a], {
    keyPair: self,
    replicas: { owner: owner.publicKey, set: setOf(1) }
  })
  const [near, far] = wirePair()
  let isRegistered = false
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: relay.publicKey, grant: null },
    {
      onwelcome: () => link.register(3_600_000, { setSeq: 1 }),
      onregistered: () => (isRegistered = true),
      onclose: () => {}
    }
  )
  relay.accept(far)
  await until(() => isRegistered)
  far.stalled = true
  for (let seq = 2; seq < 2_000; seq++) relay.useReplicas(setOf(seq))
  expect(far.backlogBytes).toBeLessThan(1024 * 1024)
})

test('107: a device that was revoked is not looked up any more', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const record = DeviceRecord.sign(
    { seq: 1, expiresAt: Date.now() + 60_000, relays: [relay.publicKey], set: null },
    b
  )
  const found: number[] = []
  const bob = greet(address, b, (link) => link.register(30_000))
  await until(() => bob.seen.includes('registered'))
  bob.link.publish(record.bytes)
  bob.link.ping()
  await until(() => bob.seen.includes('pong'))
  const alice = greet(address, a, (link) => link.register(30_000))
  alice.onfound = (_, bytes) => found.push(bytes.length)
  await until(() => alice.seen.includes('registered'))
  alice.link.lookup(b.publicKey)
  await until(() => found.length === 1)
  expect(found[0]).toBe(record.bytes.length)
  relay.policy.revoke(b.publicKey)
  alice.link.lookup(b.publicKey)
  await until(() => found.length === 2)
  expect(found[1]).toBe(0)
})

test('108: a device whose clock was ahead once can say where it is', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const year = 365 * 86_400_000
  const recordAt = (now: number): Uint8Array =>
    DeviceRecord.sign({ seq: now, expiresAt: now + 3_600_000, relays: [relay.publicKey], set: null }, a).bytes
  const say = async (record: Uint8Array): Promise<string> => {
    const device = greet(address, a, (link) => link.register(30_000))
    await until(() => device.seen.includes('registered'))
    device.link.publish(record)
    const found = new Promise<string>((resolve) => {
      device.onfound = (_, bytes) => resolve(hex(bytes))
    })
    device.link.lookup(a.publicKey)
    const seen = await found
    device.wire.destroy()
    return seen
  }
  await say(recordAt(Date.now() + year))
  const now = recordAt(Date.now())
  expect(await say(now)).toBe(hex(now))
})

test('109: a device that may only open leaves no record', async () => {
  const [owner, a] = twoKeyPairs()
  const b = crypto.keyPair()
  const { relay, address } = await startRelay([b], { issuers: [owner.publicKey] })
  const grant = createGrant(owner, { device: a.publicKey, scopes: 2, expiresAt: Date.now() + 60_000 })
  const bob = greet(address, b, (link) => link.register(30_000))
  await until(() => bob.seen.includes('registered'))
  const alice = greet(address, a, (link) => link.open(b.publicKey), grant)
  await until(() => alice.seen.includes('opened'))
  const record = DeviceRecord.sign(
    { seq: 1, expiresAt: Date.now() + 60_000, relays: [relay.publicKey], set: null },
    a
  )
  alice.link.publish(record.bytes)
  alice.link.ping()
  await until(() => alice.ended ?? alice.seen.includes('pong'))
  const found = new Promise<number>((resolve) => {
    bob.onfound = (_, bytes) => resolve(bytes.length)
  })
  bob.link.lookup(a.publicKey)
  expect(await found).toBe(0)
})

test('110: a device that its relay was told to serve is served, also when it leaves the set of replicas', async () => {
  const [owner, self, both] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const setOf = (seq: number, keys: KeyPair[]): Uint8Array =>
    ReplicaSet.sign(
      keys.map(({ publicKey: key }) => ({ key, addresses: [] })),
      seq,
      owner
    ).bytes
  const { relay, address } = await startRelay([both], {
    keyPair: self,
    replicas: { owner: owner.publicKey, set: setOf(1, [self, both]) }
  })
  relay.useReplicas(setOf(2, [self]))
  const link = greet(address, both, (one) => one.register(30_000))
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.ended).toBe(null)
})

test('111: a replica may watch the others, and nothing else', async () => {
  const [owner, self, other] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const set = ReplicaSet.sign(
    [self, other].map(({ publicKey: key }) => ({ key, addresses: [] })),
    1,
    owner
  ).bytes
  const { address } = await startRelay([], { keyPair: self, replicas: { owner: owner.publicKey, set } })
  const link = greet(address, other, (one) => one.register(30_000))
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.seen).not.toContain('registered')
})

test('112: a device that insists is not sent on', async () => {
  const [a] = twoKeyPairs()
  const elsewhere = crypto.keyPair().publicKey
  const { relays } = await startFleet(1, [a], () => ({ redirect: () => elsewhere }))
  const [relay] = relays as [RelayServer]
  const address = { publicKey: relay.publicKey, tcp: { host: HOST, port: relay.ports.tcp ?? 0 } }
  const link = greet(address, a, (one) => one.register(30_000, { insists: true }))
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.ended).toBe(null)
})

test('113: new records of one device do not cost a signature check each', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const device = greet(address, a, (link) => link.register(30_000))
  await until(() => device.seen.includes('registered'))
  const records = Array.from(
    { length: 500 },
    (_, i) =>
      DeviceRecord.sign(
        { seq: i + 1, expiresAt: Date.now() + 60_000, relays: [relay.publicKey], set: null },
        a
      ).bytes
  )
  const verify = vi.spyOn(crypto, 'verify')
  for (const record of records) device.link.publish(record)
  device.link.ping()
  await until(() => device.ended ?? device.seen.includes('pong'))
  const checks = verify.mock.calls.length
  verify.mockRestore()
  expect(checks).toBeLessThan(100)
})

test('115: a device whose set of replicas names a key that is no point registers at the others', async () => {
  const [owner, a] = twoKeyPairs()
  const self = crypto.keyPair()
  const { address } = await startRelay([a], { keyPair: self })
  const addresses = [`tcp://${HOST}:${address.tcp?.port}`]
  const set = ReplicaSet.sign(
    [self.publicKey, noPoint()].map((key) => ({ key, addresses })),
    1,
    owner
  )
  const device = new RelayClient({ keyPair: a, replicas: { owner: owner.publicKey, set: set.bytes } })
  testCleanup().defer('swarm', () => device.close())
  await expect(device.ready()).resolves.toBeUndefined()
  await until(() => device.registeredAt.length === 1)
})

test('116: who asks a WebSocket listener for anything else holds no place of strangers', async () => {
  const { relay } = await startRelay([])
  const response = await new Promise<IncomingMessage>((resolve) => {
    const agent = new Agent({ keepAlive: true })
    testCleanup().defer('stream', () => agent.destroy())
    get({ host: HOST, port: relay.ports.ws ?? 0, agent }, (response) => resolve(response.resume()))
  })
  expect(response.headers.connection).toBe('close')
})

test('117: a relay that says `opened` to who has opened nothing breaks the protocol, and its data is not kept', async () => {
  const [a, self] = twoKeyPairs()
  const [near, far] = wirePair()
  const ended: (string | null)[] = []
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: self.publicKey, grant: null },
    {
      onwelcome: () => link.register(30_000),
      onclose: ({ code }) => ended.push(code)
    }
  )
  sayAsRelay(far, self, ({ type }) =>
    type === 'register' ? [{ type: 'registered' }, { type: 'opened' }] : []
  )
  await new Promise((resolve) => setImmediate(resolve))
  far.write(frame(FRAME.DATA, new Uint8Array(60_000)))
  await new Promise((resolve) => setImmediate(resolve))
  expect(ended).toEqual(['RELAY_PROTOCOL'])
})

test('118: a replica that says `opened` to who watches it, and closes, is watched again', async () => {
  const [owner, self, liar] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  let knocks = 0
  let closed = 0
  const { port } = await listening((socket) => {
    knocks++
    sayAsRelay(socket, liar, ({ type }) => {
      if (type !== 'watch') return []
      setImmediate(() => socket.destroy(new Error('over')))
      closed++
      return knocks === 1 ? [{ type: 'opened' }] : []
    })
  })
  const set = ReplicaSet.sign(
    [self, liar].map(({ publicKey: key }) => ({ key, addresses: [`tcp://${HOST}:${port}`] })),
    1,
    owner
  ).bytes
  const relay = new RelayServer({
    keyPair: self,
    tcp: { host: HOST },
    replicas: { owner: owner.publicKey, set, intervalMs: 100 }
  })
  testCleanup().defer('network', () => relay.close())
  await relay.ready()
  await until(() => closed === 1)
  await until(() => knocks === 2, { timeoutMs: 5_000 })
}, 10_000)

test('119: a device goes on registering at a relay that said `opened` to its registration, and closed', async () => {
  const [a, liar] = twoKeyPairs()
  let knocks = 0
  const { port } = await listening((socket) => {
    knocks++
    sayAsRelay(socket, liar, ({ type }) => {
      if (type !== 'register' || knocks > 1) return []
      setImmediate(() => socket.destroy())
      return [{ type: 'registered' }, { type: 'opened' }]
    })
  })
  const relays = [{ publicKey: liar.publicKey, tcp: { host: HOST, port } }]
  await startDevice(a, { relays, times: { keepAliveMs: 100, retryMs: 50, attemptMs: 500, pongMs: 100 } })
  await until(() => knocks === 2, { timeoutMs: 5_000 })
}, 10_000)

test('120: four sessions of one device at the least rate there can be are not held up for so long that each counts as dead', () => {
  const [owner, a] = twoKeyPairs()
  const clock = fakeClock(1_000)
  const policy = new RelayPolicy(crypto.keyPair().publicKey, { issuers: [owner.publicKey], now: clock.now })
  const grant = createGrant(owner, {
    device: a.publicKey,
    bytesPerSecond: LEAST_BYTES_PER_SECOND,
    expiresAt: 3_600_000
  })
  // What a socket gives at once; it is passed on, and then the sender waits.
  const waits = Array.from({ length: 4 }, () => {
    const lease = policy.admit(a.publicKey, grant) as Lease
    return lease.spend(64 * 1024) ?? Infinity
  })
  expect(Math.max(...waits)).toBeLessThan(TIMES.deadMs)
})

test('121: an issuer that is added to the file counts from when that is read again', async () => {
  const [owner, a] = twoKeyPairs()
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const write = (issuer: string[]): Promise<void> =>
    writeFile(
      config,
      JSON.stringify({
        keyFile: join(dir, 'relay.key'),
        tcpPort: 0,
        host: HOST,
        json: true,
        allow: [hex(crypto.keyPair().publicKey)],
        issuer
      })
    )
  await write([])
  const relay = startProgram(['--config', config])
  const address = await relay.listening()
  await write([hex(owner.publicKey)])
  relay.reload()
  await until(() => relay.events().some(({ event }) => event === 'reloaded'))
  const grant = createGrant(owner, { device: a.publicKey, expiresAt: Date.now() + 60_000 })
  const link = greet(address, a, (one) => one.register(30_000), grant)
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.ended).toBe(null)
})

test('122: no set is signed that names a key that is no point', async () => {
  const dir = await tmpDir()
  const keyFile = join(dir, 'owner.key')
  await writeFile(keyFile, `${hex(crypto.randomBytes(32))}\n`)
  const replica = `${hex(noPoint())}=tcp://relay.example:4989`
  const program = startProgram(['replicas', '--owner-key-file', keyFile, '--replica', replica])
  expect([await program.exit, program.out]).toEqual([EXIT.usage, []])
})

test('123: a load balancer may ask for the head of /health', async () => {
  const { relay } = await startRelay([], { metrics: {} })
  const { status } = await fetch(`http://${HOST}:${relay.ports.metrics}/health`, { method: 'HEAD' })
  expect(status).toBe(200)
})

/** A replica that answers each ping with these messages. */
function sayAsReplica(socket: Socket, keyPair: KeyPair, answer: () => ControlMessage[]): void {
  sayAsRelay(socket, keyPair, ({ type }) => (type === 'ping' ? [{ type: 'pong' }, ...answer()] : []))
}

/** A relay that greets everybody, and then says what it likes. */
function sayAsRelay(
  wire: Socket | Wire,
  keyPair: KeyPair,
  answer: (message: ControlMessage) => ControlMessage[]
): void {
  const handshake = new Handshake('device to relay', keyPair, null)
  let cipher: ControlCipher | null = null
  const reader = new FrameReader({
    onframe: (type, body) => {
      if (type === FRAME.HELLO) {
        handshake.receive(body)
        wire.write(frame(FRAME.WELCOME, handshake.send(encodeWelcome(null))))
        const secrets = handshake.secrets()
        cipher = secrets && new ControlCipher(secrets)
        return
      }
      const message = decodeControl(cipher?.open(body) ?? new Uint8Array(0))
      for (const one of message === null ? [] : answer(message))
        wire.write(frame(FRAME.CONTROL, cipher?.seal(encodeControl(one)) as Uint8Array))
    },
    ondata: () => {},
    oninvalid: () => wire.destroy()
  })
  if ('start' in wire)
    wire.start({ onbytes: (chunk) => reader.push(chunk), ondrain: () => {}, onclose: () => {} })
  else wire.on('data', (chunk) => reader.push(chunk))
}

/** 32 bytes that are no Ed25519 public key. */
function noPoint(): Uint8Array {
  for (let i = 2; ; i++) {
    const key = Buffer.alloc(32, i)
    try {
      new Handshake('device to relay', crypto.keyPair(), key).send(new Uint8Array(0))
    } catch {
      return key
    }
  }
}

/** Whether somebody listens there. */
async function knock(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  const socket = connect(port, HOST)
  testCleanup().defer('stream', () => socket.destroy())
  return Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false)
  ]).catch(() => false)
}

interface MemoryWire extends Wire {
  backlogBytes: number
  stalled: boolean
}

/** Two ends of a wire without a network. */
function wirePair(): [MemoryWire, MemoryWire] {
  const sinks: (WireEvents | null)[] = [null, null]
  const waiting: [Uint8Array[], Uint8Array[]] = [[], []]
  const end = (me: 0 | 1): MemoryWire => {
    const other = me === 0 ? 1 : 0
    const wire: MemoryWire = {
      kind: 'tcp',
      remoteAddress: HOST,
      backlogBytes: 0,
      stalled: false,
      start(events) {
        sinks[me] = events
        for (const bytes of waiting[me].splice(0)) events.onbytes(bytes)
      },
      write(...parts) {
        const bytes = Buffer.concat(parts)
        if (wire.stalled) wire.backlogBytes += bytes.length
        else if (!sinks[other]) waiting[other].push(bytes)
        else queueMicrotask(() => sinks[other]?.onbytes(bytes))
        return true
      },
      pause() {},
      resume() {},
      end() {
        wire.destroy()
      },
      destroy() {
        for (const sink of sinks.splice(0, 2, null, null)) sink?.onclose(null)
      }
    }
    return wire
  }
  return [end(0), end(1)]
}
