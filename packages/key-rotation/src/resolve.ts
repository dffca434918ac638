import { checkState } from './arguments.ts'
import { endsOfLineage } from './state/ends.ts'
import { type CoreLink, type IdentityState, isHeld } from './state/state.ts'
import type { CutOff } from './types.ts'

/** What a name stands for now. */
export interface Resolved {
  /** Key of the core that counts. */
  readonly core: Uint8Array
  /** Key of the device that writes it; `null` for one that no single device writes. */
  readonly device: Uint8Array | null
  /** Where it ends, if its writer was revoked and nothing has taken its place. */
  readonly end: CutOff | null
  /** Its writer was revoked, and nobody has said where it ends: nothing more of it counts till then. */
  readonly isHeld: boolean
  /** All cores of the name, oldest first, this one last. Each ends where the next one goes on, and holds the history of those before it. */
  readonly lineage: readonly CoreLink[]
  /** Where each of them ends, as far as it counts: at its own end, or that of one that goes on from it, if that is lower. */
  readonly ends: readonly (CutOff | null)[]
}

/** The current core of a name; `null` for a name that the identity has not given. @throws KEY_ROTATION_BAD_ARGUMENT for what is no state */
export function resolve(state: IdentityState, name: string): Resolved | null {
  checkState(state)
  const lineage = state.cores.get(name)
  const last = lineage?.at(-1)
  if (!lineage || !last) return null
  const ends = endsOfLineage(state, lineage)
  const { core, device } = last
  return { core, device, end: ends.at(-1) ?? null, isHeld: isHeld(state, core), lineage, ends }
}
