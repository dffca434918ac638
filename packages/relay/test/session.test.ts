import crypto from 'hypercore-crypto'
import { testCleanup } from '@cloudpal/test-kit'
import { expect, test, vi } from 'vitest'
import { TIMES } from '../src/client/options.ts'
import { FLOW, flowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { Line } from '../src/paths/line.ts'
import { joinGreeting } from '../src/session/greeting.ts'
import { LeftPaths } from '../src/session/left-paths.ts'
import { PathSeal } from '../src/session/path-seal.ts'
import { SecretConnection } from '../src/session/secret-connection.ts'
import { Session } from '../src/session/session.ts'
import type { SessionTimes } from '../src/session/times.ts'
import { hello, responder, secretOf, TestPath } from './reached.ts'

type Frame = readonly [head: Uint8Array, bytes?: Uint8Array]

/** A device that has begun a session, and then says what it likes. @returns what comes of it */
async function saying(
  frames: readonly Frame[],
  change = (message: Buffer): Buffer => message
): Promise<{ code: unknown; path: TestPath }> {
  let ended: (code: unknown) => void = () => {}
  const code = new Promise((resolve) => (ended = resolve))
  const to = responder((connection) =>
    connection.on('error', (error) => ended((error as { code?: string }).code))
  )
  const session = crypto.randomBytes(16)
  const offered = hello(to, crypto.keyPair(), session)
  const { path } = offered
  const secret = secretOf(offered)
  path.events?.onmessage(joinGreeting(session, 0, secret))
  const seal = new PathSeal(secret, 0, true)
  for (const [head, bytes] of frames) path.events?.onmessage(change(Buffer.concat(seal.seal(head, bytes))))
  const nothing = new Promise((resolve) => setImmediate(() => resolve(null)))
  return { code: await Promise.race([code, nothing]), path }
}

const probe: Frame = [flowFrame({ type: 'probe' })]

test('what follows the protocol ends nothing, and is answered', async () => {
  const { code, path } = await saying([probe, [flowFrame({ type: 'ack', offset: 0 })]])
  expect([code, path.closed]).toEqual([null, false])
  expect(path.sent.map(([type]) => type)).toContain(flowFrame({ type: 'probed' })[0])
})

test('a device that does not follow the protocol loses the connection, with a code of its own', async () => {
  const wrong: Record<string, Frame> = {
    'an ack of what was not sent': [flowFrame({ type: 'ack', offset: 1_000_000 })],
    'more than the window': [segmentHeader(2 ** 21), new Uint8Array(1)],
    'a segment of nothing': [segmentHeader(0)],
    'a path that is dropped on itself': [flowFrame({ type: 'dead', path: 0, offset: 0 })],
    'the answer to no retire': [flowFrame({ type: 'retired' })],
    'a type that is none': [Uint8Array.of(99)],
    'an offset that is too long': [Buffer.concat([flowFrame({ type: 'ack', offset: 0 }), Buffer.alloc(1)])]
  }
  for (const [what, frame] of Object.entries(wrong))
    expect([what, (await saying([probe, frame])).code]).toEqual([what, 'RELAY_PROTOCOL'])
})

/** A session with a direct path, number 0. @returns joins more of them, and says things there */
function started(times: Partial<SessionTimes> = {}): {
  session: Session
  join(number: number, path: TestPath): (frame: Uint8Array) => void
} {
  const secret = crypto.randomBytes(32)
  const connection = new SecretConnection(false, crypto.keyPair().publicKey, crypto.keyPair().publicKey)
  connection.on('error', () => {})
  testCleanup().defer('stream', () => connection.destroy())
  const none = (): void => {}
  const session = new Session({
    id: crypto.randomBytes(16),
    secret,
    connection,
    times: { ...TIMES, ...times },
    windows: { own: 1 << 20, theirs: 1 << 20 },
    left: new LeftPaths(),
    onlonely: none,
    onconfirmed: none,
    onfailed: none,
    onmoved: none,
    onover: none
  })
  return {
    session,
    join: (number, path) => {
      session.add(number, new Line(path))
      const seal = new PathSeal(secret, number, true)
      return (frame) => path.events?.onmessage(Buffer.concat(seal.seal(frame)))
    }
  }
}

/** What a handshake gives. */
function secretsOf({ connection }: Session): Parameters<Session['begin']>[1] {
  const [tx, rx, hash] = [crypto.randomBytes(32), crypto.randomBytes(32), crypto.randomBytes(64)]
  return { tx, rx, hash, remotePublicKey: connection.remotePublicKey ?? new Uint8Array(32) }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

function typesOn(path: TestPath): (number | undefined)[] {
  return path.sent.map(([type]) => type)
}

test('a path that is worse than another one takes its place only where that one fails', () => {
  vi.useFakeTimers()
  testCleanup().defer('stream', () => void vi.useRealTimers())
  const { session, join } = started({ probeMs: 100, deadMs: 100 })
  const [direct, relayed] = [new TestPath(), new TestPath({ relay: new Uint8Array(32) })]
  const sayDirectly = join(1, direct)
  const sayRelayed = join(2, relayed)
  session.settleOn(2)
  expect([typesOn(direct), typesOn(relayed)].flat()).not.toContain(FLOW.RETIRE)
  for (let i = 0; i < 4; i++) {
    vi.advanceTimersByTime(60)
    for (const say of [sayDirectly, sayRelayed]) say(flowFrame({ type: 'probed' }))
  }
  expect(typesOn(direct)).not.toContain(FLOW.RETIRE)
  expect(typesOn(relayed)).toContain(FLOW.RETIRE)
})

test('a worse path stays where the other device has lost the better one', () => {
  vi.useFakeTimers()
  testCleanup().defer('stream', () => void vi.useRealTimers())
  const { session, join } = started({ probeMs: 100, deadMs: 100 })
  const [direct, relayed] = [new TestPath(), new TestPath({ relay: new Uint8Array(32) })]
  join(1, direct)
  const say = join(2, relayed)
  session.settleOn(2)
  say(flowFrame({ type: 'dead', path: 1, offset: 0 }))
  for (let i = 0; i < 4; i++) {
    vi.advanceTimersByTime(60)
    say(flowFrame({ type: 'probed' }))
  }
  expect(typesOn(relayed)).toContain(FLOW.RESUME)
  expect(typesOn(relayed)).not.toContain(FLOW.RETIRE)
})

test('what is not proven to be the device’s costs the path only', async () => {
  const { code, path } = await saying([probe], (message) => {
    message[0] = 25
    return message
  })
  expect([code, path.closed]).toEqual([null, true])
})

test('a connection whose first path was gone when it began says that it has none', async () => {
  const { session, join } = started()
  const path = new TestPath({ relay: new Uint8Array(32) })
  // As while a relay waits for a better way: its path dies before anybody goes on.
  const line = new Line(path)
  path.destroy()
  await turns()
  session.begin(line, secretsOf(session))
  expect(session.connection.path).toBe(null)
  const another = new TestPath({ relay: new Uint8Array(32) })
  join(1, another)
  expect(session.connection.path?.kind).toBe('relay')
})

test('a connection that is destroyed while it begins leaves no session behind', async () => {
  const { session } = started()
  const path = new TestPath({ relay: new Uint8Array(32) })
  // An app that does not want to go through relays.
  session.connection.on('path' as 'close', () => session.connection.destroy())
  session.begin(new Line(path), secretsOf(session))
  await turns()
  expect([session.connection.destroyed, session.over, path.closed]).toEqual([true, true, true])
})

test('nor does one that was destroyed before', async () => {
  const { session } = started()
  const path = new TestPath()
  session.connection.destroy()
  session.begin(new Line(path), secretsOf(session))
  await turns()
  expect([session.over, path.closed]).toEqual([true, true])
})

test('a device that calls again and again, and lets no path go, holds no more than 32 of them, and not for ever', () => {
  vi.useFakeTimers()
  testCleanup().defer('stream', () => void vi.useRealTimers())
  const { session, join } = started()
  const paths = Array.from({ length: 100 }, () => new TestPath({ relay: new Uint8Array(32) }))
  // Each was joined because the other device has called. It says something there, and never that it leaves it.
  const says = paths.map((path, i) => {
    const say = join(i, path)
    session.settleOn(i)
    return say
  })
  const open = (): number[] => paths.flatMap(({ closed }, i) => (closed ? [] : [i]))
  expect(open()).toEqual(Array.from({ length: 32 }, (_, i) => i))
  expect(session.admits(100)).toBe(false)
  for (let i = 0; i < 40; i++) {
    vi.advanceTimersByTime(1_000)
    for (const one of open()) says[one]?.(flowFrame({ type: 'probed' }))
  }
  // What is not left in time is given up. One is not, since it carries.
  expect(open()).toEqual([31])
  expect([session.over, session.admits(100)]).toEqual([false, true])
})
