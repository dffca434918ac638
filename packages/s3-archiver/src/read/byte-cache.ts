import { lru } from 'tiny-lru'

/** Keeps what was used last, up to a number of bytes. */
export class ByteCache<V> {
  readonly #entries = lru<{ value: V; bytes: number }>(0)
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#entries.onEvict(({ value }) => (this.#bytes -= value.bytes))
  }

  /** Of all that is kept, as far as was told. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: number | string): V | undefined {
    return this.#entries.get(key)?.value
  }

  /** Of all that is kept, in a list of its own. */
  keys(): (number | string)[] {
    return this.#entries.keys()
  }

  delete(key: number | string): void {
    this.#bytes -= this.#entries.peek(key)?.bytes ?? 0
    this.#entries.delete(key)
  }

  /** @param bytes - of the value; what needs more than all there is room for is kept alone, until the next one comes */
  set(key: number | string, value: V, bytes: number): void {
    const known = this.#entries.peek(key)
    this.#bytes += bytes - (known?.bytes ?? 0)
    this.#entries.set(key, { value, bytes })
    while (this.#bytes > this.#maxBytes && this.#entries.size > 1) this.#entries.evict()
  }
}
