import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import { testCleanup, until } from '@cloudpal/test-kit'
import HyperDHT from 'hyperdht'
import { expect, test } from 'vitest'
import { AnnouncementKeeper, BootstrapNode } from '../../src/bootstrap/index.ts'
import { UdpPlane } from '../../src/udp/udp-plane.ts'
import { RelayPolicy } from '../../src/policy/relay-policy.ts'
import { freePort } from '../free-port.ts'
import { keyPair } from '../replicas/records.ts'
import { echo, relayed } from '../udp/udp-relay.ts'

const HOST = '127.0.0.1'

/** In a process of its own, which is up when it says so. */
async function start(port: number): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../processes/bootstrap.mjs')
  const child = spawn(process.execPath, [script, JSON.stringify({ host: HOST, port })], { stdio: 'pipe' })
  testCleanup().defer('network', () => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

function device(port: number, n: number): HyperDHT {
  const node = new HyperDHT({ host: HOST, bootstrap: [{ host: HOST, port }], keyPair: keyPair(n) })
  testCleanup().defer('network', () => node.destroy({ force: true }))
  return node
}

async function reaches(node: HyperDHT, key: Uint8Array): Promise<boolean> {
  const stream = node.connect(key)
  stream.on('error', () => {})
  const isOpen = await stream.opened
  stream.destroy()
  return isOpen
}

test('two devices that know nothing but it find and reach each other, also after it was killed', async () => {
  const port = await freePort()
  const first = await start(port)
  const [a, b] = [device(port, 1), device(port, 2)]
  const server = a.createServer({}, (stream) => stream.on('error', () => {}))
  await server.listen()
  const keeper = new AnnouncementKeeper(a, server, { everyMs: 50 })
  await keeper.ready()
  testCleanup().defer('swarm', () => keeper.close())
  expect(await reaches(b, keyPair(1).publicKey)).toBe(true)

  first.kill('SIGKILL')
  await new Promise((resolve) => first.once('exit', resolve))
  await start(port)
  const newcomer = device(port, 3)
  await until(() => reaches(newcomer, keyPair(1).publicKey))
  expect(await reaches(b, keyPair(1).publicKey)).toBe(true)
})

test('a relay that was started before its DHT is found once that is there', async () => {
  const port = await freePort()
  const keys = keyPair(1000)
  const policy = new RelayPolicy(keys.publicKey, { allow: [keyPair(1).publicKey] })
  const plane = new UdpPlane(device(port, 1000), policy, { lookMs: 50 })
  testCleanup().defer('swarm', () => plane.close())
  // Nobody has answered it yet.
  await plane.ready()
  await start(port)
  const newcomer = device(port, 1)
  await until(() => reaches(newcomer, keys.publicKey), { timeoutMs: 20_000 })
})

test('the same node carries the relay’s UDP plane', async () => {
  const keys = keyPair(1000)
  const bootstrap = new BootstrapNode({ host: HOST, port: await freePort(), bindHost: HOST, keyPair: keys })
  await bootstrap.ready()
  testCleanup().defer('network', () => bootstrap.close())
  const policy = new RelayPolicy(keys.publicKey, { allow: [1, 2].map((n) => keyPair(n).publicKey) })
  const plane = new UdpPlane(bootstrap.node, policy, { sweepMs: 0 })
  await plane.ready()
  testCleanup().defer('swarm', () => plane.close())
  const relay = {
    plane,
    policy,
    node: bootstrap.node as unknown as HyperDHT,
    key: keys.publicKey,
    refusals: [],
    ignored: []
  }
  const [a, b] = await relayed({ ...relay, device: (n) => device(bootstrap.address.port, n) })
  await echo(a.noise, b.noise, 1024)
  plane.sweep()
  expect(plane.stats.carriedBytes).toBeGreaterThan(2048)
})

test('a bootstrap node does nothing before it is asked to, and says when it cannot listen', async () => {
  const port = await freePort()
  const node = new BootstrapNode({ host: HOST, port, bindHost: HOST })
  expect(() => node.node).toThrow(/^RELAY_BAD_ARGUMENT/)
  // Whoever bound the port would do so within the turn.
  await new Promise((resolve) => setImmediate(resolve))
  const other = createSocket('udp4')
  testCleanup().defer('network', () => void other.close())
  await new Promise<void>((resolve, reject) => other.once('error', reject).bind(port, HOST, resolve))
  await expect(node.ready()).rejects.toMatchObject({ code: 'RELAY_CANNOT_LISTEN' })
  await node.close()
})

test('an address that nobody can reach it by is refused', () => {
  for (const host of ['0.0.0.0', '::1', 'example.org', '', '999.1.1.1', '127.0.0.01', '1.2.3']) {
    expect(() => new BootstrapNode({ host, port: 49_737 })).toThrow(/^RELAY_BAD_ARGUMENT/)
  }
  expect(() => new BootstrapNode({ host: '192.0.2.1', port: 0 })).toThrow(/^RELAY_BAD_ARGUMENT/)
})
