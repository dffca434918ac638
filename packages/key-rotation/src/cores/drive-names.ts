import { resolve, type Resolved } from '../resolve.ts'
import type { IdentityState } from '../state/state.ts'
import { mismatch } from './faults.ts'

/** Under which names an identity has a drive's two cores: of the files’ names, and of what is in them. */
export function driveNames(name: string): readonly [string, string] {
  return [name, `${name}/blobs`]
}

/** @throws KEY_ROTATION_CORE_MISMATCH for a name that has no core */
export function resolvedOf(state: IdentityState, name: string): Resolved {
  const resolved = resolve(state, name)
  if (resolved === null) throw mismatch(`${name} has no core`)
  return resolved
}
