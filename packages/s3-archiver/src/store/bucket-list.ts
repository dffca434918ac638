import { S3ArchiverError } from '../errors.ts'
import type { ObjectInfo } from './object-store.ts'

const BEGIN = '<Contents>'
const END = '</Contents>'

/** One page of a bucket's list. */
export interface BucketPage {
  objects: ObjectInfo[]
  /** Where the next one begins; `null` after the last. */
  next: string | null
}

/**
 * Reads what S3 answers to ListObjectsV2, of objects whose names need no escapes. Source: Amazon S3 API Reference, ListObjectsV2.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_STORE_FAILED` for anything else
 */
export function readBucketPage(xml: string): BucketPage {
  if (!/<ListBucketResult[ >]/.test(xml))
    throw new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'the server does not list as S3 does')
  const { inside, outside } = split(xml)
  const objects = inside.map((object) => {
    const size = Number(textOf(object, 'Size') ?? NaN)
    const name = textOf(object, 'Key')
    if (name === null || !Number.isSafeInteger(size))
      throw new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'the server lists an object without name or size')
    const modifiedMs = Date.parse(textOf(object, 'LastModified') ?? '')
    return { name, size, modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs }
  })
  const isTruncated = textOf(outside, 'IsTruncated') === 'true'
  return { objects, next: isTruncated ? textOf(outside, 'NextContinuationToken') : null }
}

/** The objects, and what stands around them. Looks at each character once. */
function split(xml: string): { inside: string[]; outside: string } {
  const inside: string[] = []
  let outside = ''
  for (let at = 0; ;) {
    const begin = xml.indexOf(BEGIN, at)
    if (begin < 0) return { inside, outside: outside + xml.slice(at) }
    const end = xml.indexOf(END, begin)
    if (end < 0)
      throw new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'the server’s list ends within an object')
    outside += xml.slice(at, begin)
    inside.push(xml.slice(begin + BEGIN.length, end))
    at = end + END.length
  }
}

function textOf(xml: string, tag: string): string | null {
  return new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? null
}
