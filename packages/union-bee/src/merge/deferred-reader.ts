import { UnionBeeError } from '../errors.ts'
import type { Skipped } from '../types.ts'
import type { BatchReader } from './merge-reader.ts'

/** A reader that is made when it is first read. What making it throws comes out of `next`. */
export class DeferredReader<T> implements BatchReader<T> {
  readonly #make: () => Promise<BatchReader<T>>
  #reader: BatchReader<T> | null = null
  #released = false

  constructor(make: () => Promise<BatchReader<T>>) {
    this.#make = make
  }

  get skipped(): readonly Skipped[] {
    return this.#reader?.skipped ?? []
  }

  async next(): Promise<readonly T[] | null> {
    this.#reader ??= await this.#make()
    if (this.#released) {
      await this.#reader.release()
      throw new UnionBeeError('UNION_BEE_CLOSED', 'the stream is closed')
    }
    return this.#reader.next()
  }

  async release(): Promise<void> {
    this.#released = true
    await this.#reader?.release()
  }
}

/** The same with something done to every item. */
export function mapped<T, S>(reader: BatchReader<T>, map: (item: T) => S): BatchReader<S> {
  return {
    get skipped() {
      return reader.skipped
    },
    next: async () => (await reader.next())?.map(map) ?? null,
    release: () => reader.release()
  }
}
