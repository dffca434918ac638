import SubEncoder from 'sub-encoder'

/**
 * Where a drive's whiteouts are: in its database, beside the files (`files`, hyperdrive/index.js), where no path of a file can reach.
 * FORMAT.md.
 */
export const WHITEOUTS: { keyEncoding: object } = {
  keyEncoding: new SubEncoder('cloudpal-whiteouts', 'utf-8')
}

/** What of the drives below a whiteout hides: a file or link on its path, or that and all below it. */
export type Hides = 'file' | 'tree'

/** What is written for a whiteout. */
export interface WhiteoutValue {
  version: 2
  hides: Hides
}

export function whiteout(hides: Hides): WhiteoutValue {
  return { version: 2, hides }
}

/** Reads version 1, too, which hides a tree. `null`: it is of no version that is known here. */
export function whatIsHidden(value: unknown): Hides | null {
  const { version, hides } = (value ?? {}) as { version?: unknown; hides?: unknown }
  if (version === 1) return 'tree'
  return version === 2 && (hides === 'file' || hides === 'tree') ? hides : null
}
