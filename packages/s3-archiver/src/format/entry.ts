import { BLIND_ID_BYTES, readName, writeName } from './names.ts'
import type { Reader, Writer } from './wire.ts'

/** What an archive says of one core: what is needed for it in the clear, so that nobody has to know its key to keep that; the rest sealed. */
export interface Entry {
  /** 16 bytes that stand for the core: see `names.ts`. */
  blindId: Uint8Array
  /** Of the commit that the record was sealed for. */
  seq: number
  /** Of the commit that holds its read pack's front; `null` for none. */
  front: number | null
  /** Of the commit with the last record of the line before, which was given up for this one; `null` for none. May have been pruned. */
  previous: number | null
  /** Names of the objects that hold its blocks, or say where they are. A record counts in them. */
  objects: readonly string[]
  /** See `record.ts`. */
  sealed: Uint8Array
}

/** Fewest bytes of an entry. */
export const MIN_ENTRY_BYTES: number = BLIND_ID_BYTES + 12

export function writeEntry(writer: Writer, entry: Entry): void {
  writer.bytes(entry.blindId)
  writer.uint64(entry.seq)
  for (const seq of [entry.front, entry.previous]) writer.uint(seq === null ? 0 : seq + 1)
  writer.list(entry.objects, writeName)
  writer.sized(entry.sealed)
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function readEntry(reader: Reader): Entry {
  const [blindId, seq] = [reader.bytes(BLIND_ID_BYTES), reader.uint64()]
  const [front = null, previous = null] = [reader.uint(), reader.uint()].map((value) =>
    value === 0 ? null : value - 1
  )
  return { blindId, seq, front, previous, objects: reader.list(9, readName), sealed: reader.sized() }
}
