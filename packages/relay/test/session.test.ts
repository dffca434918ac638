import crypto from 'hypercore-crypto'
import { testCleanup } from '@cloudpal/test-kit'
import { expect, test, vi } from 'vitest'
import { TIMES } from '../src/client/options.ts'
import { FLOW, flowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { Line } from '../src/paths/line.ts'
import { joinGreeting } from '../src/session/greeting.ts'
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
    onlonely: none,
    onconfirmed: none,
    onfailed: none,
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
