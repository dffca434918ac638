import b4a from 'b4a'
import type { Wire, WireEvents } from './wire.ts'

/** The WebSocket of browsers, as far as it is used. */
export interface BrowserSocket {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  addEventListener(event: 'open', fn: () => void): void
  addEventListener(event: 'message', fn: (event: { readonly data: unknown }) => void): void
  addEventListener(
    event: 'close',
    fn: (event: { readonly code: number; readonly reason: string }) => void
  ): void
  send(data: Uint8Array): void
  close(code?: number): void
}

const OPEN = 1
const HIGH_WATER_BYTES = 256 * 1024
/** A browser does not say when its buffer drains. */
const DRAIN_POLL_MS = 5

/** A {@link Wire} of a browser's WebSocket. It owns the socket. It cannot stop reading: the window of a connection bounds what comes. */
export class BrowserWire implements Wire {
  readonly kind = 'ws'
  readonly remoteAddress = ''
  readonly #socket: BrowserSocket
  readonly #early: Uint8Array[] = []
  #ondrain: () => void = () => {}
  #onclose: (error: Error | null) => void = () => {}
  #timer: unknown = null
  #closed = false

  constructor(socket: BrowserSocket) {
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
  }

  get backlogBytes(): number {
    return this.#socket.bufferedAmount
  }

  start({ onbytes, ondrain, onclose }: WireEvents): void {
    this.#ondrain = ondrain
    this.#onclose = onclose
    this.#socket.addEventListener('open', () => {
      for (const message of this.#early.splice(0)) this.#socket.send(message)
    })
    this.#socket.addEventListener('message', ({ data }) => {
      if (this.#closed) return
      if (data instanceof ArrayBuffer) onbytes(b4a.from(data))
      else this.destroy()
    })
    this.#socket.addEventListener('close', ({ code, reason }) =>
      this.#over(code === 1000 ? null : new Error(`WebSocket closed: ${code} ${reason}`))
    )
  }

  write(...parts: readonly Uint8Array[]): boolean {
    const message = b4a.concat([...parts])
    if (this.#socket.readyState < OPEN) {
      this.#early.push(message)
      return true
    }
    if (this.#socket.readyState > OPEN) return true
    this.#socket.send(message)
    if (this.#socket.bufferedAmount < HIGH_WATER_BYTES) return true
    this.#timer ??= setInterval(() => this.#poll(), DRAIN_POLL_MS)
    return false
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.#socket.close(1000)
  }

  /** A browser closes in its own time: for this side it is over now. */
  destroy(): void {
    this.#socket.close()
    queueMicrotask(() => this.#over(null))
  }

  #poll(): void {
    if (this.#socket.bufferedAmount > HIGH_WATER_BYTES / 4 && !this.#closed) return
    clearInterval(this.#timer)
    this.#timer = null
    if (!this.#closed) this.#ondrain()
  }

  #over(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#onclose(error)
  }
}
