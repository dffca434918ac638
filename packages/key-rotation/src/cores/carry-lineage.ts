import { carryBlocks, carryRoots } from './carry-blocks.ts'
import { isMismatch } from './faults.ts'
import { type LineagePart, sharedLength } from './lineage.ts'
import { openSession } from './sessions.ts'
import type { RolledCore, StoreLike } from './types.ts'

/**
 * Copies what is here of a name's older cores into its newest one, as far as that needs no peers. One of which its thief has made another history keeps nothing of the
 * others back.
 *
 * @returns how many blocks were new
 */
export async function carryLineage(
  store: StoreLike,
  lineage: readonly LineagePart[],
  to: RolledCore
): Promise<number> {
  if (to.manifest === null) return 0
  const newer: { core: RolledCore; end: number }[] = []
  let count = 0
  try {
    // Newest first: each has what shows that the one before it is of the same history.
    for (let place = lineage.length - 2; place >= 0; place--) {
      const core = await openSession(store, { key: (lineage[place] as LineagePart).core })
      const end = sharedLength(lineage, place)
      for (const one of newer) if (one.end > end) await carryRoots(one.core, to, end, one.end)
      newer.push({ core, end })
      if (end > 0 && core.length >= end) count += await carryOne(core, to, end)
    }
  } finally {
    for (const { core } of newer) await core.close()
  }
  return count
}

async function carryOne(from: RolledCore, to: RolledCore, end: number): Promise<number> {
  try {
    return await carryBlocks(from, to, { end, wait: false })
  } catch (error) {
    if (isMismatch(error)) return 0
    throw error
  }
}
