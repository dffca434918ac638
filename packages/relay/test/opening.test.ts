import { connect } from 'node:net'
import { testCleanup, until } from '@cloudpal/test-kit'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { ReplicaSet } from '../src/index.ts'
import { type DhtLike, RelayPolicy, RelayServer, UdpPlane } from '../src/server/index.ts'
import { listening } from './listening.ts'
import { greet } from './links.ts'
import { startRelay } from './relays.ts'
import { freePorts } from './free-port.ts'

const HOST = '127.0.0.1'

/** A node of a DHT whose server listens when it is told to, or fails to. */
function slowDht(): { dht: DhtLike; listen(): void; fail(): void; closed: boolean } {
  const state = { dht: null as unknown as DhtLike, listen: () => {}, fail: () => {}, closed: false }
  const listening = new Promise<void>((resolve, reject) => {
    state.listen = resolve
    state.fail = () => reject(new Error('no network'))
  })
  const server = { listen: () => listening, close: async () => void (state.closed = true) }
  state.dht = { createServer: () => server } as unknown as DhtLike
  return state
}

test('a relay whose DHT does not answer serves, says how it is to the owner’s others, and lets go who is silent', async () => {
  const owner = crypto.keyPair()
  const [one, two, a] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()] as [KeyPair, KeyPair, KeyPair]
  const ports = await freePorts(2)
  const members = [one, two].map(({ publicKey: key }, i) => ({
    key,
    addresses: [`tcp://${HOST}:${ports[i]}`]
  }))
  const replicas = {
    owner: owner.publicKey,
    set: ReplicaSet.sign(members, 1, owner).bytes,
    intervalMs: 100
  }
  const { relay } = await startRelay([], { keyPair: one, tcp: { host: HOST, port: ports[0] ?? 0 }, replicas })
  const slow = slowDht()
  const tcp = { host: HOST, port: ports[1] ?? 0 }
  const allow = [a.publicKey]
  const waiting = new RelayServer({ keyPair: two, allow, tcp, greetingMs: 300, dht: slow.dht, replicas })
  await waiting.ready()
  expect([waiting.healthy, waiting.udp?.listening]).toEqual([true, false])
  const parked = greet({ publicKey: two.publicKey, tcp }, a, (link) =>
    link.register(30_000, { insists: true })
  )
  await until(() => parked.ended ?? parked.seen.includes('registered'))
  await until(() => relay.replicas[0]?.state === 'alive')
  await until(() => waiting.replicas[0]?.state === 'alive')
  const silent = connect(tcp.port, HOST)
  testCleanup().defer('stream', () => silent.destroy())
  let isGone = false
  silent.on('close', () => (isGone = true)).on('error', () => {})
  await until(() => isGone)
  await waiting.close()
  expect(slow.closed).toBe(true)
})

test('a relay says when it is reached over UDP, and when it cannot be', async () => {
  for (const fails of [false, true]) {
    const slow = slowDht()
    const relay = new RelayServer({ keyPair: crypto.keyPair(), tcp: { host: HOST }, dht: slow.dht })
    testCleanup().defer('network', () => relay.close())
    const said: string[] = []
    relay.on('udp-listening', () => said.push('listening'))
    relay.on('listen-failed', ({ message }: Error) => said.push(message))
    await relay.ready()
    if (fails) slow.fail()
    else slow.listen()
    await until(() => said.length > 0)
    expect(said).toEqual([fails ? 'no network' : 'listening'])
    expect([relay.healthy, relay.udp?.listening]).toEqual([true, !fails])
  }
})

test('a relay that cannot listen leaves nothing behind', async () => {
  const { port } = await listening(() => {})
  const slow = slowDht()
  const taken = new RelayServer({ keyPair: crypto.keyPair(), tcp: { host: HOST, port }, dht: slow.dht })
  await expect(taken.ready()).rejects.toMatchObject({ code: 'RELAY_CANNOT_LISTEN' })
  expect(slow.closed).toBe(true)
})

test('a UDP plane that cannot listen closes what it had begun', async () => {
  const slow = slowDht()
  const keyPair = crypto.keyPair()
  const plane = new UdpPlane(slow.dht, new RelayPolicy(keyPair.publicKey), { keyPair })
  slow.fail()
  await expect(plane.ready()).rejects.toThrow('no network')
  expect(slow.closed).toBe(true)
})

test.each([
  'unknownConnections',
  'unknownPerAddress',
  'greetingMs',
  'idleMs',
  'stalledMs',
  'drainMs',
  'reparkMs'
])('%s that is no number is refused, as the limits are', (name) => {
  for (const value of [Number.NaN, -1, '5'])
    expect(() => new RelayServer({ keyPair: crypto.keyPair(), allow: [], [name]: value })).toThrow(
      /^RELAY_BAD_ARGUMENT/
    )
})
