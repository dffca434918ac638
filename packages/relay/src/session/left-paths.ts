import type { Line } from '../paths/line.ts'

/** How long a path that is no longer used may take to close: the other side may be gone without a word. */
const LINGER_MS = 3_000

/** Paths that are not used any more, until they have closed: what was said last on them still leaves. */
export class LeftPaths {
  /** With the timer of each. */
  readonly #lines = new Map<Line, unknown>()
  #onempty: () => void = () => {}

  /** It owns the path from now on. */
  add(line: Line): void {
    const { path } = line
    this.#lines.set(
      line,
      setTimeout(() => path.destroy(), LINGER_MS)
    )
    line.hand({ onmessage: () => {}, ondrain: () => {}, onclose: () => this.#delete(line) })
    path.end()
  }

  /** Resolves once none is left; what has not closed after `withinMs` is destroyed. */
  async closed(withinMs: number): Promise<void> {
    if (this.#lines.size === 0) return
    const empty = new Promise<void>((resolve) => (this.#onempty = resolve))
    const timer = setTimeout(() => {
      for (const { path } of this.#lines.keys()) path.destroy()
    }, withinMs)
    await empty
    clearTimeout(timer)
  }

  #delete(line: Line): void {
    clearTimeout(this.#lines.get(line))
    this.#lines.delete(line)
    if (this.#lines.size === 0) this.#onempty()
  }
}
