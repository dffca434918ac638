/**
 * A binary min-heap: the least item in O(1), a change of it in O(log n).
 *
 * Source: J. W. J. Williams, "Algorithm 232: Heapsort", CACM 7(6), 1964.
 */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #compare: (a: T, b: T) => number

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  /** The least item; `undefined` when there is none. */
  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] as T
      if (this.#compare(above, item) <= 0) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** Removes the least item. */
  pop(): T | undefined {
    const least = this.#items[0]
    const last = this.#items.pop()
    if (this.#items.length > 0) this.#sink(last as T)
    return least
  }

  /** To be called when the least item has become greater. */
  sinkTop(): void {
    const [top] = this.#items
    if (top !== undefined) this.#sink(top)
  }

  #sink(item: T): void {
    const items = this.#items
    const { length } = items
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.#compare(items[child + 1] as T, items[child] as T) < 0) child++
      const below = items[child] as T
      if (this.#compare(item, below) <= 0) break
      items[at] = below
      at = child
    }
    items[at] = item
  }
}
