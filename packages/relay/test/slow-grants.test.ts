import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createGrant } from '../src/index.ts'
import type { RelayServer } from '../src/server/index.ts'
import type { Wire } from '../src/wires/wire.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { timedWires } from './timed-wires.ts'

/** Where all dials lead to. */
const network = vi.hoisted(() => ({ relay: null as RelayServer | null }))

vi.mock('../src/addresses/dial-relay-wire.ts', () => ({
  dialRelayWire: (): Wire => {
    const [near, far] = timedWires()
    network.relay?.accept(far)
    return near
  }
}))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const BYTES_PER_SECOND = 65_536
const TOTAL = 800_000

test.each([1, 2, 4, 8])(
  '%i paths that share a slow grant are slow, and not taken for dead',
  async (count) => {
    const [owner, a] = twoKeyPairs()
    const b = crypto.keyPair()
    const { relay } = await startRelay([b], { issuers: [owner.publicKey], tcp: null, ws: null })
    network.relay = relay
    const expiresAt = Date.now() + 600_000
    const grant = createGrant(owner, { device: a.publicKey, bytesPerSecond: BYTES_PER_SECOND, expiresAt })
    const address = { publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: 1 } }
    const alice = await startDevice(a, { relays: [{ ...address, grant }] })
    const bob = await startDevice(b, { relays: [address] })
    const failures: string[] = []
    for (const device of [alice, bob])
      device.on('path-failed', (_: unknown, error: { code: string }) => failures.push(error.code))
    const outcomes: string[] = []
    bob.on('connection', (connection) => {
      void receiveCounting(connection, TOTAL / count).then(
        (at) => outcomes.push(String(at)),
        (error: unknown) => outcomes.push(String(error))
      )
    })
    await vi.advanceTimersByTimeAsync(1_000)
    const connections = Array.from({ length: count }, () => alice.connect(b.publicKey))
    await vi.advanceTimersByTimeAsync(1_000)
    for (const connection of connections) void sendCounting(connection, TOTAL / count).catch(() => {})
    // A second's worth goes at once.
    const seconds = TOTAL / BYTES_PER_SECOND - 1
    await vi.advanceTimersByTimeAsync(900 * seconds)
    expect(outcomes).not.toHaveLength(count)
    await vi.advanceTimersByTimeAsync(300 * seconds)
    expect([outcomes, failures]).toEqual([connections.map(() => '-1'), []])
    const closed = Promise.all([alice.close(), bob.close(), relay.close()])
    await vi.advanceTimersByTimeAsync(60_000)
    await closed
  }
)
