import type { WalkSource } from '../membership/walk.ts'
import type { Transaction } from '../merge/transaction.ts'
import { lengthAt, type VersionVector } from '../merge/version-vector.ts'

/**
 * Reads only transactions with membership records, from a list, as if everything between them had been passed.
 * Enough for a walk while there are no removals: then only the order of joining is at stake.
 */
export class ControlSource implements WalkSource {
  readonly #controls = new Map<number, Transaction[]>()
  readonly #applied: VersionVector

  constructor(controls: readonly Transaction[], applied: VersionVector) {
    this.#applied = applied
    for (const control of controls) {
      const list = this.#controls.get(control.writer)
      if (list === undefined) this.#controls.set(control.writer, [control])
      else list.push(control)
    }
  }

  peek(writer: number): Promise<Transaction | null> {
    return Promise.resolve(this.#controls.get(writer)?.[0] ?? null)
  }

  advance(writer: number): void {
    this.#controls.get(writer)?.shift()
  }

  position(writer: number): number {
    return this.#controls.get(writer)?.[0]?.seq ?? lengthAt(this.#applied, writer)
  }
}
