import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'

/**
 * All that an answer has, in one piece.
 *
 * @param length - bytes that it says it has, at most `mostBytes`; then it is held in memory only once
 * @param buffer - where it may be put, when its length is known and fits
 * @throws S3ArchiverError `S3_ARCHIVER_STORE_FAILED` when it has more than `mostBytes`, `S3_ARCHIVER_STORE_TRUNCATED` when it has not its length
 */
export async function collectBytes(
  parts: AsyncIterable<Uint8Array>,
  mostBytes: number,
  length?: number,
  buffer?: Uint8Array
): Promise<Uint8Array> {
  const whole = length === undefined ? null : memoryFor(length, buffer)
  const kept: Uint8Array[] = []
  let bytes = 0
  for await (const part of parts) {
    const at = bytes
    bytes += part.byteLength
    if (bytes > mostBytes) throw tooLong()
    if (bytes > (length ?? bytes)) throw truncated()
    if (whole === null) kept.push(part)
    else whole.set(part, at)
  }
  if (bytes < (length ?? 0)) throw truncated()
  return whole ?? b4a.concat(kept)
}

/** So many bytes: of a buffer when they fit, or new ones. */
export function memoryFor(bytes: number, buffer: Uint8Array | undefined): Uint8Array {
  return buffer !== undefined && bytes <= buffer.byteLength ? buffer.subarray(0, bytes) : b4a.alloc(bytes)
}

export function tooLong(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'an answer is longer than what was asked for can be')
}

export function truncated(cause?: unknown): S3ArchiverError {
  const help = 'an answer ends too early, or is not what was asked for'
  return new S3ArchiverError('S3_ARCHIVER_STORE_TRUNCATED', help, { cause, retryable: true })
}

export function unsorted(): S3ArchiverError {
  const help = 'the store does not list what it was asked for, in the order of the names'
  return new S3ArchiverError('S3_ARCHIVER_STORE_UNSORTED', help)
}
