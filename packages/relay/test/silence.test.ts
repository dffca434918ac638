import crypto from 'hypercore-crypto'
import { type FakeClock, fakeClock, testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { RelayLink } from '../src/paths/relay-link.ts'
import { MAX_DATA_BYTES } from '../src/protocol/frames.ts'
import type { RelayServer, RelayServerOptions } from '../src/server/index.ts'
import type { WireEvents } from '../src/wires/wire.ts'
import { asPath, greet } from './links.ts'
import { wirePair } from './memory-wire.ts'
import { startRelay, twoKeyPairs } from './relays.ts'

/** Lets the time pass, until the relay has looked who has been silent for too long. */
async function pass(relay: RelayServer, clock: FakeClock, ms: number): Promise<void> {
  // Somebody whose time is over after 1 ms: whoever else is to go, goes with it.
  const [near, far] = wirePair()
  let isOver = false
  near.start({ onbytes: () => {}, ondrain: () => {}, onclose: () => (isOver = true) })
  relay.accept(far)
  clock.advance(ms)
  await until(() => isOver)
}

/** Codes of refusals of devices that are known. */
function refusals(relay: RelayServer): string[] {
  const codes: string[] = []
  relay.on('refused', ({ code }: { code: string }, device: Uint8Array | null) => {
    if (device !== null) codes.push(code)
  })
  return codes
}

type Case = [string, Partial<RelayServerOptions>, number]

test.each<Case>([
  ['90 s', {}, 90_000],
  ['as long as the relay bears it', { idleMs: 7_000 }, 7_000]
])(
  'a session in which both sides are silent for %s ends, and one in which one side talks goes on',
  async (_, options, idleMs) => {
    const clock = fakeClock(1_000)
    const [a, b] = twoKeyPairs()
    const { relay, address } = await startRelay([a, b], { now: clock.now, greetingMs: 1, ...options })
    const target = greet(address, b, (link) => link.register(30_000))
    await until(() => target.seen.includes('registered'))
    const opener = greet(address, a, (link) => link.open(b.publicKey))
    await until(() => opener.seen.includes('opened') && target.seen.includes('incoming'))
    const [near, far] = [asPath(opener), asPath(target)]
    await pass(relay, clock, idleMs - 1)
    expect(relay.sessions).toBe(1)
    opener.link.send([new Uint8Array(1)])
    await until(() => far.messages.length === 1)
    await pass(relay, clock, idleMs - 1)
    expect(relay.sessions).toBe(1)
    await pass(relay, clock, 1)
    await until(() => near.ended && far.ended)
    // One is told why, and the other one that it is gone.
    expect([near.ended, far.ended]).toContain('RELAY_TIMEOUT')
    expect(relay.sessions).toBe(0)
  }
)

test.each<Case>([
  ['60 s', {}, 60_000],
  ['as long as the relay bears it', { stalledMs: 7_000 }, 7_000]
])(
  'a session of which one side takes nothing for %s ends, and one that takes something goes on',
  async (_, options, stalledMs) => {
    const clock = fakeClock(1_000)
    const [a, b] = twoKeyPairs()
    const { relay, address } = await startRelay([a, b], { now: clock.now, greetingMs: 1, ...options })
    const codes = refusals(relay)
    const [near, far] = wirePair()
    const events: WireEvents[] = []
    const { start, write } = far
    far.start = (given) => {
      events.push(given)
      start(given)
    }
    let isReached = false
    const target: RelayLink = new RelayLink(
      near,
      { keyPair: b, relay: relay.publicKey, grant: null },
      {
        onwelcome: () => target.register(30_000),
        onincoming: () => (isReached = true),
        onclose: () => {}
      }
    )
    testCleanup().defer('stream', () => target.destroy())
    relay.accept(far)
    await until(() => relay.registered === 1)
    const opener = greet(address, a, (link) => link.open(b.publicKey))
    await until(() => opener.seen.includes('opened') && isReached)
    // From here on each write is more than its socket takes.
    let written = 0
    far.write = (...parts) => {
      write(...parts)
      written++
      return false
    }
    const send = async (): Promise<void> => {
      const before = written
      opener.link.send([new Uint8Array(MAX_DATA_BYTES)])
      await until(() => written > before)
    }
    await send()
    await pass(relay, clock, stalledMs - 1)
    events[0]?.ondrain()
    await send()
    await pass(relay, clock, stalledMs - 1)
    expect([relay.sessions, codes]).toEqual([1, []])
    await pass(relay, clock, 1)
    expect([relay.sessions, codes]).toEqual([0, ['RELAY_TIMEOUT']])
    await until(() => relay.connections === 0)
  }
)

test('a registration may be silent for two and a half times its keep-alive, of which less than 1 s counts as that, and more than 1 h', async () => {
  const clock = fakeClock(1_000)
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { now: clock.now, greetingMs: 1 })
  const short = greet(address, a, (link) => link.register(1))
  const long = greet(address, b, (link) => link.register(2 ** 32 - 1))
  await until(() => relay.registered === 2)
  await pass(relay, clock, 2_499)
  expect(relay.registered).toBe(2)
  await pass(relay, clock, 1)
  expect(relay.registered).toBe(1)
  await pass(relay, clock, 9_000_000 - 2_500 - 1)
  expect(relay.registered).toBe(1)
  await pass(relay, clock, 1)
  await until(() => short.ended && long.ended)
  expect([relay.registered, short.ended, long.ended]).toEqual([0, 'RELAY_TIMEOUT', 'RELAY_TIMEOUT'])
})

test('a ping says how long a registration may be silent from then on, and nothing of a session', async () => {
  const clock = fakeClock(1_000)
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { now: clock.now, greetingMs: 1, idleMs: 7_000 })
  const target = greet(address, b, (link) => link.register(30_000))
  await until(() => target.seen.includes('registered'))
  const ping = async (link: typeof target, keepAliveMs: number): Promise<void> => {
    const count = link.seen.length
    link.link.ping(keepAliveMs)
    await until(() => link.seen.length > count)
  }
  await ping(target, 60_000)
  await pass(relay, clock, 149_999)
  expect(relay.registered).toBe(1)
  await ping(target, 1_000)
  await pass(relay, clock, 2_499)
  expect(relay.registered).toBe(1)
  await ping(target, 2_000)
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => opener.seen.includes('opened') && target.seen.includes('incoming'))
  await ping(opener, 60_000)
  await pass(relay, clock, 6_999)
  expect(relay.sessions).toBe(1)
  await pass(relay, clock, 1)
  expect(relay.sessions).toBe(0)
})

test('who waits for a target that does not come back is told so as a timeout, after as long as the relay waits', async () => {
  const clock = fakeClock(1_000)
  const [a, b] = twoKeyPairs()
  const c = crypto.keyPair()
  const { relay, address } = await startRelay([a, b, c], {
    now: clock.now,
    greetingMs: 1,
    reparkMs: 3_000
  })
  const target = greet(address, b, (link) => link.register(30_000))
  await until(() => target.seen.includes('registered'))
  const first = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => first.seen.includes('opened'))
  const waits = greet(address, c, (link) => link.open(b.publicKey))
  await until(() => waits.seen.includes('welcome'))
  waits.link.ping()
  await until(() => waits.seen.includes('pong'))
  await pass(relay, clock, 2_999)
  expect(waits.ended).toBe(null)
  await pass(relay, clock, 1)
  await until(() => waits.ended)
  expect(waits.ended).toBe('RELAY_TIMEOUT')
  const late = greet(address, c, (link) => link.open(b.publicKey))
  await until(() => late.ended)
  expect(late.ended).toBe('RELAY_NOT_REGISTERED')
})

test('who is refused and does not go is cut off after as long as a greeting may take', async () => {
  const clock = fakeClock(1_000)
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { now: clock.now, greetingMs: 5_000 })
  const parked = greet(address, a, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
  // It reads nothing, and so does not hear that the relay has closed.
  parked.wire.pause()
  relay.policy.revoke(a.publicKey)
  expect([relay.registered, relay.connections]).toEqual([0, 1])
  clock.advance(5_000)
  await until(() => relay.connections === 0)
})
