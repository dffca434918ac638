import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import { testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type RelayAddress } from '../src/index.ts'
import { freePort } from './free-port.ts'
import { asPath, greet, type TestLink } from './links.ts'

const BIN = join(import.meta.dirname, '../dist/cli/bin.js')
const [a, b] = [crypto.keyPair(), crypto.keyPair()]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

interface Running {
  readonly child: ChildProcess
  readonly exit: Promise<[code: number | null, signal: string | null]>
  /** All it has said. */
  text(): string
  /** Waits until it serves. */
  listening(): Promise<RelayAddress & { readonly udp: number }>
}

/** The program as it is installed. */
async function start(words: string[], nodeOptions: string[] = []): Promise<Running> {
  const keyFile = words.includes('--key-file') ? [] : ['--key-file', join(await tmpDir(), 'relay.key')]
  const all = [...nodeOptions, BIN, 'serve', ...keyFile, ...words, '--host', '127.0.0.1', '--json']
  const child = spawn(process.execPath, all, { stdio: 'pipe' })
  testCleanup().defer('network', () => child.kill('SIGKILL'))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)))
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  return {
    child,
    exit,
    text: () => text,
    listening: async () => {
      await until(() => text.includes('\n'))
      const { key, tcp, udp } = JSON.parse(text.split('\n')[0] ?? '') as Record<'tcp' | 'udp', number> & {
        key: string
      }
      if (udp !== undefined) await until(() => text.includes('udp listening'))
      return { publicKey: Buffer.from(key, 'hex'), tcp: { host: '127.0.0.1', port: tcp }, udp }
    }
  }
}

/** Two devices with a session that nobody ends. */
async function session(relay: RelayAddress): Promise<TestLink> {
  const target = greet(relay, b, (link) => link.register(30_000))
  await until(() => target.seen.includes('registered'))
  const opener = greet(relay, a, (link) => link.open(b.publicKey))
  await until(() => opener.seen.includes('opened'))
  for (const link of [target, opener]) asPath(link)
  return opener
}

const allow = ['--allow', `${hex(a.publicKey)},${hex(b.publicKey)}`]
const tcp = ['--tcp-port', '0']

test('it drains when it is told to end, and its clients see why', async () => {
  const relay = await start([...tcp, ...allow])
  const parked = greet(await relay.listening(), a, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
  relay.child.kill('SIGTERM')
  expect(await relay.exit).toEqual([0, null])
  // What it has said last may be read after that.
  await until(() => parked.ended)
  expect(parked.ended).toBe('RELAY_DRAINING')
})

test('with the UDP plane it ends too, and leaves nothing that keeps it alive', async () => {
  const port = await freePort()
  const plane = ['--udp-port', String(port), '--bootstrap-host', '127.0.0.1']
  const relay = await start([...plane, ...tcp, ...allow])
  expect((await relay.listening()).udp).toBe(port)
  const second = await start([...plane, ...tcp, ...allow])
  expect(await second.exit).toEqual([1, null])
  expect(second.text()).toContain('RELAY_CANNOT_LISTEN')
  relay.child.kill('SIGTERM')
  expect(await relay.exit).toEqual([0, null])
})

test.each<[NodeJS.Signals, NodeJS.Signals, number]>([
  ['SIGTERM', 'SIGINT', 130],
  ['SIGINT', 'SIGTERM', 143],
  ['SIGINT', 'SIGINT', 130]
])('while it drains after %s, %s ends it at once', async (first, second, code) => {
  const relay = await start([...tcp, ...allow, '--drain-seconds', '600'])
  await session(await relay.listening())
  relay.child.kill(first)
  await until(() => relay.text().includes('"draining"'))
  relay.child.kill(second)
  expect(await relay.exit).toEqual([code, null])
})

test('it goes on when nobody reads its log any more', async () => {
  const relay = await start([...tcp, ...allow])
  const address = await relay.listening()
  relay.child.stdout?.destroy()
  for (let i = 0; i < 2; i++) {
    const stranger = greet(address, crypto.keyPair(), () => {})
    await until(() => stranger.ended)
    expect(stranger.ended).toBe('RELAY_DENIED')
  }
  expect(relay.child.exitCode).toBeNull()
})

// A named pipe holds the start up, and /proc says which signals are caught.
test.skipIf(process.platform !== 'linux')(
  'SIGHUP while it starts does not end it, and is not lost',
  async () => {
    const keyFile = join(await tmpDir(), 'relay.key')
    execFileSync('mkfifo', [keyFile])
    const relay = await start([...tcp, ...allow, '--key-file', keyFile])
    // Opens once the program reads it.
    const pipe = await open(keyFile, 'w')
    relay.child.kill('SIGHUP')
    await until(() => (signals(relay.child, 'ShdPnd') & 1n) === 0n)
    await pipe.writeFile(`${hex(crypto.randomBytes(32))}\n`)
    await pipe.close()
    await until(() => relay.text().includes('"reloaded"') || relay.child.exitCode !== null)
    expect(relay.text()).toContain('"listening"')
  }
)

test('hyperdht is loaded only when the UDP plane is asked for, and said to be missing where it is', async () => {
  const without = ['--import', join(import.meta.dirname, 'processes/without-hyperdht.mjs')]
  const relay = await start([...tcp, ...allow], without)
  expect((await relay.listening()).tcp?.port).toBeGreaterThan(0)
  for (const words of [
    ['--udp-port', '0'],
    ['--udp-port', '49737', '--bootstrap-host', '127.0.0.1']
  ]) {
    const refused = await start([...words, ...allow], without)
    expect(await refused.exit).toEqual([1, null])
    expect(refused.text()).toMatch(/^RELAY_UNSUPPORTED_UPSTREAM: .*npm install hyperdht/)
  }
})

/** A line of signals of a process, as bits. */
function signals({ pid }: ChildProcess, name: 'ShdPnd'): bigint {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return BigInt(`0x${new RegExp(`^${name}:\\s+([0-9a-f]+)$`, 'm').exec(status)?.[1]}`)
}
