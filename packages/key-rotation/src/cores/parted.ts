import type { Bookmark } from './follower-types.ts'
import type { LineagePart } from './lineage.ts'
import { hex } from '../state/state.ts'
import { openSession } from './sessions.ts'
import type { CutOff } from '../types.ts'
import type { StoreLike } from './types.ts'

/** What a core goes on from, and where. */
type Previous = Pick<CutOff, 'core' | 'length'>

/**
 * How far what was read is of a name's cores as they are now, and of which: that of a core that the name had, and has no longer, up to where it went on from the one before. The
 * lineage that was followed till now says where that was; after a restart a core's manifest, whose hash its key is.
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
  const places = new Map(lineage.map((part, place) => [hex(part.core), place]))
  const known = new Map(before.map((part) => [hex(part.core), part.previous]))
  let length = position
  // Manifests alone lead in no circle, but with what events say of their cores they may.
  const asked = new Set<string>()
  for (let key: Uint8Array | undefined = core; key !== undefined && !asked.has(hex(key));) {
    const name = hex(key)
    asked.add(name)
    const place = places.get(name)
    if (place !== undefined) return { place, length }
    // Of a core that goes on from nothing the identity has not said what its manifest says.
    const previous: Previous | null = known.get(name) ?? (await previousOf(store, key))
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
