import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { fakeClock, testCleanup, testnet, until } from '@cloudpal/test-kit'
import { portOf } from '../src/cli/arguments.ts'
import { run } from '../src/cli/program.ts'
import { createGrant } from '../src/index.ts'
import { BootstrapNode } from '../src/bootstrap/index.ts'
import { Lease } from '../src/policy/lease.ts'
import { RelayPolicy } from '../src/policy/relay-policy.ts'
import { UdpLink } from '../src/udp/udp-link.ts'
import { UdpSession } from '../src/udp/udp-session.ts'
import type { BlindRelay, SessionHooks } from '../src/udp/blind-relay-adapter.ts'
import type { RawStreamLike } from '../src/udp/dht.ts'
import { greet } from './links.ts'
import { startRelay, twoKeyPairs } from './relays.ts'
import { dial, relayed, type TestRelay, testRelay } from './udp/udp-relay.ts'
import { keyPair } from './replicas/records.ts'

// What the numbers mean stands in the list of findings.

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
