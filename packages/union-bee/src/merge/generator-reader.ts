import { UnionBeeError } from '../errors.ts'
import { Waits } from '../sources/patience.ts'
import type { Skipped } from '../types.ts'
import type { BatchReader } from './merge-reader.ts'

/** What can be ended while it is read. */
interface Endable {
  destroy?(): unknown
}

/** What a generator is given to work with. */
export interface Reading {
  /** Names a source it went on without. */
  readonly skipped: Skipped[]
  /** Ends this stream when the reader is released, also in the middle of a wait. Returns it. */
  readonly own: <T extends object>(stream: T) => T
}

/** Reads a generator, one item a batch. */
export class GeneratorReader<T> implements BatchReader<T> {
  readonly skipped: Skipped[] = []
  readonly #owned = new Set<Endable>()
  readonly #items: AsyncGenerator<T>
  readonly #waits = new Waits()
  #pending = false

  constructor(generate: (reading: Reading) => AsyncGenerator<T>) {
    const own = <S extends object>(stream: S): S => {
      this.#owned.add(stream)
      return stream
    }
    this.#items = generate({ skipped: this.skipped, own })
  }

  async next(): Promise<readonly T[] | null> {
    this.#pending = true
    const step = this.#items.next()
    const settled = (): void => {
      this.#pending = false
    }
    step.then(settled, settled)
    const { done, value } = await this.#waits.wait(step)
    return done === true ? null : [value]
  }

  async release(): Promise<void> {
    this.#waits.stop(new UnionBeeError('UNION_BEE_CLOSED', 'the stream is closed'))
    for (const stream of this.#owned) stream.destroy?.()
    const ended = this.#items.return(undefined).catch(() => {})
    // It waits for its turn behind the step under way, which may wait for what never comes.
    if (!this.#pending) await ended
  }
}
