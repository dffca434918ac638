import b4a from 'b4a'
import type NoiseSecretStream from '@hyperswarm/secret-stream'
import { RelayError } from '../errors.ts'
import { MAX_DATA_BYTES } from '../protocol/frames.ts'
import type { Path, PathEvents } from './path.ts'

/** A direct connection that hyperdht has punched: one message of its stream is one of the path. It owns the stream. */
export class UdpPath implements Path {
  readonly kind = 'udp'
  readonly relay = null
  readonly transport = 'udp'
  readonly origin: string
  readonly #stream: NoiseSecretStream

  constructor(stream: NoiseSecretStream) {
    this.#stream = stream
    this.origin = (stream.rawStream as { remoteHost?: string } | null)?.remoteHost ?? ''
  }

  start({ onmessage, ondrain, onclose }: PathEvents): void {
    let failure: Error | null = null
    this.#stream
      .on('data', (message: Uint8Array) => {
        if (message.length <= MAX_DATA_BYTES) return onmessage(message)
        failure = new RelayError('RELAY_PROTOCOL', 'a message is longer than any of a path')
        return this.destroy()
      })
      .on('drain', ondrain)
      .on('error', (error) => {
        failure = error
      })
      .on('end', () => this.#stream.end())
      .on('close', () => onclose(failure))
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.#stream.destroying) return true
    return this.#stream.write(b4a.concat([...parts]))
  }

  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }
}
