import b4a from 'b4a'
import Protomux, { type Channel, type Message } from 'protomux'

/** A connection on Noise that Protomux runs on, as Hyperswarm gives it. */
export interface ConnectionLike {
  readonly handshakeHash: Uint8Array | null
  readonly isInitiator: boolean
  readonly opened: Promise<boolean>
  destroy(error?: Error | null): void
  on(event: 'close', listener: () => void): unknown
}

export interface Handlers {
  /** What is said first; called once the Noise handshake is done. */
  hello(connection: ConnectionLike): Uint8Array
  onhello(bytes: Uint8Array): void
  onevents(bytes: Uint8Array): void
  onreceipt(bytes: Uint8Array): void
  onclose(): void
}

/** The channel of one connection. */
export interface PeerChannel {
  sendEvents(bytes: Uint8Array): void
  sendReceipt(bytes: Uint8Array): void
}

const PROTOCOL = 'cloudpal/key-rotation/1'

/** @returns `null` for a connection that has such a channel already, or is closed */
export function openChannel(
  connection: ConnectionLike,
  id: Uint8Array,
  handlers: Handlers
): PeerChannel | null {
  const mux = Protomux.from(connection as Parameters<typeof Protomux.from>[0])
  const channel: Channel<Uint8Array> | null = mux.createChannel<Uint8Array>({
    protocol: PROTOCOL,
    id,
    unique: true,
    handshake: RAW,
    onopen: (bytes) => handlers.onhello(bytes),
    onclose: () => handlers.onclose()
  })
  if (channel === null) return null
  const add = (onmessage: (bytes: Uint8Array) => void): Message<Uint8Array> =>
    channel.addMessage<Uint8Array>({ encoding: RAW, onmessage })
  const events = add((bytes) => handlers.onevents(bytes))
  const receipt = add((bytes) => handlers.onreceipt(bytes))
  const open = (): void => channel.open(handlers.hello(connection))
  if (connection.handshakeHash !== null) open()
  else void connection.opened.then((isOpen) => isOpen && open())
  return {
    sendEvents: (bytes) => void events.send(bytes),
    sendReceipt: (bytes) => void receipt.send(bytes)
  }
}

/** All that is left of a frame, as a copy. */
const RAW = {
  preencode: (state: FrameState, bytes: Uint8Array): void => {
    state.end += bytes.length
  },
  encode: (state: FrameState, bytes: Uint8Array): void => {
    state.buffer?.set(bytes, state.start)
    state.start += bytes.length
  },
  decode: (state: FrameState): Uint8Array => {
    const bytes = b4a.from((state.buffer ?? new Uint8Array(0)).subarray(state.start, state.end))
    state.start = state.end
    return bytes
  }
}

interface FrameState {
  start: number
  end: number
  buffer: Uint8Array | null
}
