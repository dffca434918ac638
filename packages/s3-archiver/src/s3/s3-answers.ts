import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { collectBytes, tooLong, truncated } from '../store/answers.ts'
import { throwIfAborted, type ByteRange, type GetOptions, type RangeResult } from '../store/object-store.ts'
import { s3Error } from './s3-errors.ts'

/** Most bytes that are read beyond those that were asked for, from a store which does not know ranges: more than any object of an archive has. */
export const MAX_BEYOND_BYTES: number = 16 * 1024 * 1024

/** @throws S3ArchiverError `S3_ARCHIVER_STORE_FAILED` when it has more bytes than so many; `S3_ARCHIVER_STORE_TRUNCATED` */
export async function bodyOf(
  { Body, ContentLength }: GetObjectCommandOutput,
  { signal, buffer }: GetOptions,
  mostBytes: number
): Promise<Uint8Array> {
  if (Body === undefined) return b4a.alloc(0)
  if ((ContentLength ?? 0) > mostBytes) {
    ;(Body as { destroy?: () => void }).destroy?.()
    throw tooLong()
  }
  try {
    return await collectBytes(Body as unknown as AsyncIterable<Uint8Array>, mostBytes, ContentLength, buffer)
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof S3ArchiverError) throw cause
    if (s3Error(cause).code === 'S3_ARCHIVER_STORE_TIMEOUT') throw cause
    throw truncated(cause)
  }
}

/** Of an answer: a part, or the whole when the store does not know parts. */
export function rangeOf(
  { ContentRange }: GetObjectCommandOutput,
  bytes: Uint8Array,
  { start, end }: ByteRange
): RangeResult {
  if (ContentRange === undefined)
    return { bytes: b4a.from(bytes.subarray(start, end)), size: bytes.byteLength }
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange) ?? []
  const size = Number(total)
  if (Number(first) !== start || bytes.byteLength !== Math.min(end, size) - start) throw truncated()
  return { bytes, size }
}
