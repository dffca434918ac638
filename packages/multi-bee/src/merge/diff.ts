import b4a from 'b4a'
import { MAX_VALUE_BYTES } from '../log/limits.ts'
import { canonicalJson } from './canonical-json.ts'
import { childPath, isAtOrBelow, isBelow, pathNames, ROOT, type Path } from './path.ts'
import { hasMarker, type Register } from './register.ts'
import { isSameValue } from './show.ts'
import type { Operation, Value } from './transaction.ts'

/** What of an operation a diff decides; the caller adds key and context. */
export type Change = Pick<Operation, 'path' | 'value'>

/**
 * The changes that turn what is shown into the next value: unchanged fields are not touched.
 *
 * @param register - what remains of the entry, to know which maps have markers
 * @param shown - what the author of the put saw
 */
export function diff(register: Register, shown: Value | null, next: Value): Change[] {
  if (isSameValue(shown, next)) return []
  if (shown === null || !shown.document || !next.document) return [{ path: ROOT, value: next }]
  const before: unknown = JSON.parse(b4a.toString(shown.bytes))
  const after: unknown = JSON.parse(b4a.toString(next.bytes))
  if (!isMap(before) || !isMap(after)) return [{ path: ROOT, value: next }]
  const changes: Change[] = []
  diffMaps(before, after, ROOT, register, changes)
  return changes
}

function diffMaps(before: object, after: object, path: Path, register: Register, changes: Change[]): void {
  const names = Object.keys(after)
  if (names.length === 0 && Object.keys(before).length > 0 && !hasMarker(register, path)) {
    changes.push({ path, value: documentOf(after) })
    return
  }
  for (const name of names) {
    const here = childPath(path, name)
    const value = fieldOf(after, name)
    if (!Object.hasOwn(before, name)) changes.push({ path: here, value: documentOf(value) })
    else diffField(fieldOf(before, name), value, here, register, changes)
  }
  for (const name of Object.keys(before)) {
    if (!Object.hasOwn(after, name)) changes.push({ path: childPath(path, name), value: null })
  }
}

function diffField(before: unknown, after: unknown, path: Path, register: Register, changes: Change[]): void {
  if (isMap(before) && isMap(after)) diffMaps(before, after, path, register, changes)
  else if (canonicalJson(before) !== canonicalJson(after)) changes.push({ path, value: documentOf(after) })
}

/**
 * Adds a change to the earlier ones of the same key and transaction, so that no two of them are at one path or one above the other.
 *
 * @returns false when that cannot be expressed in one transaction: it goes into the next
 */
export function fold(changes: Change[], next: Change): boolean {
  const above = changes.findIndex((change) => isBelow(next.path, change.path))
  if (above !== -1) {
    const outer = changes[above]
    const merged = outer?.value?.document ? graft(outer.value, outer.path, next) : null
    if (outer === undefined || merged === null) return false
    changes[above] = { path: outer.path, value: merged }
    return true
  }
  for (let i = changes.length - 1; i >= 0; i--) {
    const change = changes[i]
    if (change !== undefined && isAtOrBelow(change.path, next.path)) changes.splice(i, 1)
  }
  changes.push(next)
  return true
}

/** What of an operation is left when others at these paths come after it; `null` when nothing is. */
export function withoutPaths<T extends Change>(operation: T, paths: readonly Path[]): T | null {
  let { value } = operation
  for (const path of paths) {
    if (isAtOrBelow(operation.path, path)) return null
    if (value === null || !isBelow(path, operation.path)) continue
    const kept = value.document ? without(value, pathNames(path.slice(operation.path.length))) : null
    if (kept === null) return null
    value = kept
  }
  return { ...operation, value }
}

/** A document without what is at a place, or the leaf that an operation there replaces; `null` when the document is that leaf. */
function without(document: Value, names: readonly string[]): Value | null {
  const tree: unknown = JSON.parse(b4a.toString(document.bytes))
  if (!isMap(tree)) return null
  let map = tree
  for (const [i, name] of names.entries()) {
    if (!Object.hasOwn(map, name)) return document
    const field = fieldOf(map, name)
    if (i < names.length - 1 && isMap(field)) map = field
    else {
      Reflect.deleteProperty(map, name)
      break
    }
  }
  return documentOf(tree)
}

/** The map with the change made inside it; `null` when the way there does not lead through maps, or it would be too large. */
function graft(map: Value, path: Path, next: Change): Value | null {
  const tree: unknown = JSON.parse(b4a.toString(map.bytes))
  const names = pathNames(next.path.slice(path.length))
  let parent: unknown = tree
  for (const name of names.slice(0, -1))
    parent = isMap(parent) && Object.hasOwn(parent, name) ? fieldOf(parent, name) : null
  if (!isMap(parent)) return null
  const last = names[names.length - 1] ?? ''
  if (next.value === null) Reflect.deleteProperty(parent, last)
  else {
    const value: unknown = JSON.parse(b4a.toString(next.value.bytes))
    Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true })
  }
  const grafted = canonicalJson(tree)
  if (grafted === null || b4a.byteLength(grafted) > MAX_VALUE_BYTES) return null
  return { document: true, bytes: b4a.from(grafted) }
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own field, also one that is called `__proto__`. */
function fieldOf(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value
}

/** A part of a document is a document. */
function documentOf(tree: unknown): Value {
  const text = canonicalJson(tree)
  if (text === null) throw new Error('a part of a document nests deeper than the whole')
  return { document: true, bytes: b4a.from(text) }
}
