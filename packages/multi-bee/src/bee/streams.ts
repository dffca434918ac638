import { Readable } from 'streamx'
import type { EntryStream } from '../types.ts'

export function streamOf<T>(items: AsyncIterable<T>): EntryStream<T> {
  return Readable.from(items) as unknown as EntryStream<T>
}

/** A stream of the items in the batches. Buffers one batch; ends the generator when it is destroyed. */
export function streamOfBatches<T>(batches: AsyncGenerator<readonly T[]>): EntryStream<T> {
  return new BatchStream(batches) as unknown as EntryStream<T>
}

class BatchStream<T> extends Readable {
  readonly #batches: AsyncGenerator<readonly T[]>
  #ended: Promise<unknown> | null = null

  constructor(batches: AsyncGenerator<readonly T[]>) {
    super()
    this.#batches = batches
  }

  /** As of any stream, but what is buffered is read without a promise for each item. */
  override async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    const items = { [Symbol.asyncIterator]: () => super[Symbol.asyncIterator]() as AsyncIterator<T> }
    for await (const first of items) {
      yield first
      for (let item = this.read() as T | null; item !== null; item = this.read() as T | null) yield item
    }
  }

  override _read(done: (error: Error | null) => void): void {
    void settle(this.#pushNext(), done)
  }

  override _predestroy(): void {
    this.#ended = this.#batches.return(undefined)
  }

  override _destroy(done: (error: Error | null) => void): void {
    void settle(this.#ended, done)
  }

  async #pushNext(): Promise<void> {
    const next = await this.#batches.next()
    if (next.done === true) this.push(null)
    else for (const item of next.value) this.push(item)
  }
}

async function settle(work: Promise<unknown> | null, done: (error: Error | null) => void): Promise<void> {
  let failure: Error | null = null
  try {
    await work
  } catch (error) {
    failure = error as Error
  }
  done(failure)
}
