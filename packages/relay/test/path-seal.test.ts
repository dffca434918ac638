import { expect, test } from 'vitest'
import { flowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { PathSeal } from '../src/session/path-seal.ts'

const secret = new Uint8Array(32).fill(1)
const probe = flowFrame({ type: 'probe', offset: 7 })
const ack = flowFrame({ type: 'ack', offset: 7 })

function pair(path = 3): [PathSeal, PathSeal] {
  return [new PathSeal(secret, path, true), new PathSeal(secret, path, false)]
}

test('what one side seals the other opens, in order, and segments pass as they are', () => {
  const [a, b] = pair()
  for (const frame of [probe, ack, ack])
    expect(b.open(Buffer.concat(a.seal([frame])))).toEqual(Buffer.from(frame))
  const segment = [segmentHeader(0), new Uint8Array(5)]
  expect(a.seal(segment)).toBe(segment)
  const bytes = Buffer.concat(segment)
  expect(b.open(bytes)).toBe(bytes)
})

test('no frame is opened that is changed, repeated, late, of another path, of another secret, or one’s own', () => {
  const [a, b] = pair()
  const first = Buffer.concat(a.seal([probe]))
  for (let i = 1; i < first.length; i++) {
    const changed = Buffer.from(first)
    changed[i] = (changed[i] ?? 0) ^ 1
    expect(b.open(changed)).toBeNull()
  }
  for (const wrong of [
    first.subarray(0, -1),
    Buffer.concat([first, first]),
    first.subarray(-16),
    Buffer.from(probe)
  ])
    expect(b.open(wrong)).toBeNull()
  expect(a.open(first)).toBeNull()
  expect(pair(4)[1].open(first)).toBeNull()
  expect(new PathSeal(new Uint8Array(32), 3, false).open(first)).toBeNull()
  const second = Buffer.concat(a.seal([ack]))
  expect(b.open(second)).toBeNull()
  expect(b.open(first)).toEqual(Buffer.from(probe))
  expect(b.open(first)).toBeNull()
  expect(b.open(second)).toEqual(Buffer.from(ack))
})
