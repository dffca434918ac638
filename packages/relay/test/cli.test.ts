import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import { testCleanup, testnet, tmpDir, until } from '@cloudpal/test-kit'
import HyperDHT from 'hyperdht'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { countOf, nodesOf, portOf, truthOf } from '../src/cli/arguments.ts'
import { EXIT } from '../src/cli/program.ts'
import { RefusalLog } from '../src/cli/refusal-log.ts'
import { DeviceRecord, readGrant, ReplicaSet } from '../src/index.ts'
import { refusal } from '../src/protocol/refusal.ts'
import { freePort, freePorts } from './free-port.ts'
import { greet } from './links.ts'
import { startProgram } from './program.ts'
import { startDevice } from './relays.ts'

import { dial } from './udp/udp-relay.ts'

const [a, b] = [crypto.keyPair(), crypto.keyPair()]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('flags come before the environment, that before the file, and the file before what is by default', async () => {
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const keyFile = join(dir, 'keys', 'relay.key')
  await writeFile(
    config,
    JSON.stringify({ keyFile, tcpPort: 1, host: '192.0.2.1', allow: [hex(a.publicKey)], json: true })
  )
  const environment = {
    CLOUDPAL_RELAY_CONFIG: config,
    CLOUDPAL_RELAY_TCP_PORT: '2',
    CLOUDPAL_RELAY_HOST: '127.0.0.1'
  }
  const relay = startProgram(['--tcp-port', '0'], environment)
  const address = await relay.listening()
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
  const alice = await startDevice(a, { relays: [address] })
  await until(() => alice.registeredAt.length === 1)
  const stranger = greet(address, b, () => {})
  await until(() => stranger.ended)
  const refused = { event: 'refused', code: 'RELAY_DENIED', device: 'unknown', address: '127.0.0.1' }
  expect(relay.events()[1]).toMatchObject(refused)
  relay.stop()
  expect(await relay.exit).toBe(EXIT.ok)
  // While it drains it may refuse a device that comes back, or may not.
  const said = relay.events().map(({ event }) => event)
  expect(said.filter((event) => event !== 'refused')).toEqual(['listening', 'draining', 'closed'])
})

test.each<[string, object, string]>([
  ['whom it revokes from the start', { revoke: hex(a.publicKey) }, 'RELAY_REVOKED'],
  ['how many connections a device may have', { connections: 0 }, 'RELAY_TOO_MANY'],
  ['how many devices it may wait for', { pairings: 0 }, 'RELAY_TOO_MANY'],
  ['how many there may be in all', { totalConnections: 0 }, 'RELAY_TOO_MANY'],
  ['how many may wait to prove a key', { unknownConnections: 0 }, 'RELAY_TOO_MANY'],
  ['how many of them from one address', { unknownPerAddress: 0 }, 'RELAY_TOO_MANY'],
  ['how much a device may carry', { quotaBytes: 148 }, 'RELAY_QUOTA']
])('the file says %s', async (_, more, code) => {
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const base = { keyFile: join(dir, 'relay.key'), tcpPort: 0, host: '127.0.0.1', json: true }
  await writeFile(config, JSON.stringify({ ...base, allow: hex(a.publicKey), ...more }))
  const relay = startProgram(['--config', config])
  const address = await relay.listening()
  const { bytes } = DeviceRecord.sign(
    { seq: 1, expiresAt: Date.now() + 60_000, relays: [address.publicKey], set: null },
    a
  )
  const device = greet(address, a, (link) => {
    if ('pairings' in more) return link.open(b.publicKey)
    link.register(30_000)
    link.publish(bytes)
  })
  await until(() => device.ended)
  await until(() => relay.events().some((event) => event['code'] === code))
})

test('the keys and grants it prints are the ones it takes', async () => {
  const dir = await tmpDir()
  const [issuer, keyFile] = [join(dir, 'owner.key'), join(dir, 'relay.key')]
  const key = startProgram(['key', '--key-file', issuer])
  expect(await key.exit).toBe(EXIT.ok)
  const days = ['--days', '1', '--quota-bytes', '1000']
  const words = ['grant', '--issuer-key-file', issuer, '--device', hex(a.publicKey), ...days]
  const printed = startProgram(words)
  expect(await printed.exit).toBe(EXIT.ok)
  const grant = Buffer.from(printed.out[0] ?? '', 'hex')
  expect(readGrant(grant)).toMatchObject({ quotaBytes: 1000 })
  const serve = ['serve', '--key-file', keyFile, '--tcp-port', '0', '--host', '127.0.0.1', '--json']
  const relay = startProgram([...serve, '--issuer', key.out[0] ?? ''])
  const parked = greet(await relay.listening(), a, (link) => link.register(30_000), grant)
  await until(() => parked.seen.includes('registered'))
})

const served = ['--allow', hex(a.publicKey), '--tcp-port', '0']
const first = ['--udp-port', '1', '--bootstrap-host', '0.0.0.0']

test.each<[string, string[], string]>([
  ['nobody to serve', ['--tcp-port', '0'], 'nobody is served'],
  ['nowhere to listen', ['--allow', hex(a.publicKey)], '--tcp-port'],
  ['a rate that bears nothing', ['--bytes-per-second', '1', ...served], '65,536'],
  ['a key that is none', ['--allow', 'abc'], 'hex digits'],
  ['a port that is none', ['--tcp-port', '65536'], 'port'],
  ['half of TLS', ['--ws-port', '0', '--allow', hex(a.publicKey), '--tls-cert', 'x'], '--tls-key'],
  ['a file that is not there', ['--config', '/nowhere/at/all.json'], 'cannot be read as JSON (ENOENT: '],
  ['a word it does not know', ['--tpc-port', '1'], 'unknown option'],
  ['an address that is empty', ['--host', ''], 'empty'],
  ['nodes of a DHT without a port for them', ['--bootstrap', 'a.test:1', ...served], '--udp-port'],
  ['a first node that is to join others', [...first, '--bootstrap', 'a.test:1', ...served], 'no other'],
  ['half of replicas', ['--owner', hex(a.publicKey), ...served], '--replica-set'],
  ['a first node that nobody can reach', [...first, ...served], 'IPv4 address']
])('%s is told plainly', async (_, words, message) => {
  const dir = await tmpDir()
  const relay = startProgram(['--key-file', join(dir, 'relay.key'), ...words])
  expect(await relay.exit).toBe(EXIT.usage)
  expect(relay.err.join('\n')).toContain(message)
})

test.each<[string, (word: string) => unknown, string[], string | RegExp]>([
  ['port', portOf, ['', ' ', '0x50', '1e3', '-1', '65536', '1.5'], 'A port is'],
  ['number', countOf, ['', ' ', '0x50', '1e3', '-1', '99999999999999999999'], 'whole number'],
  ['truth', truthOf, ['', 'yes', '2', 'True'], 'true or false'],
  [
    'node',
    nodesOf,
    ['', '192.0.2.1', '192.0.2.1:', ':1', '1:2:3', '192.0.2.1:65536'],
    /empty|host:port|A port/
  ]
])('what is no %s is refused', (_, read, words, message) => {
  for (const word of words) expect(() => read(word)).toThrow(message)
})

test('a variable that is empty, as compose files make them, is none', async () => {
  const environment = Object.fromEntries(
    ['HOST', 'TCP_HOST', 'WS_PORT', 'CONNECTIONS', 'JSON', 'CONFIG', 'BOOTSTRAP'].map((name) => [
      `CLOUDPAL_RELAY_${name}`,
      ''
    ])
  )
  const keyFile = join(await tmpDir(), 'relay.key')
  const words = ['--key-file', keyFile, '--tcp-port', '0', '--json', '--allow', hex(a.publicKey)]
  const relay = startProgram(words, environment)
  const parked = greet(await relay.listening(), a, (link) => link.register(30_000))
  await until(() => parked.ended ?? parked.seen.includes('registered'))
  expect(parked.ended).toBeNull()
  expect(relay.events()[0]).toMatchObject({ ws: null })
})

test('each plane has an address of its own where one is given, and the limits for a relay behind a proxy', async () => {
  const keyFile = join(await tmpDir(), 'relay.key')
  const ports = ['--tcp-port', '0', '--tcp-host', '0.0.0.0', '--ws-port', '0', '--ws-host', '127.0.0.1']
  const proxy = ['--trust-proxy', 'loopback,10.0.0.0/8', '--unknown-per-address', '1']
  const more = ['--unknown-connections', '7', '--allow', hex(a.publicKey), '--json']
  const relay = startProgram(['--key-file', keyFile, ...ports, ...proxy, ...more])
  const { wsPort } = await relay.listening()
  const headers = { 'x-forwarded-for': '203.0.113.1' }
  for (let i = 0; i < 2; i++) {
    const socket = new WebSocket(`ws://127.0.0.1:${wsPort}`, { headers })
    testCleanup().defer('stream', () => socket.terminate())
    socket.on('error', () => {})
  }
  await until(() => relay.events().length > 1)
  expect(relay.events()[1]).toMatchObject({ code: 'RELAY_TOO_MANY', address: '203.0.113.1' })
})

test('relays of one owner are told of each other by a set that is signed elsewhere', async () => {
  const dir = await tmpDir()
  const file = (name: string): string => join(dir, name)
  const print = async (...words: string[]): Promise<string> => {
    const program = startProgram(words)
    expect(await program.exit).toBe(EXIT.ok)
    return program.out[0] ?? ''
  }
  const owner = await print('key', '--key-file', file('owner.key'))
  const names = ['one', 'two']
  const ports = await freePorts(2)
  const keys = await Promise.all(names.map((name) => print('key', '--key-file', file(name))))
  const members = keys.flatMap((key, i) => ['--replica', `${key}=tcp://127.0.0.1:${ports[i]}`])
  const sign = async (seq: number): Promise<string> => {
    const set = await print(
      'replicas',
      '--owner-key-file',
      file('owner.key'),
      '--seq',
      String(seq),
      ...members
    )
    await writeFile(file('set'), `${set}\n`)
    return set
  }
  const set = await sign(1)
  const more = ['--host', '127.0.0.1', '--json', '--allow', hex(a.publicKey), '--owner', owner]
  const relays = names.map((name, i) =>
    startProgram([
      '--key-file',
      file(name),
      '--tcp-port',
      String(ports[i]),
      '--replica-set',
      file('set'),
      ...more
    ])
  )
  for (const relay of relays) await relay.listening()
  for (const name of names) expect(await readFile(file(`${name}.epoch`), 'utf8')).toMatch(/^\d{13}\n$/)
  const replicas = { owner: Buffer.from(owner, 'hex'), set: Buffer.from(set, 'hex') }
  const kept: number[] = []
  const onset = (newer: Uint8Array): void =>
    void kept.push(ReplicaSet.open(newer, Buffer.from(owner, 'hex')).seq)
  const device = await startDevice(a, { replicas: { ...replicas, onset } })
  await until(() => device.registeredAt.length === 2)
  // A newer one is taken while they serve, and what is none changes nothing.
  await sign(2)
  relays[0]?.reload()
  await until(() => relays[0]?.events().at(-1)?.['event'] === 'reloaded')
  await until(() => kept.length > 0)
  expect(kept).toEqual([2])
  await writeFile(file('set'), 'not a set')
  relays[0]?.reload()
  await until(() => relays[0]?.events().at(-1)?.['event'] === 'not reloaded')
})

test('the UDP plane answers to the relay’s key, in a DHT that is joined', async () => {
  const network = await testnet()
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join(',')
  const keyFile = join(await tmpDir(), 'relay.key')
  const where = ['--key-file', keyFile, '--udp-port', '0', '--host', '127.0.0.1', '--bootstrap', bootstrap]
  const relay = startProgram([...where, '--json', '--allow', [a, b].map((k) => hex(k.publicKey)).join(',')])
  const { publicKey } = await relay.listening()
  const device = (n: number): HyperDHT => network.createNode({ keyPair: n === 1 ? a : b })
  await expect(dial(device(1), publicKey)).resolves.toBeDefined()
  const stranger = network.createNode({ keyPair: crypto.keyPair() })
  await expect(dial(stranger, publicKey)).rejects.toMatchObject({ code: 'SERVER_ERROR' })
  const refused = { event: 'refused', code: 'RELAY_DENIED', device: 'unknown', address: '127.0.0.1' }
  expect(relay.events()[2]).toMatchObject(refused)
})

test('it can be the first node of a DHT, and then needs no other', async () => {
  const port = await freePort()
  const keyFile = join(await tmpDir(), 'relay.key')
  const where = ['--key-file', keyFile, '--udp-port', String(port), '--host', '127.0.0.1']
  const relay = startProgram([
    ...where,
    '--bootstrap-host',
    '127.0.0.1',
    '--json',
    '--allow',
    hex(a.publicKey)
  ])
  const { publicKey, udpPort } = await relay.listening()
  expect(udpPort).toBe(port)
  const node = new HyperDHT({ host: '127.0.0.1', bootstrap: [{ host: '127.0.0.1', port }], keyPair: a })
  testCleanup().defer('network', () => node.destroy({ force: true }))
  await expect(dial(node, publicKey)).resolves.toBeDefined()
  // The port is taken now, and no other will do.
  const second = startProgram([...where, '--json', '--allow', hex(a.publicKey), '--bootstrap', 'x.test:1'])
  expect(await second.exit).toBe(EXIT.failed)
  expect(second.err.join()).toContain(`RELAY_CANNOT_LISTEN: 127.0.0.1, UDP port ${port}`)
})

test('a port that is taken is told plainly', async () => {
  const dir = await tmpDir()
  const words = ['--host', '127.0.0.1', '--json', '--allow', hex(a.publicKey)]
  const first = startProgram(['--key-file', join(dir, 'a.key'), '--tcp-port', '0', ...words])
  const { port } = (await first.listening()).tcp
  const second = startProgram(['--key-file', join(dir, 'b.key'), '--tcp-port', String(port), ...words])
  expect(await second.exit).toBe(EXIT.failed)
  expect(second.err.join()).toContain(`RELAY_CANNOT_LISTEN: 127.0.0.1, TCP port ${port}`)
})

test('a flood of refusals is a few lines of the log, and their number', () => {
  vi.useFakeTimers()
  testCleanup().defer('stream', () => void vi.useRealTimers())
  const lines: object[] = []
  const log = new RefusalLog((_, facts) => lines.push(facts))
  const flood = (count: number): void => {
    for (let i = 0; i < count; i++) log.note(refusal('RELAY_DENIED'), null, '192.0.2.1')
  }
  const line = { code: 'RELAY_DENIED', device: 'unknown', address: '192.0.2.1' }
  const few = Array.from({ length: 20 }, () => line)
  flood(100)
  expect(lines).toEqual(few)
  vi.advanceTimersByTime(1_000)
  expect(lines.splice(0)).toEqual([...few, { more: 80 }])
  flood(21)
  log.end()
  expect([lines, vi.getTimerCount()]).toEqual([[...few, { more: 1 }], 0])
})

test('each refusal is in the log of the program, or counted there', async () => {
  const keyFile = join(await tmpDir(), 'relay.key')
  const words = ['--key-file', keyFile, '--tcp-port', '0', '--host', '127.0.0.1', '--json']
  const relay = startProgram([...words, '--allow', hex(a.publicKey)])
  const address = await relay.listening()
  const strangers = Array.from({ length: 100 }, () => greet(address, b, () => {}))
  await until(() => strangers.every(({ ended }) => ended !== null))
  relay.stop()
  await relay.exit
  const refused = relay.events().filter(({ event }) => event === 'refused')
  const said = refused.filter(({ code }) => code !== undefined).length
  const more = refused.reduce((sum, { more }) => sum + Number(more ?? 0), 0)
  expect(said + more).toBe(100)
})
