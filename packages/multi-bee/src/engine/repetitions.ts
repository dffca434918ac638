import type { Place } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'

/** Something that this device has done again in one of its logs. */
export interface Repetition {
  /** Of what was done again. */
  place: Place
  /** Local number of the log that repeats it. */
  log: number
  /** Blocks of that log that come before and hold something else. */
  needs: number
  /** Blocks of that log with the repetition. */
  end: number
}

/**
 * What this device has done again since it was opened, in order. Who had read the first of something has seen its repetition too: what is put
 * against that read replaces both. Memory: a few numbers for each transaction that was done again.
 */
export class Repetitions {
  readonly #list: Repetition[] = []
  /** One for many writes that name one base; forgotten when there are more repetitions. */
  #known = new WeakMap<VersionVector, VersionVector>()

  add(repetition: Repetition): void {
    this.#list.push(repetition)
    this.#known = new WeakMap()
  }

  /** The vector, with the repetitions of what it covers. Itself when there are none. */
  seenWith(vector: VersionVector): VersionVector {
    if (this.#list.length === 0) return vector
    let result = this.#known.get(vector)
    if (result !== undefined) return result
    result = vector
    for (const { place, log, needs, end } of this.#list) {
      const seen = lengthAt(result, log)
      if (lengthAt(vector, place.writer) > place.seq && seen >= needs && seen < end)
        result = withLength(result, log, end)
    }
    this.#known.set(vector, result)
    return result
  }
}
