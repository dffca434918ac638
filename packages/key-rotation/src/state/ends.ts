import type { CutOff } from '../types.ts'
import { type CoreLink, coresOf, hex, type IdentityState } from './state.ts'

/**
 * Where each core of a name ends, oldest first; `null` for one that does not. A roll-over may end before the one before it: then nothing past it counts in the older cores
 * either, which have the same tree up to there.
 */
export function endsOfLineage(
  { cutOffs }: Pick<IdentityState, 'cutOffs'>,
  links: readonly CoreLink[]
): readonly (CutOff | null)[] {
  const ends: (CutOff | null)[] = []
  for (const { core } of [...links].reverse()) {
    const own = cutOffs.get(hex(core)) ?? null
    const next = ends.at(-1) ?? null
    const isLower = own !== null && next !== null && next.length < own.length
    ends.push(isLower ? { ...own, length: next.length, treeHash: next.treeHash } : own)
  }
  return ends.reverse()
}

/** A name's cores, oldest first, each going on from where the one before ends: what was put right since it was named, too. `null` for a name that has none. */
export function lineageOf(state: IdentityState, name: string): readonly CoreLink[] | null {
  const links = coresOf(state, name)?.map((link) => {
    const { previous } = link
    return previous === null ? link : { ...link, previous: state.cutOffs.get(hex(previous.core)) ?? previous }
  })
  return links ?? null
}
