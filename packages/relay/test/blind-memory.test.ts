import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import { token } from 'blind-relay'
import HyperDHT from 'hyperdht'
import { expect, test } from 'vitest'
import { freePort } from './free-port.ts'
import { searchMemory, whyNoMemory } from './memory-of.ts'
import { startDevice } from './relays.ts'
import { dial, type End, pairHalf } from './udp/udp-relay.ts'

if (whyNoMemory !== null) console.warn(`Skipped: the memory of a relay. ${whyNoMemory}.`)

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

interface Child {
  readonly pid: number
  readonly said: Record<string, unknown>[]
  tell(word: string): void
}

function start(script: string, words: string[]): Child {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, script), ...words], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  testCleanup().defer('network', () => void child.kill('SIGKILL'))
  const said: Record<string, unknown>[] = []
  const out = child.stdout as NonNullable<ChildProcess['stdout']>
  createInterface(out).on('line', (line) => said.push(JSON.parse(line) as Record<string, unknown>))
  return { pid: child.pid ?? 0, said, tell: (word) => void child.stdin?.write(`${word}\n`) }
}

/** What nobody but the two may have: as it is, and as text, in which programs may have it too. */
function needlesOf(canary: Buffer, a: KeyPair, b: KeyPair): Record<string, Buffer> {
  const secrets = {
    canary,
    'seed of a': seedOf(a),
    'seed of b': seedOf(b)
  }
  return Object.fromEntries(
    Object.entries(secrets).flatMap(([name, bytes]) => [
      [name, bytes],
      [`${name}, hex`, Buffer.from(hex(bytes))]
    ])
  )
}

function seedOf({ secretKey }: KeyPair): Buffer {
  return Buffer.from(secretKey.subarray(0, 32))
}

/** A relay in a process of its own. */
async function startProgram(
  devices: readonly KeyPair[],
  ports: string[]
): Promise<Child & { readonly key: Buffer; readonly tcp: number; readonly ws: number }> {
  const words = ['serve', '--key-file', join(await tmpDir(), 'relay.key'), '--host', '127.0.0.1', '--json']
  const allow = ['--allow', devices.map(({ publicKey }) => hex(publicKey)).join(',')]
  const relay = start('../dist/cli/bin.js', [...words, ...ports, ...allow])
  await until(() => relay.said.length > 0)
  if ('udp' in (relay.said[0] ?? {}))
    await until(() => relay.said.some(({ event }) => event === 'udp listening'))
  const { key, tcp, ws } = relay.said[0] as { key: string; tcp: number; ws: number }
  return { ...relay, key: Buffer.from(key, 'hex'), tcp, ws }
}

/** Looks three times, each time after a megabyte more has arrived. */
async function findsOnly(
  { pid }: Child,
  needles: Record<string, Buffer>,
  expected: string[],
  arrived: () => number
): Promise<void> {
  for (let look = 0; look < 3; look++) {
    const before = arrived()
    await until(() => arrived() > before + 1_000_000)
    const { found, searched } = searchMemory(pid, needles)
    expect(found).toEqual(expected)
    expect(searched).toBeGreaterThan(10_000_000)
  }
}

/** Says the canary, again and again, until the test is over. */
function sayForEver(
  connection: { write(data: Uint8Array): boolean; on(event: 'drain', fn: () => void): unknown },
  canary: Uint8Array
): void {
  let isOver = false
  testCleanup().defer('swarm', () => void (isOver = true))
  const chunk = Buffer.concat(Array.from({ length: 1_000 }, () => canary))
  const more = (): void => {
    while (connection.write(Buffer.from(chunk))) if (isOver) return
  }
  connection.on('drain', more)
  more()
}

test.skipIf(whyNoMemory !== null)(
  'the memory of a relay that carries has no byte of what is said, and no secret key of a device',
  async () => {
    const [a, b] = [crypto.keyPair(), crypto.keyPair()]
    const relay = await startProgram([a, b], ['--tcp-port', '0', '--ws-port', '0'])
    // One over TCP, the other one over WebSocket, whose masks are a copy more.
    const url = `ws://127.0.0.1:${relay.ws}`
    const config = { relay: hex(relay.key), url, seed: hex(seedOf(b)) }
    const hearing = start('processes/hearing-device.mjs', [JSON.stringify(config)])
    await until(() => hearing.said.length > 0)
    const relays = [{ publicKey: relay.key, tcp: { host: '127.0.0.1', port: relay.tcp } }]
    const alice = await startDevice(a, { relays })
    const connection = alice.connect(b.publicKey)
    await connection.opened
    const canary = Buffer.from(crypto.randomBytes(48))
    const needles = needlesOf(canary, a, b)
    sayForEver(connection, canary)
    const arrived = (): number => {
      hearing.tell('how much')
      return Number(hearing.said.at(-1)?.['bytes'] ?? 0)
    }
    // The relay does know whom it serves: so its memory was seen.
    await findsOnly(relay, { ...needles, 'key of b': Buffer.from(b.publicKey) }, ['key of b'], arrived)
    // The search is worth something: where the canary is, it is found.
    const { found } = searchMemory(hearing.pid, needles)
    expect(found).toEqual(['canary', 'seed of b', 'seed of b, hex'])
  }
)

test.skipIf(whyNoMemory !== null)('over UDP the memory of a relay has none of it either', async () => {
  const [a, b] = [crypto.keyPair(), crypto.keyPair()]
  const port = await freePort()
  const relay = await startProgram([a, b], ['--udp-port', String(port), '--bootstrap-host', '127.0.0.1'])
  const secret = token()
  const half = async (keyPair: KeyPair, isInitiator: boolean): Promise<End> => {
    const node = new HyperDHT({ host: '127.0.0.1', bootstrap: [{ host: '127.0.0.1', port }], keyPair })
    testCleanup().defer('network', () => node.destroy({ force: true }))
    return pairHalf(await dial(node, relay.key), isInitiator, secret, keyPair)
  }
  const [from, to] = await Promise.all([half(a, true), half(b, false)])
  await to.noise.opened
  let bytes = 0
  to.noise.on('data', (data) => (bytes += data.length))
  const canary = Buffer.from(crypto.randomBytes(48))
  sayForEver(from.noise, canary)
  const needles = { ...needlesOf(canary, a, b), 'key of b': Buffer.from(b.publicKey) }
  await findsOnly(relay, needles, ['key of b'], () => bytes)
})
