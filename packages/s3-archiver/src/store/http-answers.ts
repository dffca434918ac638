import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { collectBytes, tooLong, truncated } from './answers.ts'
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
    if (reader !== undefined) return await collectBytes(partsOf(reader), mostBytes)
    const whole = b4a.from(await response.arrayBuffer())
    if (whole.byteLength > mostBytes) throw tooLong()
    return whole
  } catch (cause) {
    throwIfAborted(signal)
    throw cause instanceof S3ArchiverError ? cause : truncated(cause)
  }
}

async function* partsOf(reader: BodyReader): AsyncGenerator<Uint8Array> {
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      if (part.value !== undefined) yield part.value
  } finally {
    // Of one that has ended, or failed, there is nothing left to give up.
    await reader.cancel().catch(() => {})
  }
}

/** NaN where the server does not say it. */
export function contentRangeOf({ headers }: ResponseLike): { first: number; size: number } {
  const header = headers.get('content-range') ?? ''
  const [, first, size] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(header) ?? []
  return { first: Number(first), size: Number(size) }
}
