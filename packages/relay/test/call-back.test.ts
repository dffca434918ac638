import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { testCleanup, until } from '@cloudpal/test-kit'
import type { KeyPair } from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { CallBack, type CallBackOptions } from '../src/client/call-back.ts'
import { TIMES } from '../src/client/options.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import type { Connection, RelayAddress, RelayClient } from '../src/index.ts'
import type { Path } from '../src/paths/path.ts'
import { asPath, greet } from './links.ts'
import { listening } from './listening.ts'
import { dataFrame, onFrames } from './meddling.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { receiveCounting, sendCounting } from './streams.ts'
import { startSwitch, type SwitchProxy } from './switch-proxy.ts'

/** First byte of a call. */
const CALL = 6
/** Longer than a test. */
const NEVER_MS = 600_000

interface Meeting {
  /** Who has begun, and never asks whether a path is alive. */
  readonly alice: RelayClient
  readonly connection: Connection
  readonly other: Connection
  /** Between Alice and the first relay. */
  readonly wall: SwitchProxy
  /** Between Bob and the second one. */
  readonly second: SwitchProxy
  readonly relays: readonly RelayAddress[]
  /** Bob's. */
  readonly keys: KeyPair
}

async function meet(): Promise<Meeting> {
  const [a, b] = twoKeyPairs()
  const [one, two] = [await startRelay([a, b]), await startRelay([a, b])]
  const [wall, second] = [
    await startSwitch(one.relay.ports.tcp ?? 0),
    await startSwitch(two.relay.ports.tcp ?? 0)
  ]
  wall.on = second.on = true
  const at = ({ address }: typeof one, { port }: SwitchProxy): RelayAddress => ({
    ...address,
    tcp: { host: '127.0.0.1', port }
  })
  const alice = await startDevice(a, {
    relays: [at(one, wall), two.address],
    // And goes through the first, however late that answers.
    times: { staggerMs: NEVER_MS, probeMs: NEVER_MS, idleProbeMs: NEVER_MS, deadMs: NEVER_MS }
  })
  const bob = await startDevice(b, {
    relays: [one.address, at(two, second)],
    // No path but a frozen one is silent for so long, however busy the machine is.
    times: { probeMs: 50, deadMs: 1_500, retryMs: 20 }
  })
  await until(() => bob.registeredAt.length === 2 && alice.registeredAt.length === 2)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const other = await incoming
  expect(connection.path?.relay).toEqual(one.relay.publicKey)
  return { alice, connection, other, wall, second, relays: [one.address, two.address], keys: b }
}

test('a device that was reached calls who has reached it, when it has something to say and the path is dead', async () => {
  const { connection, other, wall, relays } = await meet()
  const received = receiveCounting(connection, 100_000)
  wall.frozen = true
  await sendCounting(other, 100_000)
  expect(await received).toBe(-1)
  expect(connection.path?.relay).toEqual(relays[1]?.publicKey)
  expect(other.path?.relay).toEqual(relays[1]?.publicKey)
})

test('a call that was lost is repeated', async () => {
  const { connection, other, wall, second } = await meet()
  const received = receiveCounting(connection, 1_000)
  let calls = 0
  second.meddle = onFrames('in', (one) => {
    if (one[0] !== FRAME.DATA || one[HEADER_BYTES] !== CALL || ++calls > 1) return [one]
    // Nor does Bob hear that nobody will answer.
    return [dataFrame(new Uint8Array(1))]
  })
  wall.frozen = true
  await sendCounting(other, 1_000)
  expect(await received).toBe(-1)
  expect(calls).toBeGreaterThan(1)
})

test('a call that somebody else repeats, or has made up, moves nothing', async () => {
  const { alice, connection, other, wall, second, relays, keys } = await meet()
  const received = receiveCounting(connection, 1_000)
  const calls: Buffer[] = []
  second.meddle = onFrames('in', (one) => {
    if (one[0] === FRAME.DATA && one[HEADER_BYTES] === CALL) calls.push(one.subarray(HEADER_BYTES))
    return [one]
  })
  wall.frozen = true
  await sendCounting(other, 1_000)
  expect(await received).toBe(-1)
  const [call = Buffer.alloc(0)] = calls
  const forged = Buffer.from(call)
  // Another number, and the MAC of the first.
  forged.writeUInt32LE(1_000, 17)
  const paths: unknown[] = []
  connection.on('path', (path) => paths.push(path))
  for (const said of [call, forged]) {
    const link = greet(relays[1] as RelayAddress, keys, (one) => one.open(alice.publicKey))
    await until(() => link.seen.includes('opened'))
    const path = asPath(link)
    link.link.send([said])
    await until(() => path.ended)
    expect(path.messages).toEqual([])
  }
  expect(paths).toEqual([])
  expect(connection.path?.relay).toEqual(relays[1]?.publicKey)
})

test('a device that can be reached is, also when it was the one that has begun and the other cannot be', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const alice = await startDevice(a, {
    relays: [address],
    listen: { host: '127.0.0.1' },
    times: { deadMs: NEVER_MS }
  })
  const bob = await startDevice(b, { relays: [address], times: { retryMs: 5, deadMs: NEVER_MS } })
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(b.publicKey)
  expect(await connection.opened).toBe(true)
  const other = await incoming
  const [there, back] = [receiveCounting(other, 5_000_000), receiveCounting(connection, 5_000_000)]
  await Promise.all([sendCounting(connection, 5_000_000), sendCounting(other, 5_000_000)])
  expect(await Promise.all([there, back])).toEqual([-1, -1])
  const direct = { kind: 'tcp', relay: null, transport: 'tcp' }
  await until(() => relay.sessions === 0)
  expect([connection.path, other.path]).toEqual([direct, direct])
})

test('a device that names this machine is called there', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  let tried = 0
  const { port } = await listening(() => tried++)
  const announce = [`127.0.0.1:${port}`]
  const alice = await startDevice(a, { relays: [address], listen: { host: '127.0.0.1', announce } })
  const bob = await startDevice(b, { relays: [address], times: { retryMs: 1 } })
  await until(() => bob.registeredAt.length === 1)
  expect(await alice.connect(b.publicKey).opened).toBe(true)
  await until(() => tried > 0)
})

/** On a connection that says where it goes, and does nothing else. */
function calling(connection: { readonly path: object }, options: Partial<CallBackOptions> = {}): CallBack {
  return new CallBack({
    keyPair: twoKeyPairs()[0],
    target: new Uint8Array(32),
    relays: () => [],
    candidates: { tcp: ['127.0.0.1:1'], udp: new Uint8Array(0) },
    peerAddresses: 'machine',
    times: TIMES,
    connection,
    session: new Uint8Array(16),
    secret: new Uint8Array(32),
    accept: () => {},
    ...options
  } as unknown as CallBackOptions)
}

test('where direct paths fail soon, a device is called there less and less often, until one has lasted', () => {
  vi.useFakeTimers()
  testCleanup().defer('stream', () => void vi.useRealTimers())
  const relayed = { kind: 'relay', relay: new Uint8Array(32), transport: 'tcp' }
  const direct = { kind: 'tcp', relay: null, transport: 'tcp' }
  const connection: { path: object } = { path: relayed }
  const calls = calling(connection)
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const pauses = (): unknown[] => timers.mock.calls.splice(0).map(([, ms]) => ms)
  const moved = (path: object): void => {
    Object.assign(connection, { path })
    calls.moved()
  }
  for (let i = 0; i < 3; i++) {
    moved(relayed)
    moved(direct)
    vi.advanceTimersByTime(2_000)
  }
  expect(pauses()).toEqual([4_000, 8_000, 16_000])
  vi.advanceTimersByTime(60_000)
  moved(relayed)
  expect(pauses()).toEqual([4_000])
})

test.each(['internet', 'machine'] as const)(
  'an app that says %s has its say in where a device is called',
  (peerAddresses) => {
    vi.useFakeTimers()
    testCleanup().defer('stream', () => void vi.useRealTimers())
    const relayed = { kind: 'relay', relay: new Uint8Array(32), transport: 'tcp' }
    const connection = { path: relayed }
    calling(connection, { peerAddresses }).moved()
    // What it would call, it calls after a pause.
    expect(vi.getTimerCount()).toBe(peerAddresses === 'machine' ? 1 : 0)
  }
)

test('addresses that a device is called at in vain leave nothing behind', async () => {
  const tried: WeakRef<Path>[] = []
  const relayed = { kind: 'relay', relay: new Uint8Array(32), transport: 'tcp' }
  const connection = { path: relayed }
  const calls = calling(connection, {
    times: { ...TIMES, retryMs: 1 },
    accept: (path, onclosed) => {
      tried.push(new WeakRef(path))
      path.start({ onmessage: () => {}, ondrain: () => {}, onclose: onclosed })
    }
  })
  testCleanup().defer('stream', () => calls.stop())
  calls.moved()
  await until(() => tried.length >= 10)
  v8.setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const left = (): number => tried.slice(0, 8).filter((one) => one.deref() !== undefined).length
  const kept = (): string => `${left()} of 8 paths are held, by ${calls.constructor.name}`
  await until(
    () => {
      collect()
      return left() === 0
    },
    { message: kept }
  )
})
