import { Cleanup, testCleanup, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Connection, RelayAddress } from '../../src/index.ts'
import { asStream, startDevice, twoKeyPairs } from '../relays.ts'
import { freePorts } from '../free-port.ts'
import { buildImage, engine, logsOf, runWords, sizesOf, whyNoImage } from './containers.ts'
import { startRegistry } from './registry.ts'

if (whyNoImage !== null) console.warn(`Skipped: the image of the Dockerfile, since ${whyNoImage}.`)

const TAG = `cloudpal-relay-test-${process.pid}`
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

interface Container {
  readonly name: string
  readonly ports: { readonly tcp: number; readonly ws: number }
  events(): Promise<Record<string, unknown>[]>
}

/** As the Dockerfile says, but for ports, the name of the volume, and who is allowed. It goes away after the test. */
async function startContainer(allow: string, ...more: string[]): Promise<Container> {
  const name = `${TAG}-${hex(crypto.randomBytes(4))}`
  const [tcp = 0, ws = 0] = await freePorts(2)
  const [run = '', ...words] = runWords().map((word) =>
    word
      .replace('<keys>', allow)
      .replace(/^relay:/, `${name}:`)
      .replace(/^4989:/, `127.0.0.1:${tcp}:`)
      .replace(/^8443:/, `127.0.0.1:${ws}:`)
      .replace(/^cloudpal-relay$/, TAG)
  )
  testCleanup().defer('network', async () => {
    await engine('rm', '--force', '--volumes', name)
    await engine('volume', 'rm', name)
  })
  await engine(run, '--name', name, ...more, ...words)
  const events = async (): Promise<Record<string, unknown>[]> =>
    (await logsOf(name)).stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { name, ports: { tcp, ws }, events }
}

/** The same, of these devices; waits until it serves. */
async function startServing(
  devices: readonly { publicKey: Uint8Array }[]
): Promise<Container & { tcp: RelayAddress; ws: RelayAddress }> {
  const container = await startContainer(devices.map(({ publicKey }) => hex(publicKey)).join(','))
  const [listening] = await until(async () => {
    const events = await container.events()
    return events.length > 0 ? events : null
  })
  const publicKey = Buffer.from(String(listening?.['key']), 'hex')
  const { tcp, ws } = container.ports
  return {
    ...container,
    tcp: { publicKey, tcp: { host: '127.0.0.1', port: tcp } },
    ws: { publicKey, ws: `ws://127.0.0.1:${ws}` }
  }
}

/** Runs the health check of the image in it. @returns the exit code */
async function healthOf({ name }: Container): Promise<number> {
  const text = await engine('inspect', '--format', '{{json .Config.Healthcheck.Test}}', name)
  const [kind, ...words] = JSON.parse(text) as string[]
  expect(kind).toBe('CMD')
  return codeOf(['exec', name, ...words])
}

async function codeOf(words: readonly string[]): Promise<number> {
  return engine(...words).then(
    () => 0,
    (error: unknown) => Number((error as { code: unknown }).code)
  )
}

describe.skipIf(whyNoImage !== null)('the image, of the package as it is published', () => {
  const cleanup = new Cleanup()
  beforeAll(async () => {
    const registry = await startRegistry(cleanup)
    cleanup.defer('files', () => engine('image', 'rm', '--force', TAG))
    await buildImage(TAG, registry, await tmpDir({ cleanup }))
  }, 600_000)
  afterAll(() => cleanup.run(), 60_000)

  test('two devices replicate through it, one over TCP and one over WebSocket, and again when it has been stopped and started', async () => {
    const [a, b] = twoKeyPairs()
    const relay = await startServing([a, b])
    expect(await healthOf(relay)).toBe(0)
    const [mine, theirs] = [await tmpStore(), await tmpStore()]
    const bob = await startDevice(b, { relays: [relay.ws] })
    bob.on('connection', (connection: Connection) => theirs.replicate(asStream(connection)))
    const ends: string[] = []
    bob.on('unregistered', (_: unknown, { code }: { code: string }) => ends.push(code))
    const alice = await startDevice(a, { relays: [relay.tcp] })
    await until(() => bob.registeredAt.length === 1)
    const core = theirs.get({ name: 'core' })
    await core.append(['one', 'two'])
    const connection = alice.connect(b.publicKey)
    mine.replicate(asStream(connection))
    const copy = mine.get({ key: core.key })
    await copy.ready()
    expect(String(await copy.get(1))).toBe('two')
    expect(connection.path).toMatchObject({ kind: 'relay', transport: 'tcp' })

    await engine('stop', relay.name)
    expect(await engine('inspect', '--format', '{{.State.ExitCode}}', relay.name)).toBe('0')
    // Between the two last it may have refused those who came back too soon.
    const said = (await relay.events()).map(({ event }) => event)
    expect(said.filter((event) => event !== 'refused')).toEqual(['listening', 'draining', 'closed'])
    expect(ends).toContain('RELAY_DRAINING')
    // Its key is in the volume, so that this is the same relay.
    await engine('start', relay.name)
    await core.append('three')
    expect(String(await copy.get(2))).toBe('three')
    expect(connection.destroyed).toBe(false)
  })

  test('it is nobody’s root, has no rights, can write nothing but its key, and that only it can read', async () => {
    const [a] = twoKeyPairs()
    const relay = await startServing([a])
    const within = (script: string): Promise<string> => engine('exec', relay.name, 'sh', '-c', script)
    expect(await within('id -un')).toBe('node')
    const status = await within('cat /proc/$(pidof node)/status')
    expect(/^CapEff:\s+(\S+)$/m.exec(status)?.[1]).toBe('0'.repeat(16))
    expect(/^NoNewPrivs:\s+(\S+)$/m.exec(status)?.[1]).toBe('1')
    expect(/^Seccomp:\s+(\S+)$/m.exec(status)?.[1]).toBe('2')
    for (const folder of ['/', '/opt/cloudpal-relay', '/home/node'])
      expect([folder, await within(`touch ${folder}/mark 2>&1 || true`)]).toEqual([
        folder,
        expect.stringMatching(/Read-only file system|Permission denied/)
      ])
    expect(await within('ls -l /var/lib/cloudpal-relay')).toMatch(
      /^total \d+\n-rw------- 1 node node 65 .* relay\.key$/
    )
  })

  test('hyperdht is in it, for devices that come over UDP', async () => {
    const udp = ['UDP_PORT=49737', 'BOOTSTRAP_HOST=127.0.0.1'].flatMap((one) => [
      '--env',
      `CLOUDPAL_RELAY_${one}`
    ])
    const { events } = await startContainer(hex(crypto.keyPair().publicKey), ...udp)
    await until(async () => (await events()).length > 0)
    expect((await events())[0]).toMatchObject({ event: 'listening', udp: 49_737 })
  })

  test('without devices it says what is missing, and ends', async () => {
    const { name } = await startContainer('')
    expect(await engine('wait', name)).toBe('2')
    expect(await logsOf(name)).toEqual({
      stdout: '',
      stderr: expect.stringMatching(/^RELAY_BAD_ARGUMENT: give --allow or --issuer/)
    })
  })

  test('it masks WebSockets in C where that is built, and has nothing of other systems in it', async () => {
    const within = (words: string[]): Promise<string> =>
      engine('run', '--rm', '--network', 'none', '--entrypoint', words[0] ?? '', TAG, ...words.slice(1))
    const found = await within(['find', '/opt/cloudpal-relay', '-path', '*/prebuilds/*', '-type', 'd'])
    const systems = new Set(found.split('\n').map((path) => path.replace(/.*\//, '')))
    expect([...systems].filter((system) => !system.startsWith('linux-'))).toEqual([])
    expect(systems).toContain(`linux-${process.arch}`)
    const script = `import('/opt/cloudpal-relay/node_modules/bufferutil/index.js').then(({ default: { mask } }) => console.log(mask.toString()))`
    if (process.arch === 'x64') expect(await within(['node', '-e', script])).toContain('[native code]')
    const { image, base } = await sizesOf(TAG)
    console.log(`The image has ${megabytes(image)} MB, of which ${megabytes(image - base)} are not Node's.`)
    expect(image - base).toBeLessThan(30_000_000)
  })
})

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
