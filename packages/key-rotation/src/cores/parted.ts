import b4a from 'b4a'
import type { Bookmark } from './follower-types.ts'
import type { LineagePart } from './lineage.ts'
import { openSession } from './sessions.ts'
import type { CutOff } from '../types.ts'
import type { StoreLike } from './types.ts'

/** What a core goes on from, and where. */
type Previous = Pick<CutOff, 'core' | 'length'>

/**
 * How far what was read is of a name's cores as they are now, and of which: that of a core that the name had, and has no longer, up to where it went on from the one before. A
 * core's manifest says where that was, and its key is the hash of the manifest; of one that was never opened here, the lineage says it that was followed till now.
 *
 * @param before - the name's cores as they were then, as far as that is known
 * @returns `null` where that cannot be known
 */
export async function partedFrom(
  store: StoreLike,
  lineage: readonly LineagePart[],
  { core, position }: Bookmark,
  before: readonly LineagePart[] = []
): Promise<{ place: number; length: number } | null> {
  if (core === null) return { place: 0, length: position }
  let length = position
  for (let key: Uint8Array | undefined = core; key !== undefined;) {
    const at: Uint8Array = key
    const place = lineage.findIndex((part) => b4a.equals(part.core, at))
    if (place !== -1) return { place, length }
    const named = before.find((part) => b4a.equals(part.core, at))?.previous
    const previous: Previous | undefined = (await previousOf(store, at)) ?? named ?? undefined
    key = previous?.core
    length = Math.min(length, previous?.length ?? 0)
  }
  return null
}

async function previousOf(store: StoreLike, key: Uint8Array): Promise<Previous | null> {
  const core = await openSession(store, { key })
  try {
    const { prologue = null, linked = null } = core.manifest ?? {}
    const [previous, ...others] = linked ?? []
    return previous === undefined || others.length > 0
      ? null
      : { core: previous, length: prologue?.length ?? 0 }
  } finally {
    await core.close()
  }
}
