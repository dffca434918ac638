import b4a from 'b4a'
import { isSameEnd } from '../state/ends.ts'
import type { CoreLink } from '../state/state.ts'

/** What is needed of each of a name's cores to tell which blocks are whose: a `CoreLink` fits. */
export type LineagePart = Pick<CoreLink, 'core' | 'previous'>

/**
 * Place of the core that a block of the newest one was written to. Counted from the newest: a roll-over may end before the one before it, whose places are then
 * written anew.
 */
export function placeOf(lineage: readonly LineagePart[], index: number): number {
  let place = lineage.length - 1
  while (place > 0 && index < (lineage[place]?.previous?.length ?? 0)) place--
  return place
}

/** How many blocks of a core are those of the newest one, too; of that one all: every end on the way counts. */
export function sharedLength(lineage: readonly LineagePart[], place: number): number {
  return Math.min(...lineage.slice(place + 1).map(({ previous }) => previous?.length ?? 0))
}

/** What has been said of the newest core's tree at a length; `null` where no core goes on from there. */
export function saidTreeHash(lineage: readonly LineagePart[], length: number): Uint8Array | null {
  for (let place = lineage.length - 1; place > 0; place--) {
    const { previous } = lineage[place] as LineagePart
    if (previous === null || previous.length < length) return null
    if (previous.length === length) return previous.treeHash
  }
  return null
}

export function isSameLineage(one: readonly LineagePart[], other: readonly LineagePart[]): boolean {
  return one.length === other.length && one.every((part, i) => isSamePart(part, other[i] as LineagePart))
}

function isSamePart({ core, previous }: LineagePart, other: LineagePart): boolean {
  return b4a.equals(core, other.core) && isSameEnd(previous, other.previous)
}
