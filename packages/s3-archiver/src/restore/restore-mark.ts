import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { Reader, Writer } from '../format/wire.ts'
import type { ArchivedCore } from '../read/archive-reader.ts'
import type { RestoreOptions } from './options.ts'

/** Stays beside what is not restored yet, so that another version can tell. */
const MARK_VERSION = 1

interface RestoreMark {
  /** Of which blocks are wanted, and who is to write the core, which is part of what is stored first. */
  wanted: Uint8Array
  fork: number
  length: number
  treeHash: Uint8Array
}

/** What a restore leaves with the blocks it has brought, so that the next one knows whether they are of use. */
export function restoreMark(
  { record, roots }: ArchivedCore,
  blocks: RestoreOptions['blocks'] = 'all',
  author: Uint8Array | null
): Uint8Array {
  const wanted = JSON.stringify(
    typeof blocks === 'string' ? blocks : blocks.map(({ start, end }) => [start, end])
  )
  const writer = new Writer()
  writer.byte(MARK_VERSION)
  writer.bytes(crypto.hash([author ?? b4a.alloc(32), b4a.from(wanted)]))
  writer.uint64(record.fork)
  writer.uint64(record.length)
  writer.bytes(crypto.tree(roots))
  return writer.finish()
}

/**
 * Whether what was brought for one state serves another. Only of the same blocks: bits of others would be left without what proves them. And only
 * when all of it is part of the later state: the core has grown on its fork, or another fork has the same blocks.
 */
export function servesRestore(earlier: Uint8Array, later: Uint8Array): boolean {
  const [before, after] = [decodeMark(earlier), decodeMark(later)]
  if (before === null || after === null || !b4a.equals(before.wanted, after.wanted)) return false
  if (before.fork === after.fork && before.length < after.length) return true
  return before.length === after.length && b4a.equals(before.treeHash, after.treeHash)
}

function decodeMark(bytes: Uint8Array): RestoreMark | null {
  try {
    const reader = new Reader(bytes, 'a mark')
    if (reader.byte() !== MARK_VERSION) return null
    const mark = {
      wanted: reader.bytes(32),
      fork: reader.uint64(),
      length: reader.uint64(),
      treeHash: reader.bytes(32)
    }
    reader.end()
    return mark
  } catch {
    return null
  }
}
