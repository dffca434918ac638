/**
 * Simulated time: what is planned for a moment runs when nothing earlier is left. Things planned for one moment run in the order they were planned.
 */
export class Events {
  /** Milliseconds. */
  now = 0
  #count = 0
  /** @type {{ at: number, order: number, run: () => void }[]} a binary heap, the earliest first */
  #heap = []

  /**
   * @param {number} delayMs
   * @param {() => void} run
   */
  after(delayMs, run) {
    const heap = this.#heap
    heap.push({ at: this.now + delayMs, order: this.#count++, run })
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1
      if (!this.#swapIfEarlier(i, parent)) break
      i = parent
    }
  }

  /** @param {number} until */
  runUntil(until) {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#takeFirst()
      this.now = next.at
      next.run()
    }
    this.now = until
  }

  #takeFirst() {
    const heap = this.#heap
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return
    heap[0] = last
    for (let i = 0; ;) {
      const [left, right] = [2 * i + 1, 2 * i + 2]
      if (left >= heap.length) return
      const child = right < heap.length && this.#isEarlier(right, left) ? right : left
      if (!this.#swapIfEarlier(child, i)) return
      i = child
    }
  }

  /**
   * @param {number} a
   * @param {number} b
   */
  #isEarlier(a, b) {
    const [x, y] = [this.#heap[a], this.#heap[b]]
    if (x === undefined || y === undefined) return false
    return x.at < y.at || (x.at === y.at && x.order < y.order)
  }

  /**
   * @param {number} child
   * @param {number} parent
   */
  #swapIfEarlier(child, parent) {
    if (!this.#isEarlier(child, parent)) return false
    const heap = this.#heap
    ;[heap[child], heap[parent]] = [
      /** @type {(typeof heap)[0]} */ (heap[parent]),
      /** @type {(typeof heap)[0]} */ (heap[child])
    ]
    return true
  }
}
