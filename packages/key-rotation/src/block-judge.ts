import b4a from 'b4a'
import { checkCount, checkKey, checkState } from './arguments.ts'
import { endsOfLineage, isSameEnd } from './state/ends.ts'
import { hex, type IdentityState, isHeld } from './state/state.ts'
import type { CutOff } from './types.ts'

/**
 * Of a block. `accepted`: it counts. `quarantined`: it is past its core's end, or of another history than the one that was ended. `waiting`: its core ends, and the tree
 * hash there is not known yet; or its device was revoked, and nobody has said where the core ends. `unknown`: no event says whose core it is.
 */
export type BlockVerdict = 'accepted' | 'quarantined' | 'waiting' | 'unknown'

/** Blocks of one core that were judged, and do not count. They stay where they are. */
export interface Quarantine {
  readonly core: Uint8Array
  /** The lowest and, exclusive, the highest that was asked for. */
  readonly start: number
  readonly end: number
  readonly reason: 'past the end' | 'another history'
}

/**
 * Says which blocks count, for replication and for logs with several writers: what a revoked device, or a core that was rolled over, has written past its
 * end is listed, never merged, never deleted.
 *
 * What it cannot see: blocks that a thief wrote before the end was set, at whatever time they claim.
 */
export class BlockJudge {
  readonly #quarantine = new Map<string, Quarantine>()
  #writers: ReadonlySet<string>
  #ends: ReadonlyMap<string, CutOff>
  #state: IdentityState

  /** @param state - as `verify` gives it */
  constructor(state: IdentityState) {
    checkState(state)
    this.#state = state
    this.#writers = writersOf(state)
    this.#ends = endsOf(state)
  }

  /** From now on by a newer state. What was accepted before may not be any more, and what was quarantined where a core ended that ends elsewhere may be: ask again. */
  update(state: IdentityState): void {
    checkState(state)
    const ends = endsOf(state)
    for (const core of this.#quarantine.keys())
      if (!isSameEnd(this.#ends.get(core) ?? null, ends.get(core) ?? null)) this.#quarantine.delete(core)
    this.#state = state
    this.#writers = writersOf(state)
    this.#ends = ends
  }

  /**
   * Where a core ends, or one that goes on from it, if that is lower; `null` for one that does not. The length at which `acceptBlock` wants its tree
   * hash.
   */
  endOf(core: Uint8Array): CutOff | null {
    checkKey(core, 'the key of a core')
    return this.#ends.get(hex(core)) ?? null
  }

  /**
   * Whether a block counts: the verdict is `accepted`.
   *
   * @param treeHash - of the copy that the block is in, at the length where the core ends: `core.treeHash(judge.endOf(key).length)`. `null` where
   *   the core does not end, or the copy is shorter
   */
  acceptBlock(core: Uint8Array, index: number, treeHash: Uint8Array | null = null): boolean {
    return this.judge(core, index, treeHash) === 'accepted'
  }

  /** The same, with what is the matter. @throws KEY_ROTATION_BAD_ARGUMENT */
  judge(core: Uint8Array, index: number, treeHash: Uint8Array | null = null): BlockVerdict {
    checkCount(index, 'the index of a block')
    if (treeHash !== null) checkKey(treeHash, 'a tree hash')
    const end = this.endOf(core)
    if (end === null) {
      if (isHeld(this.#state, core)) return 'waiting'
      return this.#writers.has(hex(core)) ? 'accepted' : 'unknown'
    }
    if (index >= end.length) return this.#quarantined(core, index, 'past the end')
    if (treeHash === null) return 'waiting'
    return b4a.equals(treeHash, end.treeHash) ? 'accepted' : this.#quarantined(core, index, 'another history')
  }

  /** What was judged and does not count, one entry a core. */
  get quarantine(): readonly Quarantine[] {
    return [...this.#quarantine.values()]
  }

  #quarantined(core: Uint8Array, index: number, reason: Quarantine['reason']): 'quarantined' {
    const known = this.#quarantine.get(hex(core))
    this.#quarantine.set(hex(core), {
      core,
      start: Math.min(known?.start ?? index, index),
      end: Math.max(known?.end ?? 0, index + 1),
      reason: known?.reason === 'another history' ? known.reason : reason
    })
    return 'quarantined'
  }
}

/** Cores that events have named. */
function writersOf({ cores }: IdentityState): ReadonlySet<string> {
  return new Set([...cores.values()].flat().map(({ core }) => hex(core)))
}

function endsOf(state: IdentityState): ReadonlyMap<string, CutOff> {
  const ends = new Map(state.cutOffs)
  for (const links of state.cores.values())
    for (const end of endsOfLineage(state, links)) if (end !== null) ends.set(hex(end.core), end)
  return ends
}
