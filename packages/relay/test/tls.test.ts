import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect } from 'node:tls'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { RelayServer } from '../src/server/index.ts'
import { say } from './by-hand.ts'
import { type Certificate, certificate, whyNoCertificates } from './certificates.ts'
import { startProgram } from './program.ts'
import { startRelay } from './relays.ts'

if (whyNoCertificates !== null) console.warn(`Skipped: TLS by the relay itself. ${whyNoCertificates}.`)

const seeds = [1, 2].map((n) => Buffer.alloc(32, n))
const devices: KeyPair[] = seeds.map((seed) => crypto.keyPair(seed))

/** Two devices in a process that trusts this certificate, beside those that everybody trusts. */
function startDevices(
  relay: { readonly publicKey: Uint8Array; readonly port: number },
  trusted: Certificate | null
): { child: ChildProcess; said: Record<string, unknown>[]; tell(word: string): void } {
  const script = join(import.meta.dirname, 'processes/tls-devices.mjs')
  const key = Buffer.from(relay.publicKey).toString('hex')
  const config = {
    relay: key,
    url: `wss://127.0.0.1:${relay.port}`,
    seeds: seeds.map((seed) => seed.toString('hex'))
  }
  const env = { ...process.env, ...(trusted !== null && { NODE_EXTRA_CA_CERTS: trusted.certFile }) }
  const child = spawn(process.execPath, [script, JSON.stringify(config)], { stdio: 'pipe', env })
  testCleanup().defer('swarm', () => child.kill('SIGKILL'))
  const said: Record<string, unknown>[] = []
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as Record<string, unknown>))
  return { child, said, tell: (word) => void child.stdin.write(`${word}\n`) }
}

/** Greets, and goes. @returns the certificate that was shown, in PEM */
async function shown(port: number, { cert }: Certificate): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ca: cert, rejectUnauthorized: false })
  testCleanup().defer('stream', () => socket.destroy())
  await once(socket, 'secureConnect')
  const pem = socket.getPeerX509Certificate()?.toString() ?? ''
  socket.destroy()
  return pem
}

test.skipIf(whyNoCertificates !== null)(
  'a relay ends TLS by itself: devices meet over wss:, and go on when its certificate is renewed',
  async () => {
    const [first, second] = [await certificate(), await certificate()]
    const { relay } = await startRelay(devices, { tcp: null, ws: { host: '127.0.0.1', tls: first } })
    const port = relay.ports.ws ?? 0
    const { said, tell } = startDevices({ publicKey: relay.publicKey, port }, first)
    await until(() => said.length > 0)
    expect(said).toEqual([{ heard: 'hello', transport: 'ws' }])
    relay.renewTls(second)
    expect(await shown(port, second)).toBe(second.cert)
    tell('still here')
    await until(() => said.length > 1)
    expect(said[1]).toEqual({ heard: 'still here', transport: 'ws' })
    expect(relay.sessions).toBe(1)
  }
)

test.skipIf(whyNoCertificates !== null)(
  'devices do not speak to a relay whose certificate nobody they trust has signed',
  async () => {
    const { relay } = await startRelay(devices, {
      tcp: null,
      ws: { host: '127.0.0.1', tls: await certificate() }
    })
    const refused: unknown[] = []
    relay.on('refused', (why: unknown) => refused.push(why))
    const { said } = startDevices({ publicKey: relay.publicKey, port: relay.ports.ws ?? 0 }, null)
    await until(() => said.length > 0)
    expect(said[0]).toMatchObject({ cause: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect([relay.registered, refused]).toEqual([0, []])
  }
)

test.skipIf(whyNoCertificates !== null)(
  'what is no certificate is refused, and the one before stays',
  async () => {
    const [good, other] = [await certificate(), await certificate()]
    const bad = { cert: good.cert, key: other.key }
    const options = { keyPair: crypto.keyPair(), ws: { host: '127.0.0.1', tls: bad } }
    await expect(new RelayServer(options).ready()).rejects.toMatchObject({ code: 'RELAY_BAD_ARGUMENT' })
    const { relay } = await startRelay([], { ws: { host: '127.0.0.1', tls: good } })
    for (const tls of [bad, { cert: '', key: '' }, { cert: 'no', key: 'no' }])
      expect(() => relay.renewTls(tls)).toThrow(/^RELAY_BAD_ARGUMENT/)
    expect(await shown(relay.ports.ws ?? 0, good)).toBe(good.cert)
    const { relay: plain } = await startRelay([])
    expect(() => plain.renewTls(good)).toThrow(/^RELAY_BAD_ARGUMENT/)
  }
)

test.skipIf(whyNoCertificates !== null)(
  'the program reads its certificate again on SIGHUP, and says when it cannot',
  async () => {
    const [first, second] = [await certificate(), await certificate()]
    const dir = await tmpDir()
    const allow = Buffer.from(crypto.keyPair().publicKey).toString('hex')
    const files = [
      '--tls-cert',
      first.certFile,
      '--tls-key',
      first.keyFile,
      '--key-file',
      join(dir, 'relay.key')
    ]
    const program = startProgram([
      '--ws-port',
      '0',
      '--host',
      '127.0.0.1',
      '--json',
      '--allow',
      allow,
      ...files
    ])
    const { wsPort } = await program.listening()
    expect(await shown(wsPort, first)).toBe(first.cert)
    // For a moment the two do not belong together: an order in which renewals happen.
    await writeFile(first.certFile, second.cert)
    program.reload()
    await until(() => program.events().some(({ event }) => event === 'not reloaded'))
    expect(await shown(wsPort, first)).toBe(first.cert)
    await writeFile(first.keyFile, second.key)
    program.reload()
    await until(() => program.events().some(({ event, renewed }) => event === 'reloaded' && renewed === true))
    expect(await shown(wsPort, second)).toBe(second.cert)
  }
)

/** A TLS record (RFC 8446, 5.1) of a ClientHello of 512 bytes, which does not come. */
const CLIENT_HELLO = Buffer.of(0x16, 3, 1, 2, 4, 1, 0, 2, 0)

test.skipIf(whyNoCertificates !== null).each<[string, number]>([
  ['the time for a greeting', 300],
  ['ten seconds, where that is longer,', 600_000]
])('a TLS handshake that comes in drops is let go after %s', async (_, greetingMs) => {
  const { relay } = await startRelay([], { greetingMs, ws: { host: '127.0.0.1', tls: await certificate() } })
  const slow = say(relay.ports.ws, CLIENT_HELLO)
  const dropping = setInterval(() => void slow.socket.write(Buffer.of(3)), 100)
  testCleanup().defer('stream', () => clearInterval(dropping))
  await until(() => slow.closed)
})
