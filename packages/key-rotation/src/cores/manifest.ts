import b4a from 'b4a'
import Hypercore from 'hypercore'
import type { RolledCore, RollManifest, StoreLike } from './types.ts'

/** Key of the core that has this manifest: its hash. */
export function keyOfManifest(manifest: RollManifest): Uint8Array {
  return Hypercore.key(copyOf(manifest))
}

/** A session of a core that has this manifest, writable with the key pair. The caller closes it. */
export function openWithManifest(store: StoreLike, manifest: RollManifest, options: object): RolledCore {
  return store.get({ ...options, manifest: copyOf(manifest) } as never) as RolledCore
}

/** Hypercore keeps and changes what it is given. */
function copyOf(manifest: RollManifest): RollManifest {
  return {
    ...manifest,
    signers: manifest.signers.map(({ publicKey }) => ({ publicKey: b4a.from(publicKey) })),
    prologue: manifest.prologue && { ...manifest.prologue, hash: b4a.from(manifest.prologue.hash) },
    linked: manifest.linked.map((key) => b4a.from(key))
  }
}
