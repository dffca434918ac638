import { S3ArchiverError } from '../errors.ts'

/** Of what was fetched, how much is kept in memory when nothing is said. */
export const CACHE_BYTES: number = 32 * 1024 * 1024
/** Fewer would not hold a shard's table. */
const MIN_CACHE_BYTES = 1024 * 1024

/** What all readers take. @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
export function checkReadOptions(
  keys: readonly Uint8Array[],
  { cacheBytes = CACHE_BYTES, pollMs = 1 }: { cacheBytes?: number; pollMs?: number }
): void {
  const isKey = (key: unknown): boolean => key instanceof Uint8Array && key.byteLength === 32
  if (!Array.isArray(keys) || !keys.every(isKey)) throw badArgument('a core has a key of 32 bytes')
  if (!(cacheBytes >= MIN_CACHE_BYTES)) throw badArgument('a cache has at least 1 MiB')
  if (!(Number.isFinite(pollMs) && pollMs > 0)) throw badArgument('`pollMs` is a number of ms above 0')
}

function badArgument(help: string): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', help)
}
