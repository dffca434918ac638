import c from 'compact-encoding'
import merkle from 'hypercore/lib/merkle-tree.js'
import Verifier from 'hypercore/lib/verifier.js'
import messages from 'hypercore/messages.js'
import { S3ArchiverError } from './errors.ts'
import type { TreeNode } from './merkle/subtree.ts'
import type { CoreLike } from './types.ts'

// What this package asks of Hypercore beyond its documented API, to read it; `core-writer.ts` writes, and `corestore-adapter.ts` is about Corestores. Of hypercore 11.37: `core.core.state` (lib/session-state.js) and
// its `storage.read()` (hypercore-storage 3.3, lib/tx.js), `core.core.header.manifest` and `core.core.bitfield` (lib/core.js), `lib/merkle-tree.js`, `lib/verifier.js`,
// and the encoding of manifests (`messages.js`).

/** The end of a core, as its key has signed it. */
export interface Head {
  fork: number
  /** In blocks. */
  length: number
  /** As Hypercore keeps it; empty for a core whose manifest names its only content. */
  signature: Uint8Array
  /** As Hypercore encodes it. Its hash is the core's key. */
  manifest: Uint8Array
}

interface CoreInternals {
  readonly bitfield: { firstSet(position: number): number; firstUnset(position: number): number }
  readonly state: {
    readonly fork: number
    readonly length: number
    readonly signature: Uint8Array | null
    readonly storage: { read(): BlockReader }
  }
  readonly header: { readonly manifest: object | null; readonly keyPair: object | null }
}

interface BlockReader {
  getBlock(index: number): Promise<Uint8Array | null>
  getTreeNode(index: number): Promise<TreeNode | null>
  tryFlush(): void
}

/** @returns `null` of a core that is empty, or of which nothing but the key is known yet. Taken in one go, so that its parts belong together */
export function headOf(core: CoreLike): Head | null {
  const { state, header } = internalsOf(core)
  const { fork, length, signature } = state
  if (length === 0 || header.manifest === null) return null
  const manifest = c.encode(messages.manifest, header.manifest)
  return { fork, length, signature: signature ?? new Uint8Array(0), manifest }
}

/** Whether this device holds a key pair of the core: it may write it. */
export function isWritable(core: CoreLike): boolean {
  return internalsOf(core).header.keyPair !== null
}

/** Blocks `start` up to `end` as the core stores them: encrypted ones stay so. `null` for one that is not here. One read of the store. */
export async function storedBlocks(
  core: CoreLike,
  start: number,
  end: number
): Promise<(Uint8Array | null)[]> {
  const reader = internalsOf(core).state.storage.read()
  const reading: Promise<Uint8Array | null>[] = []
  for (let seq = start; seq < end; seq++) reading.push(reader.getBlock(seq))
  reader.tryFlush()
  return Promise.all(reading)
}

/** Runs of blocks from `start` up to `end` that the core has, as first and end. Costs no read. */
export function heldRuns(core: CoreLike, start: number, end: number): [first: number, end: number][] {
  const { bitfield } = internalsOf(core)
  const runs: [number, number][] = []
  for (let at = start; at < end;) {
    const first = bitfield.firstSet(at)
    if (first === -1 || first >= end) break
    at = Math.min(end, bitfield.firstUnset(first))
    runs.push([first, at])
  }
  return runs
}

/** Nodes of the core's tree, as flat-tree counts; `null` for what the core does not know. One read of the store. */
export async function storedNodes(core: CoreLike, indexes: readonly number[]): Promise<(TreeNode | null)[]> {
  const reader = internalsOf(core).state.storage.read()
  const reading = indexes.map((index) => reader.getTreeNode(index))
  reader.tryFlush()
  return Promise.all(reading)
}

/**
 * Whether a head is the core's: its manifest makes the key, and has signed the tree with these roots. Any kind of manifest that Hypercore
 * knows.
 */
export function isHeadOf(
  key: Uint8Array,
  { fork, length, signature, manifest }: Head,
  roots: readonly TreeNode[]
): boolean {
  try {
    const decoded = Verifier.createManifest(c.decode(messages.manifest, manifest))
    if (!Verifier.isValidManifest(key, decoded)) return false
    const byteLength = roots.reduce((sum, { size }) => sum + size, 0)
    const prologue = decoded.prologue ?? null
    const tree = { fork, length, byteLength, roots: [...roots], signature: null, prologue, storage: null }
    return new Verifier(key, decoded).verify(new merkle.MerkleTreeBatch(tree), signature)
  } catch {
    return false
  }
}

/** @throws S3ArchiverError `S3_ARCHIVER_UNSUPPORTED_UPSTREAM` naming what is missing */
export function checkUpstream(core: CoreLike): void {
  const internals = internalsOf(core)
  const missing: string[] = []
  if (typeof internals?.state?.storage?.read !== 'function') missing.push('core.state.storage')
  if (internals?.header === undefined) missing.push('core.header')
  if (typeof internals?.bitfield?.firstSet !== 'function') missing.push('core.bitfield')
  if (typeof merkle.MerkleTreeBatch !== 'function') missing.push('MerkleTreeBatch')
  if (typeof Verifier?.isValidManifest !== 'function') missing.push('isValidManifest')
  if (typeof messages?.manifest?.decode !== 'function') missing.push('messages.manifest')
  if (missing.length === 0) return
  const help = `this hypercore lacks ${missing.join(', ')}; hypercore 11.37 has them`
  throw new S3ArchiverError('S3_ARCHIVER_UNSUPPORTED_UPSTREAM', help)
}

function internalsOf(core: CoreLike): CoreInternals {
  return core.core as CoreInternals
}
