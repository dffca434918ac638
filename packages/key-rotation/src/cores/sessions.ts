import { readRoots } from './hypercore-adapter.ts'
import type { Bookmark, ReadOptions } from './follower-types.ts'
import { hashOfRoots } from './tree-nodes.ts'
import type { RolledCore, StoreLike } from './types.ts'

export interface Session extends RolledCore {
  on(event: 'truncate', listener: (length: number) => void): unknown
}

/** The caller closes it. */
export async function openSession(
  store: StoreLike,
  options: { key: Uint8Array; encryption?: object | null }
): Promise<Session> {
  const session = store.get(options as never) as Session
  await session.ready()
  return session
}

/** Of a core's tree; `null` where it is not here, and not waited for. */
export async function treeHashAt(
  core: RolledCore,
  length: number,
  { wait = true }: ReadOptions
): Promise<Uint8Array | null> {
  const roots = await readRoots(core, length)
  if (roots !== null) return hashOfRoots(roots)
  return wait ? core.treeHash(length) : null
}

/** Of what was read, as far as it is on this machine. */
export async function treeHashOf(
  store: StoreLike,
  { core: key, position }: Pick<Bookmark, 'core' | 'position'>
): Promise<Uint8Array | null> {
  if (key === null || position === 0) return null
  const core = await openSession(store, { key })
  try {
    return core.length < position ? null : await treeHashAt(core, position, { wait: false })
  } finally {
    await core.close()
  }
}
