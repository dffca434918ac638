/**
 * How many blocks of each writer's log are meant, by local writer id ({@link WriterTable}); a missing place is 0.
 * Treated as immutable: a change makes a new array.
 */
export type VersionVector = readonly number[]

export function lengthAt(vector: VersionVector, writer: number): number {
  return vector[writer] ?? 0
}

export function withLength(vector: VersionVector, writer: number, length: number): VersionVector {
  const next = vector.slice()
  while (next.length <= writer) next.push(0)
  next[writer] = length
  return next
}

/** Raises `into`, in place, to at least `vector` in every place. */
export function raise(into: number[], vector: VersionVector): void {
  for (let id = 0; id < vector.length; id++) {
    const length = vector[id] ?? 0
    if (length > (into[id] ?? 0)) {
      while (into.length < id) into.push(0)
      into[id] = length
    }
  }
}
