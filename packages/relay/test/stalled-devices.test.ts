import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { flowFrame } from '../src/flow/flow-frames.ts'
import { joinGreeting } from '../src/session/greeting.ts'
import { PathSeal } from '../src/session/path-seal.ts'
import { answerOn, begin, hello, responder, say, secretOf, TestPath } from './reached.ts'

/** A path that is full and stays so: the other side reads nothing. */
class StalledPath extends TestPath {
  bytes = 0

  override send(parts: readonly Uint8Array[]): boolean {
    super.send(parts)
    this.bytes += parts.reduce((sum, part) => sum + part.length, 0)
    return false
  }
}

test.each([
  ['probes', flowFrame({ type: 'probe' })],
  ['says that paths are dead', flowFrame({ type: 'dead', path: 7, offset: 0 })]
])('a device that %s without end and reads nothing does not fill this one’s memory', (_, frame) => {
  const to = responder()
  const path = new StalledPath()
  const session = crypto.randomBytes(16)
  const offered = hello(to, crypto.keyPair(), session, path)
  const secret = secretOf(offered)
  path.events?.onmessage(joinGreeting(session, 0, secret))
  const seal = new PathSeal(secret, 0, true)
  path.bytes = 0
  for (let i = 0; i < 20_000 && !path.closed; i++)
    path.events?.onmessage(Buffer.concat([...seal.seal(frame)]))
  expect(path.bytes).toBeLessThan(128 * 1024)
})

test('who has no key and asks again and again to join, and reads nothing, is cut off', () => {
  const to = responder()
  const path = new StalledPath()
  const join = joinGreeting(crypto.randomBytes(16), 1, crypto.randomBytes(32))
  say(to, join, path)
  for (let i = 0; i < 20_000 && !path.closed; i++) path.events?.onmessage(join)
  expect(path.sent.length).toBeLessThan(1_000)
})

test('a session has some paths at once, and not as many as the other device cares to make', () => {
  const to = responder()
  const session = crypto.randomBytes(16)
  const secret = begin(to, crypto.keyPair(), session)
  const paths = Array.from({ length: 200 }, (_, i) => say(to, joinGreeting(session, i + 1, secret)))
  const open = paths.filter((path) => !path.closed && answerOn(path) === 'joined')
  expect(open.length).toBeLessThanOrEqual(64)
})
