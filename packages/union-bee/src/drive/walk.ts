import { endStream } from './drive-layer.ts'

/** A stream that begins when it is first read. */
export class Walk<T> {
  readonly #make: () => AsyncIterable<T>
  #stream: AsyncIterable<T> | null = null
  #items: AsyncIterator<T> | null = null

  constructor(make: () => AsyncIterable<T>) {
    this.#make = make
  }

  stream(): AsyncIterable<T> {
    return (this.#stream ??= this.#make())
  }

  /** `null` at the end. */
  async next(): Promise<T | null> {
    this.#items ??= this.stream()[Symbol.asyncIterator]()
    const { done, value } = await this.#items.next()
    return done === true ? null : value
  }

  end(): void {
    endStream(this.#stream)
    // What it has to say about its end is nobody's concern.
    this.#items?.return?.().catch(() => {})
  }
}
