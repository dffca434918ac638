import { Writable } from 'streamx'
import { UnionBeeError } from '../errors.ts'
import { settle } from '../merge/union-stream.ts'

/** The stream of a drive into a file. */
interface ByteSink {
  on(event: 'drain' | 'finish' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  write(data: Uint8Array): boolean
  end(): unknown
  destroy(error?: Error): unknown
}

/** Bytes of a file on their way to the top. The file is there when the stream has finished: nothing is, when it is destroyed before. */
export class FileWriteStream extends Writable {
  readonly #sink: ByteSink
  readonly #finish: (write: () => Promise<void>) => Promise<void>
  #failure: UnionBeeError | null = null
  #hasFinished = false
  #wake: (() => void) | null = null

  /** @param finish - puts the file in its place, by what it is given */
  constructor(sink: unknown, finish: (write: () => Promise<void>) => Promise<void>) {
    super()
    this.#sink = sink as ByteSink
    this.#finish = finish
    const wake = (): void => this.#wake?.()
    this.#sink.on('drain', wake)
    this.#sink.on('finish', () => {
      this.#hasFinished = true
      wake()
    })
    this.#sink.on('error', (cause) => this.#fail(cause))
    this.#sink.on('close', () => {
      if (!this.#hasFinished) this.#fail(null)
    })
  }

  override _write(data: Uint8Array, done: (error: Error | null) => void): void {
    if (this.#sink.write(data)) done(this.#failure)
    else this.#wake = () => done(this.#failure)
  }

  override _final(done: (error: Error | null) => void): void {
    void settle(
      this.#finish(() => this.#end()),
      done
    )
  }

  override _predestroy(): void {
    this.#failure ??= failure(null)
    this.#sink.destroy()
    this.#wake?.()
  }

  #end(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake = () => (this.#failure === null ? resolve() : reject(this.#failure))
      this.#sink.end()
      if (this.#failure !== null) reject(this.#failure)
    })
  }

  #fail(cause: Error | null): void {
    this.#failure ??= failure(cause)
    this.#wake?.()
    this.destroy(this.#failure)
  }
}

function failure(cause: Error | null): UnionBeeError {
  return new UnionBeeError('UNION_BEE_SOURCE_FAILED', 'the file could not be written to its end', { cause })
}
