import { Readable } from 'streamx'
import { settle } from '../merge/union-stream.ts'
import type { ByteStream } from './types.ts'

/** Whose bytes are read. */
export interface FoundFile {
  /** Begins to read: at once followed by whoever listens. */
  open(): ByteStream
  /** What to throw when they end too early. */
  failure(cause: Error | null): Error
}

/** The bytes of a stream that must be found first. Hands them on as they come; holds no more than the stream's own buffer. */
export class FileStream extends Readable {
  readonly #find: () => Promise<FoundFile>
  #bytes: ByteStream | null = null

  constructor(find: () => Promise<FoundFile>) {
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
    const found = await this.#find()
    if (this.destroying) return
    try {
      this.#pass(found)
    } catch (cause) {
      throw found.failure(cause as Error)
    }
  }

  #pass(found: FoundFile): void {
    const bytes = found.open()
    this.#bytes = bytes
    let hasEnded = false
    bytes.on('data', (data) => {
      if (!this.push(data)) bytes.pause()
    })
    bytes.on('end', () => {
      hasEnded = true
      this.push(null)
    })
    bytes.on('error', (cause) => this.destroy(found.failure(cause)))
    bytes.on('close', () => {
      if (!hasEnded) this.destroy(found.failure(null))
    })
  }
}
