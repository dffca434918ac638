import b4a from 'b4a'

/** First byte of what two devices send each other over a path, once it is joined. PROTOCOL.md, "Path frames". */
export const FLOW = {
  SEGMENT: 16,
  FIN: 17,
  ACK: 18,
  DEAD: 19,
  RESUME: 20,
  RETIRE: 21,
  RETIRED: 22,
  PROBE: 23,
  PROBED: 24,
  RESET: 25
} as const

type BareType = 'retire' | 'retired' | 'probe' | 'probed' | 'reset'

const BARE: Record<BareType, number> = {
  retire: FLOW.RETIRE,
  retired: FLOW.RETIRED,
  probe: FLOW.PROBE,
  probed: FLOW.PROBED,
  reset: FLOW.RESET
}

const TYPES = Object.keys(BARE) as BareType[]

/** Type and offset, before the bytes of a segment. */
export const SEGMENT_HEADER_BYTES = 9
/** After each frame, or the header of a segment: what proves whose it is. */
export const TAG_BYTES = 16
/** Most bytes of one segment: a message of a path holds it with its header and tag. */
export const MAX_SEGMENT_BYTES: number = 69_632 - TAG_BYTES - SEGMENT_HEADER_BYTES

/** What secret-stream makes of an empty message (3 of length, 1 of type, 16 of its MAC), which says only that somebody is there. */
export const EMPTY_MESSAGE_BYTES = 20

/** Offsets are of the stream's bytes, from 0; paths are numbers. */
export type FlowFrame =
  | { readonly type: 'segment'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: 'fin'; readonly offset: number }
  | { readonly type: 'ack'; readonly offset: number }
  | { readonly type: 'dead'; readonly path: number; readonly offset: number }
  | { readonly type: 'resume'; readonly path: number; readonly offset: number }
  | { readonly type: BareType }

/** Header of a segment; its bytes follow. */
export function segmentHeader(offset: number): Uint8Array {
  return withOffset(FLOW.SEGMENT, offset)
}

/** Any other frame. */
export function flowFrame(frame: Exclude<FlowFrame, { type: 'segment' }>): Uint8Array {
  switch (frame.type) {
    case 'fin':
      return withOffset(FLOW.FIN, frame.offset)
    case 'ack':
      return withOffset(FLOW.ACK, frame.offset)
    case 'dead':
      return b4a.concat([withOffset(FLOW.DEAD, frame.offset), uint32(frame.path)])
    case 'resume':
      return b4a.concat([withOffset(FLOW.RESUME, frame.offset), uint32(frame.path)])
    default:
      return b4a.from([BARE[frame.type]])
  }
}

/**
 * @param head - all of it; of a segment its header
 * @param bytes - those of the segment
 * @returns `null` for what is none
 */
export function readFlowFrame(head: Uint8Array, bytes: Uint8Array = new Uint8Array(0)): FlowFrame | null {
  switch (head[0]) {
    case FLOW.SEGMENT: {
      const offset = head.length === SEGMENT_HEADER_BYTES && bytes.length > 0 ? readOffset(head) : null
      return offset === null ? null : { type: 'segment', offset, bytes }
    }
    case FLOW.FIN:
      return offsetFrame('fin', head)
    case FLOW.ACK:
      return offsetFrame('ack', head)
    case FLOW.DEAD:
      return pathFrame('dead', head)
    case FLOW.RESUME:
      return pathFrame('resume', head)
    default:
      return head.length === 1 ? bare(head[0]) : null
  }
}

function bare(byte: number | undefined): FlowFrame | null {
  const [type] = TYPES.filter((one) => BARE[one] === byte)
  return type === undefined ? null : { type }
}

function offsetFrame(type: 'fin' | 'ack', bytes: Uint8Array): FlowFrame | null {
  const offset = bytes.length === SEGMENT_HEADER_BYTES ? readOffset(bytes) : null
  return offset === null ? null : { type, offset }
}

function pathFrame(type: 'dead' | 'resume', bytes: Uint8Array): FlowFrame | null {
  const offset = bytes.length === SEGMENT_HEADER_BYTES + 4 ? readOffset(bytes) : null
  return offset === null ? null : { type, offset, path: viewOf(bytes).getUint32(SEGMENT_HEADER_BYTES, true) }
}

function withOffset(type: number, offset: number): Uint8Array {
  const bytes = b4a.alloc(SEGMENT_HEADER_BYTES)
  bytes[0] = type
  viewOf(bytes).setBigUint64(1, BigInt(offset), true)
  return bytes
}

function readOffset(bytes: Uint8Array): number | null {
  const offset = Number(viewOf(bytes).getBigUint64(1, true))
  return Number.isSafeInteger(offset) ? offset : null
}

function uint32(value: number): Uint8Array {
  const bytes = b4a.alloc(4)
  viewOf(bytes).setUint32(0, value, true)
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
