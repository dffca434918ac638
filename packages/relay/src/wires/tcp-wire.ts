import type { Socket } from '#net'
import type { Wire, WireEvents } from './wire.ts'

/** Node's, or Bare's, which has less. */
type SomeSocket = Omit<Socket, 'cork' | 'uncork' | 'writableLength'> & {
  readonly writableLength?: number
  cork?(): void
  uncork?(): void
}

/** A {@link Wire} of a TCP socket, or of a TLS one. It owns the socket. */
export class TcpWire implements Wire {
  readonly kind = 'tcp'
  readonly remoteAddress: string
  readonly #socket: SomeSocket
  #failure: Error | null = null
  #closed = false
  #ended = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    // A dial to where no route leads fails before anybody can have started it, and what is destroyed unstarted may fail too: unheard, that ends the process.
    socket
      .on('error', (error) => {
        this.#failure = error
      })
      .on('close', () => {
        this.#closed = true
      })
  }

  get backlogBytes(): number {
    // Bare has no such count.
    return this.#socket.writableLength ?? 0
  }

  start({ onbytes, ondrain, onclose }: WireEvents): void {
    const over = (): void => onclose(this.#failure)
    if (this.#closed) queueMicrotask(over)
    this.#socket
      .on('data', onbytes)
      .on('drain', ondrain)
      .on('end', () => this.end())
      .on('close', over)
  }

  write(...parts: readonly Uint8Array[]): boolean {
    if (this.#ended || this.#socket.destroyed) return true
    let roomy = true
    this.#socket.cork?.()
    for (const part of parts) roomy = this.#socket.write(part)
    this.#socket.uncork?.()
    return roomy
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#ended = true
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
