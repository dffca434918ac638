import { checkArguments, RULES } from '../arguments.ts'
import type { ObjectKind, CallOptions, ObjectStore } from '../store/object-store.ts'
import { GIVEN_UP, givenUpName, KEPT_PLACE } from '../format/names.ts'
import { newestCommit } from '../read/commits.ts'
import { allEntries } from '../read/directory.ts'
import { kindOf, Reach } from './reach.ts'

/** How many, and how large together. */
export interface Amount {
  objects: number
  bytes: number
}

/** How an archive stands. */
export interface ArchiveStats {
  /** All that is there, by kind. */
  stored: Record<ObjectKind, Amount>
  total: Amount
  /** What the newest commit needs, and what is never removed: what would be left if only that were kept. */
  live: Amount
  cores: number
  /** The newest commit; `null` in an empty archive. */
  newest: { seq: number; timeMs: number; epoch: number } | null
  /** Since the newest commit was made, in ms by both clocks, and not below 0 where they differ; `null` in an empty archive. An archiver that has nothing new makes none. */
  sinceNewestMs: number | null
}

/** Looks how an archive stands. Needs no key. Cost: a list of all objects, and gets for the newest commit and what it refers to. */
export async function stats(
  store: ObjectStore,
  options: CallOptions & { now?: () => number } = {}
): Promise<ArchiveStats> {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  checkArguments(options, { now: RULES.listener, signal: RULES.signal })
  const { now = Date.now, ...call } = options
  const newest = await newestCommit(store, call)
  const reach = new Reach(store, call)
  if (newest !== null) await reach.add(newest.commit)
  const claims = new Set<string>()
  for await (const { name, size } of store.list(GIVEN_UP, call))
    if (size === KEPT_PLACE.byteLength) claims.add(name)
  const stored: ArchiveStats['stored'] = { commit: none(), shard: none(), index: none(), page: none() }
  const [total, live] = [none(), none()]
  for (const folder of ['l/', 'p/', 's/', 'x/'])
    for await (const { name, size } of store.list(folder, call)) {
      const kind = kindOf(name)
      if (kind === null) continue
      const isLive = reach.has(name) || (kind === 'commit' && claims.has(givenUpName(name)))
      for (const amount of isLive ? [stored[kind], total, live] : [stored[kind], total]) {
        amount.objects++
        amount.bytes += size
      }
    }
  const cores = newest === null ? 0 : (await allEntries(store, newest.commit, call)).size
  const { seq = 0, timeMs = 0, epoch = 0 } = newest?.commit ?? {}
  return {
    stored,
    total,
    live,
    cores,
    newest: newest && { seq, timeMs, epoch },
    sinceNewestMs: newest && Math.max(0, now() - timeMs)
  }
}

function none(): Amount {
  return { objects: 0, bytes: 0 }
}
