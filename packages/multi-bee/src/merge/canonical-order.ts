import b4a from 'b4a'
import type { Dot } from './transaction.ts'
import type { WriterTable } from './writer-table.ts'

/**
 * The one total order of all operations: time, then the whole writer key, then the place in that writer's log.
 * 0 only for one and the same dot.
 */
export function compareDots(a: Dot, b: Dot, writers: WriterTable): number {
  return (
    a.ms - b.ms ||
    a.counter - b.counter ||
    (a.writer === b.writer ? 0 : b4a.compare(writers.keyOf(a.writer), writers.keyOf(b.writer))) ||
    a.seq - b.seq ||
    a.index - b.index
  )
}

/** The greater of two dots in canonical order. */
export function greater<D extends Dot>(a: D | null, b: D, writers: WriterTable): D {
  return a === null || compareDots(a, b, writers) < 0 ? b : a
}
