import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import { testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { EXIT, run } from '../src/cli/program.ts'
import { readGrant } from '../src/index.ts'
import { greet } from './links.ts'
import { startDevice } from './relays.ts'

const BIN = join(import.meta.dirname, '../dist/cli/bin.js')
const [a, b] = [crypto.keyPair(), crypto.keyPair()]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

interface Running {
  readonly out: string[]
  readonly err: string[]
  readonly exit: Promise<number>
  reload(): void
  stop(): void
}

function start(words: string[], environment: Record<string, string> = {}): Running {
  const abort = new AbortController()
  const reloads: (() => void)[] = []
  const [out, err] = [[] as string[], [] as string[]]
  const exit = run(words, {
    out: (line) => out.push(...line.split('\n')),
    err: (line) => err.push(...line.split('\n')),
    environment,
    signal: abort.signal,
    onreload: (fn) => reloads.push(fn)
  })
  testCleanup().defer('network', async () => {
    abort.abort()
    await exit
  })
  return { out, err, exit, reload: () => reloads.forEach((fn) => fn()), stop: () => abort.abort() }
}

function events({ out }: Running): Record<string, unknown>[] {
  return out.map((line) => JSON.parse(line) as Record<string, unknown>)
}

async function listening(
  running: Running
): Promise<{ publicKey: Uint8Array; tcp: { host: string; port: number } }> {
  await until(() => running.out.length > 0)
  const { key, tcp } = events(running)[0] as { key: string; tcp: number }
  return { publicKey: Buffer.from(key, 'hex'), tcp: { host: '127.0.0.1', port: tcp } }
}

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
  const relay = start(['--tcp-port', '0'], environment)
  const address = await listening(relay)
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
  const alice = await startDevice(a, { relays: [address] })
  await until(() => alice.registeredAt.length === 1)
  const stranger = greet(address, b, () => {})
  await until(() => stranger.ended)
  const refused = { event: 'refused', code: 'RELAY_DENIED', device: 'unknown', address: '127.0.0.1' }
  expect(events(relay)[1]).toMatchObject(refused)
  relay.stop()
  expect(await relay.exit).toBe(EXIT.ok)
  expect(events(relay).map(({ event }) => event)).toEqual([
    'listening',
    'refused',
    'draining',
    'refused',
    'closed'
  ])
})

test('a file that is read again revokes what lives', async () => {
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const base = {
    keyFile: join(dir, 'relay.key'),
    tcpPort: 0,
    host: '127.0.0.1',
    json: true,
    allow: hex(a.publicKey)
  }
  await writeFile(config, JSON.stringify(base))
  const relay = start(['--config', config])
  const parked = greet(await listening(relay), a, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
  await writeFile(config, JSON.stringify({ ...base, revoke: [hex(a.publicKey)] }))
  relay.reload()
  await until(() => parked.ended)
  expect(parked.ended).toBe('RELAY_REVOKED')
  await until(() => events(relay).some(({ event, ended }) => event === 'reloaded' && ended === 1))
})

test('the keys and grants it prints are the ones it takes', async () => {
  const dir = await tmpDir()
  const [issuer, keyFile] = [join(dir, 'owner.key'), join(dir, 'relay.key')]
  const key = start(['key', '--key-file', issuer])
  expect(await key.exit).toBe(EXIT.ok)
  const days = ['--days', '1', '--quota-bytes', '1000']
  const words = ['grant', '--issuer-key-file', issuer, '--device', hex(a.publicKey), ...days]
  const printed = start(words)
  expect(await printed.exit).toBe(EXIT.ok)
  const grant = Buffer.from(printed.out[0] ?? '', 'hex')
  expect(readGrant(grant)).toMatchObject({ quotaBytes: 1000 })
  const serve = ['serve', '--key-file', keyFile, '--tcp-port', '0', '--host', '127.0.0.1', '--json']
  const relay = start([...serve, '--issuer', key.out[0] ?? ''])
  const parked = greet(await listening(relay), a, (link) => link.register(30_000), grant)
  await until(() => parked.seen.includes('registered'))
})

test.each<[string, string[], string]>([
  ['nobody to serve', ['--tcp-port', '0'], 'nobody is served'],
  ['nowhere to listen', ['--allow', '00'.repeat(32)], '--tcp-port'],
  ['a key that is none', ['--allow', 'abc'], 'hex digits'],
  ['a port that is none', ['--tcp-port', '65536'], 'port'],
  ['half of TLS', ['--ws-port', '0', '--allow', '00'.repeat(32), '--tls-cert', 'x'], '--tls-key'],
  ['a file that is not there', ['--config', '/nowhere/at/all.json'], 'cannot be read'],
  ['a word it does not know', ['--tpc-port', '1'], 'unknown option']
])('%s is told plainly', async (_, words, message) => {
  const dir = await tmpDir()
  const relay = start(['--key-file', join(dir, 'relay.key'), ...words])
  expect(await relay.exit).toBe(EXIT.usage)
  expect(relay.err.join('\n')).toContain(message)
})

test('as a process it drains when it is told to end, and its clients see why', async () => {
  const dir = await tmpDir()
  const words = ['--key-file', join(dir, 'relay.key'), '--tcp-port', '0', '--host', '127.0.0.1', '--json']
  const child = spawn(process.execPath, [BIN, ...words, '--allow', hex(a.publicKey)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  testCleanup().defer('network', () => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk) => (text += String(chunk)))
  await until(() => text.includes('\n'))
  const { key, tcp } = JSON.parse(text.split('\n')[0] ?? '') as { key: string; tcp: number }
  const address = { publicKey: Buffer.from(key, 'hex'), tcp: { host: '127.0.0.1', port: tcp } }
  const parked = greet(address, a, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  expect([code, parked.ended]).toEqual([0, 'RELAY_DRAINING'])
})
