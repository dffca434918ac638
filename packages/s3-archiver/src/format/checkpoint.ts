import b4a from 'b4a'
import type { Entry } from './entry.ts'
import { readEntry, writeEntry } from './entry.ts'
import { BLIND_ID_BYTES } from './names.ts'
import { beginFormat, openFormat, Reader, Writer } from './wire.ts'

const MAGIC: Uint8Array = b4a.from('CPD')
/** Magic, version and the number of entries. */
const FRONT_BYTES = 8
/** A blind id, and where its entry begins, in bytes from the start of the object. */
const ROW_BYTES: number = BLIND_ID_BYTES + 8

/** Where a core's entry lies in a checkpoint, in bytes. */
export interface EntryPlace {
  start: number
  end: number
}

/** Rows of a checkpoint's table that are to be read, and where they lie. */
export interface RowWindow {
  /** In rows. */
  first: number
  end: number
  bytes: EntryPlace
}

/** All entries of an archive in one object, that one of them can be found in without the others: a table in the order of the ids, then the entries. */
export function encodeCheckpoint(entries: readonly Entry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => b4a.compare(a.blindId, b.blindId))
  const [table, body] = [beginFormat(MAGIC), new Writer()]
  table.uint32(sorted.length)
  const start = FRONT_BYTES + sorted.length * ROW_BYTES
  for (const entry of sorted) {
    table.bytes(entry.blindId)
    table.uint64(start + body.length)
    writeEntry(body, entry)
  }
  return b4a.concat([table.finish(), body.finish()])
}

/** All of them. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT` */
export function decodeCheckpoint(bytes: Uint8Array): Entry[] {
  const reader = openFormat(bytes, MAGIC)
  const count = reader.uint32()
  reader.bytes(count * ROW_BYTES)
  const entries: Entry[] = []
  for (let left = count; left > 0; left--) entries.push(readEntry(reader))
  reader.end()
  return entries
}

/** One of them, out of the bytes at its place. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function decodeEntry(bytes: Uint8Array): Entry {
  const reader = new Reader(bytes, 'an entry of a checkpoint')
  const entry = readEntry(reader)
  reader.end()
  return entry
}

/**
 * Rows among which a core's row is: ids are hashes, and so spread evenly. With so many deviations to both sides it lies elsewhere in one of
 * 10^9 checkpoints; then the whole table is to be read.
 */
export function windowOf(blindId: Uint8Array, count: number): RowWindow {
  const [high = 0, low = 0] = [0, 3].map((at) =>
    blindId.subarray(at, at + 3).reduce((sum, byte) => sum * 256 + byte, 0)
  )
  const expected = ((high * 2 ** 24 + low) / 2 ** 48) * count
  const spread = 3.2 * Math.sqrt(count) + 8
  return windowFrom(
    Math.max(0, Math.floor(expected - spread)),
    Math.min(count, Math.ceil(expected + spread)),
    count
  )
}

/** All rows. */
export function wholeTable(count: number): RowWindow {
  return windowFrom(0, count, count)
}

/**
 * Where a core's entry lies.
 *
 * @param byteLength - of the whole checkpoint
 * @returns `null` when none of these rows is the core's
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`
 */
export function findRow(
  bytes: Uint8Array,
  blindId: Uint8Array,
  { end, first }: RowWindow,
  count: number,
  byteLength: number
): EntryPlace | null {
  const reader = new Reader(bytes, 'the table of a checkpoint')
  for (let row = first; row < end; row++) {
    const [id, start] = [reader.bytes(BLIND_ID_BYTES), reader.uint64()]
    if (!b4a.equals(id, blindId)) continue
    if (row === count - 1) return { start, end: byteLength }
    reader.bytes(BLIND_ID_BYTES)
    const next = reader.uint64()
    if (next <= start || next > byteLength) throw reader.damaged('a place')
    return { start, end: next }
  }
  return null
}

/** With one row more than is looked at, which says where the last one's entry ends. */
function windowFrom(first: number, end: number, count: number): RowWindow {
  const rows = Math.min(count, end + 1)
  return {
    first,
    end,
    bytes: { start: FRONT_BYTES + first * ROW_BYTES, end: FRONT_BYTES + rows * ROW_BYTES }
  }
}
