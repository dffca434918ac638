import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { MIN_ENTRY_BYTES, readEntry, writeEntry, type Entry } from './entry.ts'
import { BLIND_ID_BYTES, readName, writeName } from './names.ts'
import { beginFormat, openFormat, type Reader, type Writer } from './wire.ts'

const MAGIC: Uint8Array = b4a.from('CPC')
const HASH_BYTES = 32

/** `claim`: somebody has begun to write this archive. `data`: what has changed since the commit before. */
type CommitKind = 'claim' | 'data'

const KINDS: readonly CommitKind[] = ['claim', 'data']

/** An object that holds the entries of all cores that no later commit names. */
export interface CheckpointPointer {
  name: string
  /** Of the commit that it was made for. */
  seq: number
  /** Entries in it. */
  count: number
  /** Of the whole object. */
  byteLength: number
}

/** A core whose entry stands in an earlier commit. */
interface Carried {
  blindId: Uint8Array
  seq: number
}

/** The beginning of a core's read pack. */
export interface Front {
  blindId: Uint8Array
  /** Names of the pages it points to. */
  objects: readonly string[]
  bytes: Uint8Array
}

/**
 * One change of an archive. Together they are its history; the newest one says what counts. A core's entry stands in `entries`, else in
 * the commit that `carried` names, else in the checkpoint.
 */
export interface Commit {
  kind: CommitKind
  /** Counts from 0, without gaps. */
  seq: number
  /** By its author's clock, in ms since 1970. */
  timeMs: number
  /** Hash of the commit before, 32 bytes; zeros in the first. */
  previous: Uint8Array
  /** How often the archive has been claimed. Only who claimed it last may go on. */
  epoch: number
  /** Who wrote it, 16 bytes; and what tells its commits from any other's, 16 bytes. */
  writerId: Uint8Array
  nonce: Uint8Array
  checkpoint: CheckpointPointer | null
  /** Each core once, in the order of the ids. */
  carried: readonly Carried[]
  /** In the order of the ids. */
  entries: readonly Entry[]
  fronts: readonly Front[]
  /** A shard that is too small for an object of its own; empty for none. */
  tail: Uint8Array
}

export function encodeCommit(commit: Commit): Uint8Array {
  const writer = beginFormat(MAGIC)
  writer.byte(KINDS.indexOf(commit.kind))
  for (const value of [commit.seq, commit.timeMs]) writer.uint64(value)
  writer.bytes(commit.previous)
  writer.uint64(commit.epoch)
  writer.bytes(commit.writerId)
  writer.bytes(commit.nonce)
  writer.list(commit.checkpoint === null ? [] : [commit.checkpoint], writeCheckpoint)
  writer.list(commit.carried, writeCarried)
  writer.list(commit.entries, writeEntry)
  writer.list(commit.fronts, writeFront)
  writer.sized(commit.tail)
  const body = writer.finish()
  return b4a.concat([body, crypto.hash(body)])
}

/** Bytes at the beginning of an encoded commit that tell of which kind it is. */
export const KIND_BYTES: number = MAGIC.byteLength + 2

/** Whether a commit is a claim. @param bytes - its beginning. @throws S3ArchiverError what {@link decodeCommit} does */
export function isClaim(bytes: Uint8Array): boolean {
  const reader = openFormat(bytes.subarray(0, KIND_BYTES), MAGIC)
  return KINDS[reader.byte()] === 'claim'
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT` */
export function decodeCommit(bytes: Uint8Array): Commit {
  const body = bytes.subarray(0, Math.max(0, bytes.byteLength - HASH_BYTES))
  const reader = openFormat(body, MAGIC)
  if (!b4a.equals(crypto.hash(body), hashOf(bytes))) throw reader.damaged('its hash')
  const kind = KINDS[reader.byte()]
  if (kind === undefined) throw reader.damaged('its kind')
  const [seq, timeMs] = [reader.uint64(), reader.uint64()]
  const previous = reader.bytes(HASH_BYTES)
  const epoch = reader.uint64()
  const [writerId, nonce] = [reader.bytes(16), reader.bytes(16)]
  const [checkpoint = null, ...others] = reader.list(19, readCheckpoint)
  if (others.length > 0) throw reader.damaged('its checkpoint')
  const carried = reader.list(BLIND_ID_BYTES + 8, readCarried)
  const entries = reader.list(MIN_ENTRY_BYTES, readEntry)
  const fronts = reader.list(BLIND_ID_BYTES + 2, readFront)
  const tail = reader.sized()
  reader.end()
  return {
    kind,
    seq,
    timeMs,
    previous,
    epoch,
    writerId,
    nonce,
    checkpoint,
    carried,
    entries,
    fronts,
    tail
  }
}

/** Of an encoded commit, by which the next one names it. */
export function hashOf(bytes: Uint8Array): Uint8Array {
  return b4a.from(bytes.subarray(Math.max(0, bytes.byteLength - HASH_BYTES)))
}

function writeCheckpoint(writer: Writer, { name, seq, count, byteLength }: CheckpointPointer): void {
  writeName(writer, name)
  writer.uint64(seq)
  writer.uint(count)
  writer.uint(byteLength)
}

function readCheckpoint(reader: Reader): CheckpointPointer {
  return { name: readName(reader), seq: reader.uint64(), count: reader.uint(), byteLength: reader.uint() }
}

function writeCarried(writer: Writer, { blindId, seq }: Carried): void {
  writer.bytes(blindId)
  writer.uint64(seq)
}

function readCarried(reader: Reader): Carried {
  return { blindId: reader.bytes(BLIND_ID_BYTES), seq: reader.uint64() }
}

function writeFront(writer: Writer, { blindId, objects, bytes }: Front): void {
  writer.bytes(blindId)
  writer.list(objects, writeName)
  writer.sized(bytes)
}

function readFront(reader: Reader): Front {
  return {
    blindId: reader.bytes(BLIND_ID_BYTES),
    objects: reader.list(9, readName),
    bytes: reader.sized()
  }
}
