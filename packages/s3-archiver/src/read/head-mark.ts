import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { Reader, Writer } from '../format/wire.ts'
import type { ArchivedCore } from './archive-reader.ts'
import type { StoredCommit } from './commits.ts'

/** The newest that was seen of an archive and a core in it. Who keeps it notices when a store goes back to what it had before. */
export interface HeadMark {
  /** Of the commit. */
  seq: number
  /** Of the commit, 32 bytes. */
  hash: Uint8Array
  fork: number
  /** In blocks. */
  length: number
}

export function markOf(
  { commit: { seq }, hash }: StoredCommit,
  { record: { fork, length } }: ArchivedCore
): HeadMark {
  return { seq, hash, fork, length }
}

/** @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK` when what is there is older than what was seen, or another history */
export function checkNotBehind({ seq, hash, fork, length }: HeadMark, seen: HeadMark | null): void {
  if (seen === null) return
  const isOlder = seq < seen.seq || fork < seen.fork || (fork === seen.fork && length < seen.length)
  const isOther = seq === seen.seq && !b4a.equals(hash, seen.hash)
  if (isOlder || isOther) throw rollback(`commit ${seq} is there, and commit ${seen.seq} was seen before`)
}

/** Whether the core is the same in both. */
export function isSameHead(a: HeadMark, b: HeadMark): boolean {
  return a.fork === b.fork && a.length === b.length
}

export function rollback(what: string): S3ArchiverError {
  return new S3ArchiverError(
    'S3_ARCHIVER_ROLLBACK',
    `the archive is older than it was, or not the same: ${what}`
  )
}

export function encodeMark({ seq, hash, fork, length }: HeadMark): Uint8Array {
  const writer = new Writer()
  for (const value of [seq, fork, length]) writer.uint(value)
  writer.bytes(hash)
  return writer.finish()
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function decodeMark(bytes: Uint8Array): HeadMark {
  const reader = new Reader(bytes, 'what was seen of an archive')
  const [seq, fork, length] = [reader.uint(), reader.uint(), reader.uint()]
  return { seq, fork, length, hash: reader.bytes(32) }
}
