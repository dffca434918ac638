/** How far joins may overtake each other on their ways. */
const WINDOW = 64

/**
 * Which numbers of paths were used, so that a join that is repeated is none: a window, as against replay in ESP (RFC 4303, 3.4.3). They rise,
 * and those of joins that cross arrive in another order.
 */
export class PathNumbers {
  #used = new Set<number>()
  #highest = -1

  isFresh(number: number): boolean {
    return number > this.#highest - WINDOW && !this.#used.has(number)
  }

  use(number: number): void {
    this.#used.add(number)
    if (number <= this.#highest) return
    this.#highest = number
    this.#used = new Set([...this.#used].filter((one) => one > number - WINDOW))
  }
}
