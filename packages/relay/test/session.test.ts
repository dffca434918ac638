import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { flowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { joinGreeting } from '../src/session/greeting.ts'
import { PathSeal } from '../src/session/path-seal.ts'
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

test('what is not proven to be the device’s costs the path only', async () => {
  const { code, path } = await saying([probe], (message) => {
    message[0] = 25
    return message
  })
  expect([code, path.closed]).toEqual([null, true])
})
