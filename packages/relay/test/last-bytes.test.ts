import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { FLOW } from '../src/flow/flow-frames.ts'
import { FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import type { Connection } from '../src/index.ts'
import { LastWords } from '../src/session/last-words.ts'
import { onFrames } from './meddling.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch } from './switch-proxy.ts'

const ANSWER_BYTES = 1_000_000

/** What came, and with what it has ended. */
function readAll(connection: Connection): Promise<{ bytes: number; error: unknown }> {
  return new Promise((resolve) => {
    let [bytes, error]: [number, unknown] = [0, null]
    connection.on('data', (data) => void (bytes += data.length))
    connection.on('error', (one) => (error = (one as { code?: string }).code))
    connection.on('close', () => resolve({ bytes, error }))
  })
}

/**
 * One side asks and ends; the other one answers, and ends too: for its app the connection is closed. Then the path dies, with all of the answer that was on it.
 *
 * @param answering - who ends last
 */
async function answerOverADyingPath(
  answering: 'initiator' | 'responder'
): Promise<{ bytes: number; error: unknown }> {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const wall = await startSwitch(relay.ports.tcp ?? 0)
  wall.on = true
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: wall.port } }]
  const times = { retryMs: 10, probeMs: 100, deadMs: 1_000 }
  const alice = await startDevice(a, { relays, times })
  const bob = await startDevice(b, { relays: [address], times })
  await until(() => alice.registeredAt.length + bob.registeredAt.length === 2)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  const other = await incoming
  // Each knows that the other one knows of the session.
  await Promise.all(
    [connection, other].map((one) => {
      one.write(new Uint8Array(1))
      return new Promise((resolve) => one.once('data', resolve))
    })
  )
  const [asks, answers] = answering === 'initiator' ? [other, connection] : [connection, other]
  // Alice is behind the wall.
  const [question, answer] = answering === 'initiator' ? (['out', 'in'] as const) : (['in', 'out'] as const)
  let asked = false
  const dying = new Set<object>()
  const seen = onFrames(question, (frame) => {
    asked ||= frame[0] === FRAME.DATA && frame[HEADER_BYTES] === FLOW.FIN
    return [frame]
  })
  wall.meddle = (chunk, way, socket) => {
    if (asked && way === answer && dying.size === 0) dying.add(socket)
    if (dying.has(socket)) return null
    return way === question ? seen(chunk, way, socket) : chunk
  }
  answers.resume()
  answers.once('end', () => {
    answers.write(new Uint8Array(ANSWER_BYTES))
    answers.end()
  })
  const closed = new Promise((resolve) => answers.once('close', () => resolve('closed')))
  const read = readAll(asks)
  asks.write(new Uint8Array(10))
  asks.end()
  await closed
  const all = await read
  expect(dying.size).toBe(1)
  return all
}

test('what a device answers last arrives although the path dies after its connection has closed', async () => {
  expect(await answerOverADyingPath('responder')).toEqual({ bytes: ANSWER_BYTES, error: null })
})

test('and so does what the device says last that has begun', async () => {
  expect(await answerOverADyingPath('initiator')).toEqual({ bytes: ANSWER_BYTES, error: null })
})

test('of connections that came to their end the last 256 are remembered, the newest of them for sure', () => {
  const words = new LastWords<number>(30_000)
  for (let i = 0; i < 1_000; i++) words.add(i)
  const remembered = Array.from({ length: 1_000 }, (_, i) => words.find((one) => one === i)).filter(
    (one) => one !== null
  )
  expect([remembered.length, remembered[0], remembered.at(-1)]).toEqual([256, 744, 999])
})
