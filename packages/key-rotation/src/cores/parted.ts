import b4a from 'b4a'
import type { Bookmark } from './follower-types.ts'
import type { LineagePart } from './lineage.ts'
import { openSession } from './sessions.ts'
import type { RolledCore, StoreLike } from './types.ts'

/**
 * How far what was read is of a name's cores as they are now, and of which: that of a core that the name had, and has no longer, up to where it went on from the one before. A
 * core's manifest says where that was, and its key is the hash of the manifest.
 *
 * @returns `null` where that cannot be known
 */
export async function partedFrom(
  store: StoreLike,
  lineage: readonly LineagePart[],
  { core, position }: Bookmark
): Promise<{ place: number; length: number } | null> {
  if (core === null) return { place: 0, length: position }
  let length = position
  for (let key: Uint8Array | undefined = core; key !== undefined;) {
    const at = key
    const place = lineage.findIndex((part) => b4a.equals(part.core, at))
    if (place !== -1) return { place, length }
    const manifest = await manifestOf(store, key)
    const { prologue = null, linked = null } = manifest ?? {}
    key = linked?.length === 1 ? linked[0] : undefined
    length = Math.min(length, prologue?.length ?? 0)
  }
  return null
}

async function manifestOf(store: StoreLike, key: Uint8Array): Promise<RolledCore['manifest']> {
  const core = await openSession(store, { key })
  try {
    return core.manifest
  } finally {
    await core.close()
  }
}
