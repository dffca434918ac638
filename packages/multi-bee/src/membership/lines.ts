import type { WriterTable } from '../merge/writer-table.ts'
import type { Controls } from './controls.ts'
import { hexOf } from './membership.ts'

/** Which logs go on from one another, by what they say, whether that counts or not. */
export class Lines {
  readonly #controls: Controls
  readonly #writers: WriterTable
  /** By key in hex. */
  readonly #roots = new Map<string, string>()

  constructor(controls: Controls, writers: WriterTable) {
    this.#controls = controls
    this.#writers = writers
  }

  /** @param key - of a log that may have no number yet */
  isOne(writer: number, key: Uint8Array): boolean {
    return this.#rootOf(this.#writers.keyOf(writer)) === this.#rootOf(key)
  }

  /** The log that a line goes back to, in hex; where it goes in a circle, one of those in it. */
  #rootOf(key: Uint8Array): string {
    const id = hexOf(key)
    const known = this.#roots.get(id)
    if (known !== undefined) return known
    // Whoever comes here again has gone round.
    this.#roots.set(id, id)
    const previous = this.#previousOf(key)
    const root = previous === null ? id : this.#rootOf(previous)
    this.#roots.set(id, root)
    return root
  }

  #previousOf(key: Uint8Array): Uint8Array | null {
    const record = this.#controls.of(this.#writers.find(key))[0]?.membership[0]
    return record?.type === 'succeed' ? record.previous : null
  }
}
