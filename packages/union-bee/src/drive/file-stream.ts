import { Readable } from 'streamx'
import { UnionBeeError } from '../errors.ts'
import { settle } from '../merge/union-stream.ts'
import type { ByteStream } from './types.ts'

/** The bytes of a stream that must be found first. Hands them on as they come; holds no more than the stream's own buffer. */
export class FileStream extends Readable {
  readonly #find: () => Promise<ByteStream>
  #bytes: ByteStream | null = null

  constructor(find: () => Promise<ByteStream>) {
    super()
    this.#find = find
  }

  override _open(done: (error: Error | null) => void): void {
    void settle(this.#begin(), done)
  }

  override _read(done: (error: Error | null) => void): void {
    this.#bytes?.resume()
    done(null)
  }

  override _predestroy(): void {
    this.#bytes?.destroy()
  }

  async #begin(): Promise<void> {
    const bytes = await this.#find()
    if (this.destroying) bytes.destroy()
    else this.#pass(bytes)
  }

  #pass(bytes: ByteStream): void {
    this.#bytes = bytes
    let hasEnded = false
    bytes.on('data', (data) => {
      if (!this.push(data)) bytes.pause()
    })
    bytes.on('end', () => {
      hasEnded = true
      this.push(null)
    })
    bytes.on('error', (cause) => this.destroy(failure(cause)))
    bytes.on('close', () => {
      if (!hasEnded) this.destroy(failure(null))
    })
  }
}

function failure(cause: Error | null): UnionBeeError {
  return new UnionBeeError('UNION_BEE_SOURCE_FAILED', 'the file could not be read to its end', { cause })
}
