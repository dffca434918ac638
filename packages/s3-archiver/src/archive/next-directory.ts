import b4a from 'b4a'
import type { Commit } from '../format/commit.ts'
import { MIN_ENTRY_BYTES, type Entry } from '../format/entry.ts'

/** Entries of cores that have not changed are repeated in every commit while they are no larger together, so that a reader needs that commit alone. */
const REPEATED_BYTES = 4096

/** What of a commit says where the entries of all cores are. */
export type Directory = Pick<Commit, 'checkpoint' | 'carried' | 'entries'>

/** The directory of the commit after another one. Those that have changed stand in it; of others as many as there is room for. */
export function nextDirectory(
  before: (Directory & Pick<Commit, 'seq'>) | null,
  changed: readonly Entry[]
): Directory {
  if (before === null) return { checkpoint: null, carried: [], entries: sorted(changed) }
  const { checkpoint } = before
  const isChanged = new Set(changed.map(({ blindId }) => idOf(blindId)))
  const [entries, carried] = [
    [...changed],
    before.carried.filter(({ blindId }) => !isChanged.has(idOf(blindId)))
  ]
  let room = REPEATED_BYTES - bytesOf(changed)
  // The newest first: they are the ones that are likely to be asked for.
  for (const entry of [...before.entries].sort((a, b) => b.seq - a.seq)) {
    if (isChanged.has(idOf(entry.blindId))) continue
    room -= bytesOf([entry])
    if (room >= 0) entries.push(entry)
    // It is named where it stands last: the commit that it was made for may be pruned by now.
    else if (entry.seq > (checkpoint?.seq ?? -1)) carried.push({ blindId: entry.blindId, seq: before.seq })
  }
  return { checkpoint, carried: sorted(carried), entries: sorted(entries) }
}

/** A commit by which the entry of a core that has one is still found when later ones say otherwise, as far as it can be told without reading. */
export function commitWith({ seq, carried }: Commit, blindId: Uint8Array): number {
  return carried.find((one) => b4a.equals(one.blindId, blindId))?.seq ?? seq
}

/**
 * Whether so many cores stand in earlier commits that all should be put into one object. Naming them costs something in each commit, and
 * that object costs something each time: in the balance of both, the limit grows with the root of their number.
 */
export function needsCheckpoint({ carried, entries }: Directory, cores: number): boolean {
  return carried.length + entries.length > 16 + 5 * Math.sqrt(cores)
}

/** The id of a core, to look it up by. */
export function idOf(blindId: Uint8Array): string {
  return b4a.toString(blindId, 'hex')
}

function sorted<T extends { blindId: Uint8Array }>(things: readonly T[]): T[] {
  return [...things].sort((a, b) => b4a.compare(a.blindId, b.blindId))
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce(
    (sum, { objects, sealed }) => sum + MIN_ENTRY_BYTES + 17 * objects.length + sealed.byteLength,
    0
  )
}
