import b4a from 'b4a'
import type { WebSocket } from 'ws'
import { JoinBuffers } from './join-buffers.ts'
import { MOST_UNREAD_BYTES, type Wire, type WireEvents } from './wire.ts'

/** Bytes under way above which a writer is asked to wait: with half of it, a relay carried 6 % less. */
const HIGH_WATER_BYTES = 512 * 1024

/** Used again, since fresh memory of this size costs more than the copy. */
const JOIN_BUFFERS = new JoinBuffers()

/** What `ws` may hold of a message that has not come to its end. */
export const WEBSOCKET_BOUNDS: { readonly maxFragments: number; readonly maxBufferedChunks: number } = {
  /** A browser makes a few where it is slow, nobody else of ours makes any. `ws` holds each with all that came in one go with it, some 64 KiB. */
  maxFragments: 12,
  /** Of one frame, as they came off the socket: 200 KiB in packets of 536 bytes, the shortest there are, are 382. */
  maxBufferedChunks: 512
}

/** A {@link Wire} of a WebSocket of the `ws` package. It owns the socket. */
export class WsWire implements Wire {
  readonly kind = 'ws'
  readonly remoteAddress: string
  readonly #socket: WebSocket
  /** What was written before the socket was open: a greeting. */
  readonly #early: Uint8Array[] = []
  #backlog = 0
  #full = false
  #failure: Error | null = null
  #ondrain: () => void = () => {}

  constructor(socket: WebSocket, remoteAddress = '') {
    this.#socket = socket
    this.remoteAddress = remoteAddress
    socket.binaryType = 'nodebuffer'
    // Also of one that nobody starts: unheard, it ends the process.
    socket.on('error', (error) => {
      this.#failure = error
    })
  }

  get backlogBytes(): number {
    return this.#socket.bufferedAmount
  }

  start({ onbytes, ondrain, onclose }: WireEvents): void {
    this.#ondrain = ondrain
    this.#socket
      .on('open', () => {
        for (const message of this.#early.splice(0)) this.write(message)
      })
      .on('message', (message: Buffer, isBinary) => (isBinary ? onbytes(message) : this.destroy()))
      .on('ping', (payload) => {
        if (this.#socket.bufferedAmount < MOST_UNREAD_BYTES) this.#socket.pong(payload)
      })
      .on('close', () => onclose(this.#failure))
  }

  write(...parts: readonly Uint8Array[]): boolean {
    if (this.#socket.readyState === this.#socket.CONNECTING) {
      this.#early.push(b4a.concat([...parts]))
      return true
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return true
    const [first] = parts
    const joined = parts.length === 1 || first === undefined ? null : JOIN_BUFFERS.join(parts)
    const message = joined ?? first ?? b4a.alloc(0)
    this.#backlog += message.length
    this.#socket.send(message, () => {
      if (joined !== null) JOIN_BUFFERS.giveBack(joined)
      this.#onsent(message.length)
    })
    this.#full ||= this.#backlog >= HIGH_WATER_BYTES
    return !this.#full
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.close(1000)
  }

  destroy(): void {
    this.#socket.terminate()
  }

  #onsent(bytes: number): void {
    this.#backlog -= bytes
    if (!this.#full || this.#backlog > HIGH_WATER_BYTES / 2) return
    this.#full = false
    this.#ondrain()
  }
}
