import b4a from 'b4a'
import flat from 'flat-tree'
import type { TreeNode } from '../merkle/subtree.ts'
import { coverOf } from '../merkle/subtree.ts'
import { blindIdOf, readName, sealKeyOf, writeName } from './names.ts'
import { seal, unseal } from './seal.ts'
import { beginFormat, Reader, Writer } from './wire.ts'

/** Where a page is. */
export interface PagePlace {
  object: string
  /** In bytes. */
  offset: number
  byteLength: number
}

/** Blocks of a core that are read together, and where those are that may be read next. */
export interface Page {
  /** In the order of their numbers. */
  blocks: ReadonlyMap<number, Uint8Array>
  /** Nodes that prove them, up to those of the front: at the places that {@link proofPlaces} says, in that order. */
  nodes: readonly TreeNode[]
  /** Pages that lie behind this one. */
  pages: readonly PagePlace[]
  /** Blocks by which they are found, with the page; in the order of the numbers. */
  locator: readonly (readonly [seq: number, page: number])[]
}

/** The page that everything begins with. */
export interface PackFront extends Page {
  /** Of the head that the pack was made of. */
  fork: number
  length: number
  signature: Uint8Array
  /** Nodes of this height, and smaller ones at the end of the tree, stand in the front. */
  height: number
  cover: readonly TreeNode[]
}

/** What an object of pages begins with. */
export const PAGES_MAGIC: Uint8Array = beginFormat(b4a.from('CPP')).finish()
const VERSION = 1
const KINDS: { page: number; front: number } = { page: 0, front: 1 }
/** Nodes are no higher than this. */
const MAX_HEIGHT = 48

/** Places of the nodes that stand in a front: of all the tree, none higher than `height`. */
export function coverPlaces(length: number, height: number): number[] {
  const step = 2 ** height
  const places: number[] = []
  for (let start = 0; start < length; start += step)
    places.push(...coverOf(start, Math.min(length, start + step)))
  return places
}

/** Places of the nodes that prove blocks, besides what is made of these, when all nodes of a height and the roots are known. */
export function proofPlaces(seqs: Iterable<number>, length: number, height: number): number[] {
  const roots = new Set(coverPlaces(length, MAX_HEIGHT))
  const places: number[] = []
  let level = new Set<number>()
  for (const seq of seqs) level.add(2 * seq)
  for (let at = 0; at < height && level.size > 0; at++) {
    const next = new Set<number>()
    for (const index of level) {
      if (roots.has(index)) continue
      const sibling = flat.sibling(index)
      if (!level.has(sibling)) places.push(sibling)
      next.add(flat.parent(index))
    }
    level = next
  }
  return places
}

/** Seals a page so that only who knows the core's key can read it: of an encrypted core it would show how its blocks belong together. */
export function sealPage(coreKey: Uint8Array, page: Page, nonce?: Uint8Array): Uint8Array {
  const writer = begin(coreKey, 'page')
  writePage(writer, page)
  return seal(sealKeyOf(coreKey), writer.finish(), nonce)
}

export function sealFront(coreKey: Uint8Array, front: PackFront, nonce?: Uint8Array): Uint8Array {
  const writer = begin(coreKey, 'front')
  for (const value of [front.fork, front.length, front.height]) writer.uint(value)
  writer.sized(front.signature)
  for (const node of front.cover) writeNode(writer, node)
  writePage(writer, front)
  return seal(sealKeyOf(coreKey), writer.finish(), nonce)
}

/** @param front - that it belongs to. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function unsealPage(
  coreKey: Uint8Array,
  sealed: Uint8Array,
  { length, height }: Pick<PackFront, 'length' | 'height'>
): Page {
  const reader = open(coreKey, sealed, 'page')
  return readPage(reader, length, height)
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function unsealFront(coreKey: Uint8Array, sealed: Uint8Array): PackFront {
  const reader = open(coreKey, sealed, 'front')
  const [fork, length, height] = [reader.uint(), reader.uint(), reader.uint()]
  const signature = reader.sized()
  if (height > MAX_HEIGHT || length / 2 ** height > reader.remaining) throw reader.damaged('its height')
  const cover = coverPlaces(length, height).map((index) => readNode(reader, index))
  return { fork, length, height, signature, cover, ...readPage(reader, length, height) }
}

function begin(coreKey: Uint8Array, kind: keyof typeof KINDS): Writer {
  const writer = new Writer()
  writer.byte(VERSION)
  writer.byte(KINDS[kind])
  writer.bytes(blindIdOf(coreKey))
  return writer
}

function open(coreKey: Uint8Array, sealed: Uint8Array, kind: keyof typeof KINDS): Reader {
  const opened = unseal(sealKeyOf(coreKey), sealed)
  const reader = new Reader(opened ?? b4a.alloc(0), 'a part of a read pack')
  if (opened === null) throw reader.damaged('its seal')
  if (reader.byte() !== VERSION || reader.byte() !== KINDS[kind]) throw reader.damaged('its kind')
  if (!b4a.equals(reader.bytes(16), blindIdOf(coreKey))) throw reader.damaged('its core')
  return reader
}

function writePage(writer: Writer, { blocks, nodes, pages, locator }: Page): void {
  writer.uint(blocks.size)
  let before = 0
  for (const [seq, { byteLength }] of blocks) {
    writer.uint(seq - before)
    writer.uint(byteLength)
    before = seq
  }
  for (const block of blocks.values()) writer.bytes(block)
  writer.uint(nodes.length)
  for (const node of nodes) writeNode(writer, node)
  const objects = [...new Set(pages.map(({ object }) => object))]
  writer.list(objects, writeName)
  writer.uint(pages.length)
  for (const { object, offset, byteLength } of pages) {
    writer.uint(objects.indexOf(object))
    writer.uint(offset)
    writer.uint(byteLength)
  }
  writer.uint(locator.length)
  before = 0
  for (const [seq, page] of locator) {
    writer.uint(seq - before)
    writer.uint(page)
    before = seq
  }
}

function readPage(reader: Reader, length: number, height: number): Page {
  const sizes: [seq: number, size: number][] = []
  let before = 0
  for (let left = reader.count(2); left > 0; left--) {
    before += reader.uint()
    sizes.push([before, reader.uint()])
  }
  if (before >= length && sizes.length > 0) throw reader.damaged('a block')
  const blocks = new Map(sizes.map(([seq, size]) => [seq, reader.bytes(size)]))
  const places = proofPlaces(blocks.keys(), length, height)
  if (reader.count(33) !== places.length) throw reader.damaged('its nodes')
  const nodes = places.map((index) => readNode(reader, index))
  const objects = reader.list(9, readName)
  const pages: PagePlace[] = []
  for (let left = reader.count(3); left > 0; left--) {
    const object = objects[reader.uint()]
    if (object === undefined) throw reader.damaged('a page')
    pages.push({ object, offset: reader.uint(), byteLength: reader.uint() })
  }
  const locator: [number, number][] = []
  before = 0
  for (let left = reader.count(2); left > 0; left--) {
    before += reader.uint()
    const page = reader.uint()
    if (page >= pages.length) throw reader.damaged('an entry')
    locator.push([before, page])
  }
  reader.end()
  return { blocks, nodes, pages, locator }
}

function writeNode(writer: Writer, { size, hash }: TreeNode): void {
  writer.uint(size)
  writer.bytes(hash)
}

function readNode(reader: Reader, index: number): TreeNode {
  return { index, size: reader.uint(), hash: reader.bytes(32) }
}
