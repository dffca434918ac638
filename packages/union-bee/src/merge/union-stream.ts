import { Readable } from 'streamx'
import type { Skipped } from '../types.ts'
import type { BatchReader } from './merge-reader.ts'

/**
 * A stream of the field (streamx) that is also an async iterable. `skipped` names the sources it went on without: look at it when the
 * stream has ended. Ending it early (`break`, `destroy`) ends the streams of all sources.
 */
export interface UnionStream<T> extends AsyncIterable<T> {
  readonly skipped: readonly Skipped[]
  on(event: 'data', listener: (data: T) => void): this
  on(event: 'end' | 'close', listener: () => void): this
  on(event: 'error', listener: (error: Error) => void): this
  pipe<S>(destination: S): S
  destroy(error?: Error): void
}

/** Reads in batches, so that an entry costs no promise of its own on its way. */
export class ReaderStream<T> extends Readable {
  readonly #reader: BatchReader<T>
  #releasing: Promise<void> | null = null
  #isFlowing = false
  #failure: Error | null = null

  constructor(reader: BatchReader<T>) {
    super()
    this.#reader = reader
  }

  get skipped(): readonly Skipped[] {
    return this.#reader.skipped
  }

  /** Past the buffer of the stream, unless that is in use. */
  override [Symbol.asyncIterator](): AsyncIterator<T> {
    if (this.#isFlowing) return super[Symbol.asyncIterator]() as AsyncIterator<T>
    return new BatchIterator<T>(this.batches())
  }

  override destroy(error?: Error | null): void {
    this.#failure ??= error ?? null
    super.destroy(error)
  }

  override resume(): this {
    this.#isFlowing = true
    return super.resume()
  }

  /** Entries as they come from the merge. For a reader that is itself a merge. */
  batches(): AsyncIterator<readonly T[]> {
    // Whoever iterates is told by the iterator.
    this.on('error', () => {})
    const end = async (): Promise<IteratorResult<readonly T[]>> => {
      await this.#end(null)
      return { done: true, value: undefined }
    }
    return {
      next: async () => {
        try {
          if (this.#failure !== null) throw this.#failure
          if (this.destroying) return { done: true, value: undefined }
          const batch = await this.#reader.next()
          return batch === null ? end() : { done: false, value: batch }
        } catch (error) {
          await this.#end(error as Error)
          throw error
        }
      },
      return: end
    }
  }

  override _read(done: (error: Error | null) => void): void {
    this.#isFlowing = true
    void settle(this.#pushNext(), done)
  }

  override _predestroy(): void {
    this.#releasing ??= this.#reader.release()
  }

  override _destroy(done: (error: Error | null) => void): void {
    this.#releasing ??= this.#reader.release()
    void settle(this.#releasing, done)
  }

  async #pushNext(): Promise<void> {
    const batch = await this.#reader.next()
    if (batch === null) this.push(null)
    else for (const item of batch) this.push(item)
  }

  async #end(error: Error | null): Promise<void> {
    this.#releasing ??= this.#reader.release()
    await this.#releasing
    this.destroy(error)
  }
}

/** Tells a stream's callback how the work went. */
export async function settle(work: Promise<unknown>, done: (error: Error | null) => void): Promise<void> {
  let failure: Error | null = null
  try {
    await work
  } catch (error) {
    failure = error as Error
  }
  done(failure)
}

/** Items of batches, one by one. */
class BatchIterator<T> implements AsyncIterator<T> {
  readonly #batches: AsyncIterator<readonly T[]>
  #batch: readonly T[] = []
  #at = 0
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(batches: AsyncIterator<readonly T[]>) {
    this.#batches = batches
  }

  next(): Promise<IteratorResult<T>> {
    // What was asked for earlier comes earlier.
    if (this.#waiting === 0 && this.#at < this.#batch.length)
      return Promise.resolve({ done: false, value: this.#batch[this.#at++] as T })
    const next = this.#turn.then(() => this.#next())
    const settled = (): void => {
      this.#waiting--
    }
    this.#waiting++
    this.#turn = next.then(settled, settled)
    return next
  }

  async return(): Promise<IteratorResult<T>> {
    this.#batch = []
    await this.#batches.return?.()
    return { done: true, value: undefined }
  }

  async #next(): Promise<IteratorResult<T>> {
    while (this.#at >= this.#batch.length) {
      const { done, value } = await this.#batches.next()
      if (done === true) return { done, value: undefined }
      this.#batch = value
      this.#at = 0
    }
    return { done: false, value: this.#batch[this.#at++] as T }
  }
}
