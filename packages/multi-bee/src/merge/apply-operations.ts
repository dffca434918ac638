import { pathsTo, ROOT, type Path } from './path.ts'
import {
  elementsOf,
  EMPTY_REGISTER,
  expand,
  pick,
  type Element,
  type Register,
  type Tombstone
} from './register.ts'
import type { Dot, Operation, Value } from './transaction.ts'
import { lengthAt, raise, type VersionVector } from './version-vector.ts'

/** An operation as it counts. */
export interface Stamped {
  operation: Operation
  dot: Dot
  /** What its author had seen. */
  seen: VersionVector
}

/**
 * The register of a key after the operations of one transaction on it, which have not seen one another. Transactions must come in
 * causal order, that is after everything in their `seen` that counts.
 * Cost: linear in what remained, in the operations, and in the depth of paths; whatever the operations are.
 *
 * @param deleteWins - the database's rule for an unset against an edit that had not seen it
 */
export function applyOperations(
  register: Register,
  operations: readonly Stamped[],
  deleteWins: boolean
): Register {
  const [first] = operations
  if (first === undefined) return register
  const entry = operations.length === 1 && first.operation.path === ROOT ? first.operation.value : null
  if (entry !== null && isSimple(register, first.seen)) return wholeOf(entry, first.dot)

  const unset = new Set<Path>()
  for (const { operation } of operations) if (operation.value === null) unset.add(operation.path)
  const reach = new Reach(operations)
  let elements = reach.remaining(elementsOf(register))
  if (deleteWins) elements = elements.filter(({ path }) => !isIn(unset, path))
  const tombstones = new Tombstones()
  const kept = new Set(elements)
  for (const tombstone of register.tombstones) {
    if (deleteWins || !reach.covers(tombstone))
      tombstones.add({ ...tombstone, over: tombstone.over.filter((element) => kept.has(element)) })
  }
  if (entry !== null && elements.length === 0 && tombstones.size === 0) return wholeOf(entry, first.dot)

  for (const { operation, dot, seen } of operations) {
    if (operation.value === null) continue
    for (const element of expand(operation.path, operation.value, dot)) {
      const rivals = tombstones.unseen(element.path, seen)
      if (deleteWins && (rivals.length > 0 || isIn(unset, element.path))) continue
      for (const { over } of rivals) over.push(element)
      elements.push(element)
    }
  }
  const competing = elementsBelow(unset, elements)
  for (const { operation, dot } of operations) {
    const { path, value } = operation
    if (value === null) tombstones.add({ ...pick(dot), path, over: competing.get(path) ?? [] })
  }
  return { whole: null, elements, tombstones: tombstones.list() }
}

/** What the operations of one transaction replace. */
class Reach {
  /** What the operations at a path have seen. */
  readonly #at = new SeenByPath()

  constructor(operations: readonly Stamped[]) {
    for (const { operation, seen } of operations) this.#at.add(operation.path, seen)
  }

  /** Whether an operation at its path or above has seen it. */
  covers(subject: Dot & { path: Path }): boolean {
    return pathsTo(subject.path).some((path) => isSeen(subject, this.#at.get(path)))
  }

  /** Those that no operation replaces: from its path or above, or, a leaf, from below. A new list. */
  remaining(elements: readonly Element[]): Element[] {
    const left = elements.filter((element) => !this.covers(element))
    const leaves = new Set<Path>()
    for (const { path, value } of left) if (value !== null) leaves.add(path)
    const below = new SeenByPath()
    for (const [path, seen] of this.#at.entries()) {
      for (const above of pathsTo(path)) if (above !== path && leaves.has(above)) below.add(above, seen)
    }
    return left.filter((element) => element.value === null || !isSeen(element, below.get(element.path)))
  }
}

/** Vectors by path, joined where there are several. */
class SeenByPath {
  readonly #vectors = new Map<Path, VersionVector>()
  /** Of these, those that are joins, and this object's own. */
  readonly #joins = new Map<Path, number[]>()

  add(path: Path, seen: VersionVector): void {
    const known = this.#vectors.get(path)
    if (known === undefined) this.#vectors.set(path, seen)
    if (known === undefined || known === seen) return
    const join = this.#joins.get(path) ?? known.slice()
    raise(join, seen)
    this.#joins.set(path, join)
    this.#vectors.set(path, join)
  }

  get(path: Path): VersionVector {
    return this.#vectors.get(path) ?? []
  }

  entries(): Iterable<[Path, VersionVector]> {
    return this.#vectors
  }
}

/** Tombstones by path. Of one writer the last at a path is enough: whoever has seen it, or removes it, has seen those before it. */
class Tombstones {
  readonly #byPath = new Map<Path, (Tombstone & { over: Element[] })[]>()

  get size(): number {
    return this.#byPath.size
  }

  add(tombstone: Tombstone & { over: Element[] }): void {
    const others = this.#byPath.get(tombstone.path) ?? []
    this.#byPath.set(tombstone.path, [
      ...others.filter(({ writer }) => writer !== tombstone.writer),
      tombstone
    ])
  }

  /** Those at the path or above that are not in `seen`. */
  unseen(path: Path, seen: VersionVector): (Tombstone & { over: Element[] })[] {
    if (this.#byPath.size === 0) return []
    return pathsTo(path).flatMap((above) => this.#byPath.get(above)?.filter((it) => !isSeen(it, seen)) ?? [])
  }

  list(): Tombstone[] {
    return [...this.#byPath.values()].flat()
  }
}

/** By path: the elements there or below. */
function elementsBelow(paths: ReadonlySet<Path>, elements: readonly Element[]): Map<Path, Element[]> {
  const below = new Map<Path, Element[]>()
  if (paths.size === 0) return below
  for (const element of elements) {
    for (const path of pathsTo(element.path)) {
      if (!paths.has(path)) continue
      const list = below.get(path)
      if (list === undefined) below.set(path, [element])
      else list.push(element)
    }
  }
  return below
}

function isIn(paths: ReadonlySet<Path>, path: Path): boolean {
  return paths.size > 0 && pathsTo(path).some((above) => paths.has(above))
}

/** Whether an assign of the whole entry plainly replaces all there is: the common case, decided without taking values apart. */
function isSimple({ whole, elements, tombstones }: Register, seen: VersionVector): boolean {
  if (whole !== null) return isSeen(whole, seen)
  return elements.length === 0 && tombstones.length === 0
}

function wholeOf(value: Value, { writer, seq, index, ms, counter }: Dot): Register {
  const { elements, tombstones } = EMPTY_REGISTER
  return { whole: { writer, seq, index, ms, counter, value }, elements, tombstones }
}

function isSeen(dot: Dot, seen: VersionVector): boolean {
  return dot.seq < lengthAt(seen, dot.writer)
}
