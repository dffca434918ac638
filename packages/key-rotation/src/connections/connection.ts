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
  readonly hello: (handshakeHash: Uint8Array) => Uint8Array
  readonly onhello: (bytes: Uint8Array) => void
  readonly onevents: (bytes: Uint8Array) => void
  readonly onreceipt: (bytes: Uint8Array) => void
  readonly onask: () => void
  readonly onclose: () => void
  /** There is no handshake that what is said could be bound to. */
  readonly onunbound: () => void
}

/** The channel of one connection. */
export interface PeerChannel {
  sendEvents(bytes: Uint8Array): void
  sendReceipt(bytes: Uint8Array): void
  /** For all events, whatever was said before. */
  ask(): void
}

const PROTOCOL = 'cloudpal/key-rotation/1'
const NOTHING: Uint8Array = new Uint8Array(0)
/** Noise has longer ones; a shorter one binds to nothing. */
const MIN_HANDSHAKE_HASH_BYTES = 32

/**
 * Where the other side has not opened one, this waits for it.
 *
 * @returns `null` for a connection that has such a channel already, or is closed
 */
export function openChannel(
  connection: ConnectionLike,
  id: Uint8Array,
  handlers: Handlers
): PeerChannel | null {
  const mux = Protomux.from(connection as Parameters<typeof Protomux.from>[0])
  const place = { protocol: PROTOCOL, id }
  let messages = create()
  if (messages === null) return null
  return {
    sendEvents: (bytes) => void messages?.events.send(bytes),
    sendReceipt: (bytes) => void messages?.receipt.send(bytes),
    ask: () => void messages?.ask.send(NOTHING)
  }

  function create(): Messages | null {
    let isAnswered = false
    const channel = mux.createChannel<Uint8Array>({
      ...place,
      unique: true,
      handshake: RAW,
      onopen: (bytes) => {
        isAnswered = true
        handlers.onhello(bytes)
      },
      onclose: () => (isAnswered ? handlers.onclose() : wait())
    })
    if (channel === null) return null
    whenOpen(connection, (hash) => channel.open(handlers.hello(hash)), handlers)
    return {
      events: messageOf(channel, handlers.onevents),
      receipt: messageOf(channel, handlers.onreceipt),
      ask: messageOf(channel, handlers.onask)
    }
  }

  /** A side that knows the protocol only later has refused the channel, and will open one. */
  function wait(): void {
    mux.pair(place, () => {
      mux.unpair(place)
      messages = create()
    })
  }
}

interface Messages {
  readonly events: Message<Uint8Array>
  readonly receipt: Message<Uint8Array>
  readonly ask: Message<Uint8Array>
}

function messageOf(
  channel: Channel<Uint8Array>,
  onmessage: (bytes: Uint8Array) => void
): Message<Uint8Array> {
  return channel.addMessage<Uint8Array>({ encoding: RAW, onmessage: (bytes) => onmessage(bytes) })
}

/** At once where it is open. */
function whenOpen(
  connection: ConnectionLike,
  run: (handshakeHash: Uint8Array) => void,
  { onunbound }: Handlers
): void {
  const open = (): void => {
    const { handshakeHash: hash } = connection
    if (hash !== null && hash.length >= MIN_HANDSHAKE_HASH_BYTES) run(hash)
    else onunbound()
  }
  if (connection.handshakeHash !== null) open()
  else void connection.opened.then((isOpen) => isOpen && open())
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
