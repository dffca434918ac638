import { expect, test } from 'vitest'
import { flowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { PathSeal } from '../src/session/path-seal.ts'

const secret = new Uint8Array(32).fill(1)
const ack = flowFrame({ type: 'ack', offset: 7 })
const header = segmentHeader(7)
const bytes = new Uint8Array(50).fill(5)
const frames: [Uint8Array, Uint8Array?][] = [[ack], [header, bytes], [ack], [header, bytes], [ack]]

function pair(path = 3): [PathSeal, PathSeal] {
  return [new PathSeal(secret, path, true), new PathSeal(secret, path, false)]
}

/** What is sent, in order. */
function sealed(seal: PathSeal): Buffer[] {
  return frames.map(([head, payload]) => Buffer.concat(seal.seal(head, payload)))
}

test('what one side seals the other opens, in order, without copying it', () => {
  const [a, b] = pair()
  for (const [head, payload] of frames) {
    const message = Buffer.concat(a.seal(head, payload))
    const opened = b.open(message)
    expect([opened?.head, opened?.bytes].map((part) => part && Buffer.from(part))).toEqual([
      Buffer.from(head),
      Buffer.from(payload ?? [])
    ])
    expect(opened?.bytes.buffer).toBe(message.buffer)
  }
  for (const message of sealed(b)) expect(a.open(message)).not.toBeNull()
})

test('nothing is opened that is changed, cut, longer, of another path, of another secret, or one’s own', () => {
  const [a, b] = pair()
  for (const first of sealed(a)) {
    for (let i = 0; i < first.length; i++) {
      const changed = Buffer.from(first)
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(b.open(changed)).toBeNull()
      expect(b.open(first.subarray(0, i))).toBeNull()
    }
    expect(b.open(Buffer.concat([first, Buffer.alloc(1)]))).toBeNull()
    expect(pair(4)[1].open(first)).toBeNull()
    expect(new PathSeal(new Uint8Array(32), 3, false).open(first)).toBeNull()
    expect(b.open(first)).not.toBeNull()
  }
  // A new one awaits the first.
  for (const message of sealed(pair()[0])) {
    expect(pair()[0].open(message)).toBeNull()
  }
})

test('nothing is opened that is late, early or repeated', () => {
  const [a, b] = pair()
  const messages = sealed(a)
  messages.forEach((message, i) => {
    for (const [j, wrong] of messages.entries()) if (j !== i) expect(b.open(wrong)).toBeNull()
    expect(b.open(message)).not.toBeNull()
  })
})
