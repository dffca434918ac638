import b4a from 'b4a'

/** First byte of what two devices send each other over a path, once it is joined. PROTOCOL.md, "Path frames". */
export const FLOW = {
  SEGMENT: 16,
  FIN: 17,
  ACK: 18,
  DEAD: 19,
  RESUME: 20,
  REWOUND: 21,
  RETIRE: 22,
  RETIRED: 23,
  PROBE: 24,
  PROBED: 25,
  RESET: 26
} as const

const BARE = { retire: FLOW.RETIRE, retired: FLOW.RETIRED, probed: FLOW.PROBED, reset: FLOW.RESET }

/** Type and offset, before the bytes of a segment. */
const SEGMENT_HEADER_BYTES = 9
/** Most bytes of one segment: a frame of a path holds it with its header. */
export const MAX_SEGMENT_BYTES: number = 69_632 - SEGMENT_HEADER_BYTES

/** All but segments. Offsets are of the stream's bytes, from 0; paths are numbers. */
export type FlowFrame =
  | { readonly type: 'segment'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: 'fin'; readonly offset: number }
  | { readonly type: 'ack'; readonly offset: number }
  | { readonly type: 'dead'; readonly path: number; readonly offset: number }
  | { readonly type: 'resume'; readonly path: number; readonly offset: number }
  | { readonly type: 'rewound'; readonly path: number }
  | { readonly type: 'retire' }
  | { readonly type: 'retired' }
  | { readonly type: 'probe'; readonly offset: number }
  | { readonly type: 'probed' }
  | { readonly type: 'reset' }

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
    case 'probe':
      return withOffset(FLOW.PROBE, frame.offset)
    case 'dead':
      return b4a.concat([withOffset(FLOW.DEAD, frame.offset), uint32(frame.path)])
    case 'resume':
      return b4a.concat([withOffset(FLOW.RESUME, frame.offset), uint32(frame.path)])
    case 'rewound':
      return b4a.concat([b4a.from([FLOW.REWOUND]), uint32(frame.path)])
    default:
      return b4a.from([BARE[frame.type]])
  }
}

/** @returns `null` for what is none */
export function readFlowFrame(bytes: Uint8Array): FlowFrame | null {
  const { length } = bytes
  switch (bytes[0]) {
    case FLOW.SEGMENT: {
      const offset = length > SEGMENT_HEADER_BYTES ? readOffset(bytes) : null
      return offset === null ? null : { type: 'segment', offset, bytes: bytes.subarray(SEGMENT_HEADER_BYTES) }
    }
    case FLOW.FIN:
      return offsetFrame('fin', bytes)
    case FLOW.ACK:
      return offsetFrame('ack', bytes)
    case FLOW.PROBE:
      return offsetFrame('probe', bytes)
    case FLOW.DEAD:
      return pathFrame('dead', bytes)
    case FLOW.RESUME:
      return pathFrame('resume', bytes)
    case FLOW.REWOUND:
      return length === 5 ? { type: 'rewound', path: viewOf(bytes).getUint32(1, true) } : null
    default:
      return length === 1 ? bare(bytes[0]) : null
  }
}

function bare(byte: number | undefined): FlowFrame | null {
  if (byte === FLOW.RETIRE) return { type: 'retire' }
  if (byte === FLOW.RETIRED) return { type: 'retired' }
  if (byte === FLOW.PROBED) return { type: 'probed' }
  return byte === FLOW.RESET ? { type: 'reset' } : null
}

function offsetFrame(type: 'fin' | 'ack' | 'probe', bytes: Uint8Array): FlowFrame | null {
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
