import type { CoreLink } from '../state/state.ts'
import { carryBlocks } from './carry-blocks.ts'
import { openSession } from './followed-core.ts'
import type { RolledCore, StoreLike } from './types.ts'

/**
 * Copies what is here of a name's older cores into its newest one, as far as that needs no peers.
 *
 * @returns how many blocks were new
 */
export async function carryLineage(
  store: StoreLike,
  lineage: readonly CoreLink[],
  to: RolledCore
): Promise<number> {
  if (to.manifest === null) return 0
  const ends = lineage.map(({ previous }) => previous?.length ?? 0)
  let count = 0
  for (const [i, { core }] of lineage.slice(0, -1).entries()) {
    const old = await openSession(store, { key: core })
    try {
      const end = Math.min(...ends.slice(i + 1))
      if (end > 0 && old.length >= end) count += await carryBlocks(old, to, { end, wait: false })
    } finally {
      await old.close()
    }
  }
  return count
}
