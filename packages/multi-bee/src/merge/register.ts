import b4a from 'b4a'
import { canonicalJson } from './canonical-json.ts'
import { childPath, isAtOrBelow, isBelow, ROOT, type Path } from './path.ts'
import type { Dot, Operation, Value } from './transaction.ts'
import { lengthAt, type VersionVector } from './version-vector.ts'

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
 * What remains of all operations on one key: exactly the sentences of MERGE.md, "What remains". Immutable.
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

/**
 * The register after one more operation. Operations must come in causal order, that is after everything in their `seen` that counts.
 *
 * @param seen - what the operation's author had seen
 * @param deleteWins - the database's rule for an unset against an edit that had not seen it
 */
export function applyOperation(
  register: Register,
  operation: Operation,
  dot: Dot,
  seen: VersionVector,
  deleteWins: boolean
): Register {
  const { path, value } = operation
  if (path === ROOT && value !== null && isSimple(register, seen)) return wholeOf(value, dot)

  let elements = elementsOf(register).filter((element) => !(isSeen(element, seen) && reaches(path, element)))
  if (value === null && deleteWins) elements = elements.filter((element) => !isAtOrBelow(element.path, path))

  let tombstones: Tombstone[] = []
  const remaining = new Set(elements)
  for (const tombstone of register.tombstones) {
    if (!deleteWins && isSeen(tombstone, seen) && isAtOrBelow(tombstone.path, path)) continue
    tombstones.push({ ...tombstone, over: tombstone.over.filter((element) => remaining.has(element)) })
  }

  if (value === null) {
    if (deleteWins) tombstones = tombstones.filter((t) => !(t.path === path && t.writer === dot.writer))
    const over = elements.filter((element) => isAtOrBelow(element.path, path))
    tombstones.push({ ...pick(dot), path, over })
    return { whole: null, elements, tombstones }
  }

  if (path === ROOT && elements.length === 0 && tombstones.length === 0) return wholeOf(value, dot)
  const unseen = tombstones.filter((tombstone) => !isSeen(tombstone, seen))
  let added = expand(path, value, dot)
  if (deleteWins) added = added.filter((element) => !unseen.some((t) => isAtOrBelow(element.path, t.path)))
  tombstones = tombstones.map((tombstone) => {
    if (!unseen.includes(tombstone)) return tombstone
    return {
      ...tombstone,
      over: [...tombstone.over, ...added.filter((e) => isAtOrBelow(e.path, tombstone.path))]
    }
  })
  return { whole: null, elements: [...elements, ...added], tombstones }
}

/** A value put at a path, as the marker and leaves it consists of; all share the dot. */
function expand(path: Path, value: Value, dot: Dot): Element[] {
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

/** Whether an assign of the whole entry plainly replaces all there is: the common case, decided without taking values apart. */
function isSimple(register: Register, seen: VersionVector): boolean {
  if (register.whole !== null) return isSeen(register.whole, seen)
  return register.elements.length === 0 && register.tombstones.length === 0
}

function wholeOf(value: Value, dot: Dot): Register {
  return { whole: { ...pick(dot), value }, elements: [], tombstones: [] }
}

/** Whether an operation at `path` is at, above, or (for a leaf) below the element. */
function reaches(path: Path, element: Element): boolean {
  return isAtOrBelow(element.path, path) || (element.value !== null && isBelow(path, element.path))
}

function isSeen(dot: Dot, seen: VersionVector): boolean {
  return dot.seq < lengthAt(seen, dot.writer)
}

function pick({ writer, seq, index, ms, counter }: Dot): Dot {
  return { writer, seq, index, ms, counter }
}
