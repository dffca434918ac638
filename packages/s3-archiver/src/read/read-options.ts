import { badArgument, checkArguments, RULES } from '../arguments.ts'
import type { ObjectStore } from '../store/object-store.ts'

/** Of what was fetched, how much is kept in memory when nothing is said. */
export const CACHE_BYTES: number = 32 * 1024 * 1024
/** Fewer would not hold a shard's table. */
const MIN_CACHE_BYTES = 1024 * 1024

const RULES_OF_READERS = {
  signal: RULES.signal,
  mark: RULES.mark,
  encryption: RULES.encryption,
  corestore: RULES.corestore,
  archive: RULES.text,
  allSessions: RULES.flag,
  cache: RULES.store,
  maxCacheBytes: RULES.amount,
  onchange: RULES.listener,
  onerror: RULES.listener
} as const

/** What all readers take. @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
export function checkReadOptions(
  store: ObjectStore,
  options: { keys?: readonly Uint8Array[]; key?: Uint8Array; cacheBytes?: number; pollMs?: number },
  needed: 'key' | 'keys'
): void {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  checkArguments(options, { [needed]: RULES[needed], ...RULES_OF_READERS }, [needed])
  const { cacheBytes = CACHE_BYTES, pollMs = 1 } = options
  if (!(cacheBytes >= MIN_CACHE_BYTES)) throw badArgument('a cache has at least 1 MiB')
  if (!(Number.isFinite(pollMs) && pollMs > 0)) throw badArgument('`pollMs` is a number of ms above 0')
}
