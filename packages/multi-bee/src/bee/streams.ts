import { Readable } from 'streamx'
import type { EntryStream } from '../types.ts'

export function streamOf<T>(items: AsyncIterable<T>): EntryStream<T> {
  return Readable.from(items) as unknown as EntryStream<T>
}

/** A stream of the items in the batches. Buffers one batch; ends the generator when it is destroyed. */
export function streamOfBatches<T>(batches: AsyncGenerator<readonly T[]>): EntryStream<T> {
  let ended: Promise<unknown> | null = null
  const stream = new Readable({
    read: (done) => void settle(pushNext(), done),
    predestroy() {
      ended = batches.return(undefined)
    },
    destroy: (done) => void settle(ended, done)
  })
  return stream as unknown as EntryStream<T>

  async function pushNext(): Promise<void> {
    const next = await batches.next()
    if (next.done === true) stream.push(null)
    else for (const item of next.value) stream.push(item)
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
