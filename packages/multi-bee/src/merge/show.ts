import b4a from 'b4a'
import { greater, compareDots } from './canonical-order.ts'
import { quotedNames, ROOT, type Path } from './path.ts'
import { elementsOf, type Element, type Register, type Tombstone } from './register.ts'
import type { Dot, Value } from './transaction.ts'
import type { WriterTable } from './writer-table.ts'

/** What lost against the shown value of a path. */
export interface Alternative {
  path: Path
  /** `null`: it was deleted there. */
  value: Value | null
  dot: Dot
  /** What won. */
  shown: { value: Value; dot: Dot }
}

type Rival = Omit<Alternative, 'shown'>

/** One path of an entry with everything that remains there. */
interface Node {
  path: Path
  leaves: Element[]
  marker: Dot | null
  /** By quoted name. */
  fields: Map<string, Node>
  /** Once worked out. */
  shown?: Shown | null
  greatest?: Dot | null
}

/** What a node shows, and how it ranks among its rivals. */
interface Shown {
  text: string | null
  /** Set when the entry itself is opaque. */
  opaque: Value | null
  dot: Dot
  isMap: boolean
}

/** What an entry shows: the greatest remaining dot decides at each path. `null` when the entry is absent. */
export function shownValue(register: Register, writers: WriterTable): Value | null {
  if (register.whole !== null) return register.whole.value
  if (register.elements.length === 0) return null
  const shown = show(treeOf(register), writers)
  return shown === null ? null : valueOf(shown)
}

/**
 * What lost, by path and then greatest first. Equal values are no conflict.
 * Cost: linear in what remains of the entry, and in what is returned; as far as it is read.
 */
export function* alternatives(register: Register, writers: WriterTable): Generator<Alternative> {
  if (register.whole !== null || register.elements.length === 0) return
  const deletions = new Map<Path, Tombstone[]>()
  for (const tombstone of register.tombstones) {
    if (tombstone.over.length === 0) continue
    const others = deletions.get(tombstone.path)
    if (others === undefined) deletions.set(tombstone.path, [tombstone])
    else others.push(tombstone)
  }
  yield* collect(treeOf(register), deletions, writers)
}

function treeOf(register: Register): Node {
  const root: Node = { path: ROOT, leaves: [], marker: null, fields: new Map() }
  for (const element of elementsOf(register)) {
    let node = root
    for (const name of quotedNames(element.path)) {
      let field = node.fields.get(name)
      if (field === undefined) {
        field = { path: node.path + name, leaves: [], marker: null, fields: new Map() }
        node.fields.set(name, field)
      }
      node = field
    }
    node.leaves.push(element)
  }
  return root
}

function show(node: Node, writers: WriterTable): Shown | null {
  if (node.shown === undefined) node.shown = decide(node, writers)
  return node.shown
}

function decide(node: Node, writers: WriterTable): Shown | null {
  const leaf = showLeaf(node, writers)
  const map = showMap(node, writers)
  if (leaf === null || map === null) return leaf ?? map
  return compareDots(leaf.dot, map.dot, writers) > 0 ? leaf : map
}

function showLeaf(node: Node, writers: WriterTable): Shown | null {
  let greatest: Element | null = null
  for (const element of node.leaves)
    if (element.value !== null) greatest = greater(greatest, element, writers)
  if (greatest?.value == null) return null
  const { document, bytes } = greatest.value
  return document
    ? { text: b4a.toString(bytes), opaque: null, dot: greatest, isMap: false }
    : { text: null, opaque: greatest.value, dot: greatest, isMap: false }
}

function showMap(node: Node, writers: WriterTable): Shown | null {
  let dot: Dot | null = null
  for (const element of node.leaves) if (element.value === null) dot = greater(dot, element, writers)
  const names = [...node.fields.keys()].sort()
  let text = ''
  for (const name of names) {
    const field = node.fields.get(name)
    if (field === undefined) continue
    const shown = show(field, writers)
    if (shown === null) continue
    text += (text === '' ? '' : ',') + name + ':' + shown.text
    const inside = greatestIn(field, writers)
    if (inside !== null) dot = greater(dot, inside, writers)
  }
  return dot === null ? null : { text: '{' + text + '}', opaque: null, dot, isMap: true }
}

/** A map ranks by the greatest of all that remains in it, shown or not. */
function greatestIn(node: Node, writers: WriterTable): Dot | null {
  if (node.greatest !== undefined) return node.greatest
  let dot: Dot | null = null
  for (const element of node.leaves) dot = greater(dot, element, writers)
  for (const field of node.fields.values()) {
    const inside = greatestIn(field, writers)
    if (inside !== null) dot = greater(dot, inside, writers)
  }
  return (node.greatest = dot)
}

function valueOf(shown: Shown): Value {
  return shown.opaque ?? { document: true, bytes: b4a.from(shown.text ?? '') }
}

function* collect(
  node: Node,
  deletions: ReadonlyMap<Path, readonly Tombstone[]>,
  writers: WriterTable
): Generator<Alternative> {
  const shown = show(node, writers)
  if (shown === null) return
  const found = rivals(node, deletions.get(node.path) ?? [], shown, writers)
  if (found.length > 0) {
    const winner = { value: valueOf(shown), dot: shown.dot }
    for (const rival of distinct(found, winner.value, writers)) yield { ...rival, shown: winner }
  }
  if (!shown.isMap) return
  for (const name of [...node.fields.keys()].sort()) {
    const field = node.fields.get(name)
    if (field !== undefined) yield* collect(field, deletions, writers)
  }
}

/** All that remains at the node's path besides what it shows. */
function rivals(node: Node, deletions: readonly Tombstone[], shown: Shown, writers: WriterTable): Rival[] {
  const { path } = node
  const all: Rival[] = []
  for (const leaf of node.leaves) {
    if (leaf.value !== null && (shown.isMap || leaf !== shown.dot))
      all.push({ path, value: leaf.value, dot: leaf })
  }
  if (!shown.isMap) {
    const map = showMap(node, writers)
    if (map !== null) all.push({ path, value: valueOf(map), dot: map.dot })
  }
  for (const dot of deletions) all.push({ path, value: null, dot })
  return all
}

/** Greatest first, without those equal to what is shown and without repetitions. */
function distinct(all: Rival[], shown: Value, writers: WriterTable): Rival[] {
  const known = new Set([nameOf(shown)])
  return all
    .sort((a, b) => compareDots(b.dot, a.dot, writers))
    .filter(({ value }) => {
      const name = nameOf(value)
      return !known.has(name) && known.add(name)
    })
}

/** The same text for equal values. */
function nameOf(value: Value | null): string {
  return value === null ? '' : (value.document ? 'd' : 'o') + b4a.toString(value.bytes, 'hex')
}

export function isSameValue(a: Value | null, b: Value | null): boolean {
  if (a === null || b === null) return a === b
  return a.document === b.document && b4a.equals(a.bytes, b.bytes)
}
