import { FLOW } from '../src/flow/flow-frames.ts'
import { frame, FRAME, HEADER_BYTES } from '../src/protocol/frames.ts'
import type { SwitchProxy } from './switch-proxy.ts'

type Change = (frame: Buffer) => Buffer[]

/** Cuts what passes in one direction into frames, and lets each be changed, repeated or left out. */
export function onFrames(direction: 'in' | 'out', change: Change): SwitchProxy['meddle'] {
  const rests = new WeakMap<object, Buffer>()
  return (chunk, way, from) => {
    if (way !== direction) return chunk
    let rest = Buffer.concat([rests.get(from) ?? Buffer.alloc(0), chunk])
    const passed: Buffer[] = []
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUIntLE(1, 3)) {
      const one = Buffer.from(rest.subarray(0, HEADER_BYTES + rest.readUIntLE(1, 3)))
      passed.push(...change(one))
      rest = rest.subarray(one.length)
    }
    rests.set(from, rest)
    return passed.length === 0 ? null : Buffer.concat(passed)
  }
}

/** Whether it is a frame with a segment of a path. */
export function isSegment(one: Buffer): boolean {
  return one[0] === FRAME.DATA && one[HEADER_BYTES] === FLOW.SEGMENT
}

/** Offset of a segment. */
export function offsetOf(one: Buffer): number {
  return Number(one.readBigUInt64LE(HEADER_BYTES + 1))
}

/** A DATA frame. */
export function dataFrame(body: Uint8Array): Buffer {
  return Buffer.from(frame(FRAME.DATA, body))
}
