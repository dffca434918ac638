import b4a from 'b4a'
import type { WebSocket } from 'ws'
import type { Wire, WireEvents } from './wire.ts'

/** Who has so much left to read gets no answers to pings. */
const MOST_UNREAD_BYTES = 64 * 1024
/** Bytes under way above which a writer is asked to wait: with half of it, a relay carried 6 % less. */
const HIGH_WATER_BYTES = 512 * 1024

/** A {@link Wire} of a WebSocket of the `ws` package. It owns the socket. */
export class WsWire implements Wire {
  readonly kind = 'ws'
  readonly remoteAddress: string
  readonly #socket: WebSocket
  /** What was written before the socket was open: a greeting. */
  readonly #early: Uint8Array[] = []
  #backlog = 0
  #full = false
  #ondrain: () => void = () => {}

  constructor(socket: WebSocket, remoteAddress = '') {
    this.#socket = socket
    this.remoteAddress = remoteAddress
    socket.binaryType = 'nodebuffer'
  }

  get backlogBytes(): number {
    return this.#socket.bufferedAmount
  }

  start({ onbytes, ondrain, onclose }: WireEvents): void {
    let failure: Error | null = null
    this.#ondrain = ondrain
    this.#socket
      .on('open', () => {
        for (const message of this.#early.splice(0)) this.write(message)
      })
      .on('message', (message: Buffer, isBinary) => (isBinary ? onbytes(message) : this.destroy()))
      .on('ping', (payload) => {
        if (this.#socket.bufferedAmount < MOST_UNREAD_BYTES) this.#socket.pong(payload)
      })
      .on('error', (error) => {
        failure = error
      })
      .on('close', () => onclose(failure))
  }

  write(...parts: readonly Uint8Array[]): boolean {
    const message = parts.length === 1 && parts[0] !== undefined ? parts[0] : b4a.concat([...parts])
    if (this.#socket.readyState === this.#socket.CONNECTING) {
      this.#early.push(message)
      return true
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return true
    this.#backlog += message.length
    this.#socket.send(message, () => this.#onsent(message.length))
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
