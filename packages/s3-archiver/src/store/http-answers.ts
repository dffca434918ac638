import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { throwIfAborted, type SignalLike } from './object-store.ts'

/** Of what the web's `fetch` gives what is used here. */
export interface ResponseLike {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
  /** Where it can be read in parts, so that more than was asked for is not taken in. */
  readonly body?: { getReader(): BodyReader } | null
}

interface BodyReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>
  cancel(): Promise<void>
}

/** @throws S3ArchiverError `S3_ARCHIVER_STORE_FAILED` when it has more bytes than so many */
export async function bodyOf(
  response: ResponseLike,
  { signal }: { signal?: SignalLike | undefined },
  mostBytes: number
): Promise<Uint8Array> {
  try {
    const reader = response.body?.getReader()
    if (reader !== undefined) return await readAll(reader, mostBytes)
    const whole = b4a.from(await response.arrayBuffer())
    if (whole.byteLength > mostBytes) throw tooLong()
    return whole
  } catch (cause) {
    throwIfAborted(signal)
    throw cause instanceof S3ArchiverError ? cause : truncated(cause)
  }
}

async function readAll(reader: BodyReader, mostBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (part.value === undefined) continue
    parts.push(part.value)
    bytes += part.value.byteLength
    if (bytes <= mostBytes) continue
    await reader.cancel().catch(() => {})
    throw tooLong()
  }
  return b4a.concat(parts)
}

function tooLong(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'an answer is longer than what was asked for can be')
}

/** NaN where the server does not say it. */
export function contentRangeOf({ headers }: ResponseLike): { first: number; size: number } {
  const header = headers.get('content-range') ?? ''
  const [, first, size] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(header) ?? []
  return { first: Number(first), size: Number(size) }
}

export function truncated(cause?: unknown): S3ArchiverError {
  const help = 'an answer ends too early, or is not what was asked for'
  return new S3ArchiverError('S3_ARCHIVER_STORE_TRUNCATED', help, { cause, retryable: true })
}
