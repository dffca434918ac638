import { checkArguments, RULES } from '../arguments.ts'
import { readHead } from '../read/archive-reader.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { CoreLike } from '../types.ts'
import type { BeeLike } from './bee-walk.ts'
import { buildPack } from './build-pack.ts'

/** Who may add to an archive: an Archiver. */
export interface FrontKeeper {
  /** @returns the number of the commit */
  attachFront(key: Uint8Array, front: { objects: readonly string[]; bytes: Uint8Array }): Promise<number>
}

/** What was laid out for readers. */
export interface BuiltReadPack {
  /** Of the commit. */
  seq: number
  pages: number
  /** Of what was stored. */
  bytes: number
}

/**
 * Builds the read pack of a bee, as it is archived: so that a reader finds what it looks for in few requests. To be built anew once much has
 * changed; until then it serves what has not. It can be deleted, and nothing of it is trusted by who reads it. Of an encrypted bee it is sealed
 * as its archive is: the store does not see how its blocks belong together.
 *
 * Cost: the core is read twice, a list and a get find its head, a put for each 8 MiB, and one for the commit. Memory: about 300 bytes a block.
 *
 * @param archiver - of the archive
 * @param bee - whose core has all that was archived of it
 * @returns once it is durable; `null` when the bee is empty
 * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_MISSING_BLOCKS`, `S3_ARCHIVER_LOCAL_DAMAGED`,
 * `S3_ARCHIVER_UNSUPPORTED_UPSTREAM`, `S3_ARCHIVER_BAD_ARGUMENT`, and what the store and the archiver throw
 */
export async function buildReadPack(
  store: ObjectStore,
  archiver: FrontKeeper,
  bee: BeeLike,
  call: CallOptions = {}
): Promise<BuiltReadPack | null> {
  const rules = { store: RULES.store, archiver: RULES.frontKeeper, bee: RULES.bee }
  checkArguments({ store, archiver, bee }, rules, ['store', 'archiver', 'bee'])
  checkArguments(call, { signal: RULES.signal })
  await bee.ready()
  const core = bee.core as CoreLike
  const key = core.key as Uint8Array
  const { record, roots } = await readHead(store, key, call)
  const built = await buildPack(store, { bee, core, key, record, roots }, call)
  if (built === null) return null
  const { objects, front, pages, bytes } = built
  const seq = await archiver.attachFront(key, { objects, bytes: front })
  return { seq, pages, bytes }
}
