import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { BLIND_ID_BYTES, isObjectName } from './names.ts'
import { FORMAT_VERSION, openFormat, Writer, type Reader } from './wire.ts'

const MAGIC = b4a.from('CPC')
const HASH_BYTES = 32

/** `claim`: somebody has begun to write this archive. `data`: what has changed since the commit before. */
type CommitKind = 'claim' | 'data'

const KINDS: readonly CommitKind[] = ['claim', 'data']

/** What an archive says of one core, for those who know its key. */
export interface SealedRecord {
  /** 16 bytes. */
  blindId: Uint8Array
  /** Of the commit it was sealed for; later ones carry it on as it is. */
  seq: number
  sealed: Uint8Array
}

/** One change of an archive. Together they are its history; the newest one says what counts. */
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
  /** Names of objects that count from here on, and of those that no longer do. */
  added: readonly string[]
  dropped: readonly string[]
  /** Of all cores in the archive: the newest commit is enough to read it. */
  records: readonly SealedRecord[]
  /** A shard that is too small for an object of its own; empty for none. */
  tail: Uint8Array
}

export function encodeCommit(commit: Commit): Uint8Array {
  const writer = new Writer()
  writer.bytes(MAGIC)
  writer.byte(FORMAT_VERSION)
  writer.byte(KINDS.indexOf(commit.kind))
  for (const value of [commit.seq, commit.timeMs]) writer.uint64(value)
  writer.bytes(commit.previous)
  writer.uint64(commit.epoch)
  writer.bytes(commit.writerId)
  writer.bytes(commit.nonce)
  for (const names of [commit.added, commit.dropped]) {
    writer.uint(names.length)
    for (const name of names) writer.sized(b4a.from(name))
  }
  writer.uint(commit.records.length)
  for (const { blindId, seq, sealed } of commit.records) {
    writer.bytes(blindId)
    writer.uint64(seq)
    writer.sized(sealed)
  }
  writer.sized(commit.tail)
  const body = writer.finish()
  return b4a.concat([body, crypto.hash(body)])
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
  const [added, dropped] = [readNames(reader), readNames(reader)]
  const records: SealedRecord[] = []
  for (let left = reader.count(BLIND_ID_BYTES + 9); left > 0; left--)
    records.push({ blindId: reader.bytes(BLIND_ID_BYTES), seq: reader.uint64(), sealed: reader.sized() })
  const tail = reader.sized()
  reader.end()
  return { kind, seq, timeMs, previous, epoch, writerId, nonce, added, dropped, records, tail }
}

/** Of an encoded commit, by which the next one names it. */
export function hashOf(bytes: Uint8Array): Uint8Array {
  return b4a.from(bytes.subarray(Math.max(0, bytes.byteLength - HASH_BYTES)))
}

function readNames(reader: Reader): string[] {
  const names: string[] = []
  for (let left = reader.count(1); left > 0; left--) {
    const name = b4a.toString(reader.sized())
    if (!isObjectName(name)) throw reader.damaged('a name')
    names.push(name)
  }
  return names
}
