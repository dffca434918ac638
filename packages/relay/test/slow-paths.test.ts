import { testCleanup } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TIMES } from '../src/client/options.ts'
import { Line } from '../src/paths/line.ts'
import { SecretConnection } from '../src/session/secret-connection.ts'
import { LeftPaths } from '../src/session/left-paths.ts'
import { Session } from '../src/session/session.ts'
import { twoKeyPairs } from './relays.ts'
import { type Link, slowPaths } from './slow-paths.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const none = (): void => {}
const WINDOWS = { own: 1 << 22, theirs: 1 << 22 }

/** Two devices with one path between them, from Alice to Bob. */
function connect(link: Link): { alice: SecretConnection; failures: string[]; read: () => number } {
  const paths = slowPaths(link)
  const failures: string[] = []
  const secret = crypto.randomBytes(32)
  const [tx, rx, hash] = [crypto.randomBytes(32), crypto.randomBytes(32), crypto.randomBytes(64)]
  const keyPairs = twoKeyPairs()
  const end = (me: 0 | 1): SecretConnection => {
    const [own, other] = [keyPairs[me].publicKey, keyPairs[me === 0 ? 1 : 0].publicKey]
    const connection = new SecretConnection(me === 0, own, other)
    connection.on('error', none)
    testCleanup().defer('stream', () => connection.destroy())
    const onfailed = (_: unknown, { code }: { code: string }): void => void failures.push(code)
    const told = { onlonely: none, onconfirmed: none, onover: none, onmoved: none, onfailed }
    const session = new Session({
      id: new Uint8Array(16),
      secret,
      connection,
      left: new LeftPaths(),
      times: TIMES,
      windows: WINDOWS,
      ...told
    })
    const keys = me === 0 ? { tx, rx } : { tx: rx, rx: tx }
    session.begin(new Line(paths[me]), { ...keys, hash, remotePublicKey: other })
    return connection
  }
  const [alice, bob] = [end(0), end(1)]
  let read = 0
  bob.on('data', (data: Uint8Array) => {
    read += data.length
  })
  return { alice, failures, read: () => read }
}

/** 64 KiB at once, as replication writes. */
function write(connection: SecretConnection, bytes: number): void {
  for (let left = bytes; left > 0; left -= 65_536) connection.write(new Uint8Array(Math.min(left, 65_536)))
}

test.each([
  [2_000, 300],
  [8_000, 100],
  [20_000, 600],
  [200_000, 40]
])(
  '%i bytes a second, %i ms away: a path that is slow is no dead one, and all arrives',
  async (bytesPerSecond, latencyMs) => {
    const { alice, failures, read } = connect({ bytesPerSecond, latencyMs })
    const bytes = 4 * 65_536
    write(alice, bytes)
    await vi.advanceTimersByTimeAsync((1.5 * 1_000 * bytes) / bytesPerSecond)
    expect([failures, read()]).toEqual([[], bytes])
  }
)

test.each([
  [10e6, 50],
  [100e6, 5],
  [1e6, 400]
])(
  '%i bytes a second, %i ms away: a path that is fast carries nearly what it can',
  async (bytesPerSecond, latencyMs) => {
    const { alice, failures, read } = connect({ bytesPerSecond, latencyMs })
    const bytes = Math.min(40e6, 5 * bytesPerSecond)
    write(alice, bytes)
    // Ten round trips are what it takes to learn that.
    await vi.advanceTimersByTimeAsync(20 * latencyMs + (1.2 * 1_000 * bytes) / bytesPerSecond)
    expect([failures, read()]).toEqual([[], bytes])
  }
)

test('a path that becomes four times slower while it carries is kept', async () => {
  const link = { bytesPerSecond: 400_000, latencyMs: 30 }
  const { alice, failures, read } = connect(link)
  write(alice, 4e6)
  await vi.advanceTimersByTimeAsync(3_000)
  link.bytesPerSecond = 100_000
  await vi.advanceTimersByTimeAsync(60_000)
  expect([failures, read()]).toEqual([[], 4e6])
})

test('what is under way on a slow path is little: what is urgent waits for seconds, not for minutes', async () => {
  const { alice, read } = connect({ bytesPerSecond: 20_000, latencyMs: 50 })
  write(alice, 1e6)
  await vi.advanceTimersByTimeAsync(20_000)
  const before = read()
  alice.destroy()
  await vi.advanceTimersByTimeAsync(60_000)
  // What still came is what had been given to the path.
  expect(read() - before).toBeLessThan(60_000)
})

test('a path that is farther away than it was carries nearly what it can still', async () => {
  const link = { bytesPerSecond: 2e6, latencyMs: 20 }
  const { alice, failures, read } = connect(link)
  write(alice, 200e6)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(read()).toBeGreaterThan(6e6)
  link.latencyMs = 200
  await vi.advanceTimersByTimeAsync(20_000)
  const before = read()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(failures).toEqual([])
  expect((read() - before) / 20).toBeGreaterThan(1e6)
})
