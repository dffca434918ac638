import type { Socket } from '#net'
import type { Wire, WireEvents } from './wire.ts'

/** A {@link Wire} of a TCP socket, or of a TLS one. It owns the socket. */
export class TcpWire implements Wire {
  readonly kind = 'tcp'
  readonly remoteAddress: string
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    socket.setNoDelay(true)
  }

  get backlogBytes(): number {
    return this.#socket.writableLength
  }

  start({ onbytes, ondrain, onclose }: WireEvents): void {
    let failure: Error | null = null
    this.#socket
      .on('data', onbytes)
      .on('drain', ondrain)
      .on('error', (error) => {
        failure = error
      })
      .on('end', () => this.#socket.end())
      .on('close', () => onclose(failure))
  }

  write(...parts: readonly Uint8Array[]): boolean {
    if (!this.#socket.writable) return true
    let roomy = true
    this.#socket.cork()
    for (const part of parts) roomy = this.#socket.write(part)
    this.#socket.uncork()
    return roomy
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
