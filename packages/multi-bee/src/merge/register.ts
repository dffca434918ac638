import b4a from 'b4a'
import { canonicalJson } from './canonical-json.ts'
import { childPath, ROOT, type Path } from './path.ts'
import type { Dot, Value } from './transaction.ts'

/** A leaf (`value` set) or the presence marker of a map (`value` null) that no seen operation has replaced. */
export interface Element extends Dot {
  path: Path
  value: Value | null
}

/** The trace of an unset. */
export interface Tombstone extends Dot {
  path: Path
  /** Remaining elements at or below the path whose operation had not seen this unset: the edits it competes with. */
  over: readonly Element[]
}

/** The common case: all there is comes from one assign of the whole entry. */
interface Whole extends Dot {
  value: Value
}

/**
 * What remains of all operations on one key: the sentences of MERGE.md, "What remains", save that of the tombstones of one writer at
 * one path only the last is kept. Immutable.
 * `whole` is the compact form; when it is set, `elements` and `tombstones` are empty.
 */
export interface Register {
  whole: Whole | null
  elements: readonly Element[]
  tombstones: readonly Tombstone[]
}

export const EMPTY_REGISTER: Register = { whole: null, elements: [], tombstones: [] }

/** Everything that remains, element by element. */
export function elementsOf(register: Register): readonly Element[] {
  return register.whole === null ? register.elements : expand(ROOT, register.whole.value, register.whole)
}

/** Whether a presence marker remains at the path. */
export function hasMarker(register: Register, path: Path): boolean {
  return elementsOf(register).some((element) => element.value === null && element.path === path)
}

/** A value put at a path, as the marker and leaves it consists of; all share the dot. */
export function expand(path: Path, value: Value, dot: Dot): Element[] {
  const elements: Element[] = []
  if (value.document) expandInto(elements, path, JSON.parse(b4a.toString(value.bytes)), value, dot)
  else elements.push({ ...pick(dot), path, value })
  return elements
}

function expandInto(elements: Element[], path: Path, tree: unknown, value: Value | null, dot: Dot): void {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    const leaf = value ?? { document: true, bytes: b4a.from(canonicalJson(tree) ?? 'null') }
    elements.push({ ...pick(dot), path, value: leaf })
    return
  }
  elements.push({ ...pick(dot), path, value: null })
  for (const [name, field] of Object.entries(tree))
    expandInto(elements, childPath(path, name), field, null, dot)
}

/** The dot of what is a dot and more. */
export function pick({ writer, seq, index, ms, counter }: Dot): Dot {
  return { writer, seq, index, ms, counter }
}
