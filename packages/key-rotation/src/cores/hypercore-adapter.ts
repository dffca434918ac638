import flat from 'flat-tree'
import Hypercore from 'hypercore'
import type { TreeProof } from 'hypercore'
import BitInterlude from 'hypercore/lib/bit-interlude.js'
import { KeyRotationError } from '../errors.ts'
import { nodesOver, type TreeNode } from './tree-nodes.ts'
import type { BlockEncryption } from './types.ts'

// Everything this package asks of Hypercore beyond its documented API is in this file. Of hypercore 11.37: `core.core.state`, its mutex, storage and write
// batch (lib/session-state.js), as `_verifyShared` in lib/core.js uses them; `core.core.bitfield`, `_setBitfieldRanges`, `updateContiguousLength`,
// `flushHints` and `replicator.onhave` (lib/core.js); `_remoteHasBlock` of its peers (lib/replicator.js); `clearRequests` (index.js);
// `lib/bit-interlude.js`; and `Hypercore.DefaultEncryption` (index.js).

interface Reader {
  getBlock(index: number): Promise<Uint8Array | null>
  getTreeNode(index: number): Promise<TreeNode | null>
  tryFlush(): void
}

interface WriteBatch {
  putBlock(index: number, block: Uint8Array): void
  putTreeNode(node: TreeNode): void
}

interface CoreInternals {
  readonly state: {
    readonly mutex: { lock(): Promise<void>; unlock(): void }
    readonly storage: { read(): Reader }
    createWriteBatch(): WriteBatch
    flush(): Promise<boolean>
    _clearActiveBatch(): void
  }
  readonly bitfield: { get(index: number): boolean }
  readonly replicator: {
    readonly peers: readonly { _remoteHasBlock(index: number): boolean }[]
    onhave(start: number, length: number, drop: boolean): void
  }
  readonly hintsChanged: boolean
  _setBitfieldRanges(start: number, end: number, value: boolean): void
  updateContiguousLength(bitfield: { start: number; length: number; drop: boolean }): void
  flushHints(): Promise<void>
}

/** Hypercore's own cipher, with the keys of a core; `coreKey` is the one by which the blocks were encrypted. */
export function blockCipher(
  encryptionKey: Uint8Array,
  coreKey: Uint8Array
): Omit<BlockEncryption, 'padding'> {
  const { DefaultEncryption } = Hypercore
  if (typeof DefaultEncryption?.deriveKeys !== 'function') throw unsupported(['DefaultEncryption'])
  const { block: blockKey, blinding } = DefaultEncryption.deriveKeys(encryptionKey, coreKey)
  return {
    encrypt: (index, block, fork) => DefaultEncryption.encrypt(index, block, fork, blockKey, blinding),
    decrypt: (index, block) => DefaultEncryption.decrypt(index, block, blockKey)
  }
}

/** Bytes that it adds to each block. */
export function cipherPadding(): number {
  return Hypercore.DefaultEncryption.PADDING
}

/** Blocks as they are stored; `null` for those that are not here, or not wanted. */
export async function readBlocks(
  core: object,
  start: number,
  end: number,
  isWanted: (index: number) => boolean
): Promise<(Uint8Array | null)[]> {
  const reader = internalsOf(core).state.storage.read()
  const blocks: Promise<Uint8Array | null>[] = []
  for (let seq = start; seq < end; seq++)
    blocks.push(isWanted(seq) ? reader.getBlock(seq) : Promise.resolve(null))
  reader.tryFlush()
  return Promise.all(blocks)
}

/** The nodes that are here of those over some blocks, by their numbers; see `nodesOver`. */
export async function readNodes(
  core: object,
  start: number,
  end: number,
  length: number
): Promise<Map<number, TreeNode>> {
  const reader = internalsOf(core).state.storage.read()
  const reading = nodesOver(start, end, length).map((index) => reader.getTreeNode(index))
  reader.tryFlush()
  const nodes = await Promise.all(reading)
  return new Map(nodes.filter((node) => node !== null).map((node) => [node.index, node]))
}

/** Whether a block is on this machine. */
export function hasStored(core: object, index: number): boolean {
  return internalsOf(core).bitfield.get(index)
}

/** Whether a peer that is connected is known to have a block. */
export function peersHave(core: object, index: number): boolean {
  return internalsOf(core).replicator.peers.some((peer) => peer['_remoteHasBlock'](index))
}

/** Gives requests up that a session has made of peers with these `activeRequests`. */
export function giveUp(core: object, activeRequests: unknown[]): void {
  const session = core as { clearRequests(requests: unknown[], error: Error | null): void }
  session.clearRequests(activeRequests, null)
}

/** Roots of the tree at a length, from left to right; `null` when one is not here. */
export async function readRoots(core: object, length: number): Promise<TreeNode[] | null> {
  const reader = internalsOf(core).state.storage.read()
  const reading = flat.fullRoots(2 * length).map((index) => reader.getTreeNode(index))
  reader.tryFlush()
  const roots = await Promise.all(reading)
  return roots.includes(null) ? null : (roots as TreeNode[])
}

/** Stores blocks, or nodes alone, that are known to be right, as if peers had sent them, and tells peers. @returns how many were new */
export async function writeStored(
  target: object,
  start: number,
  blocks: readonly (Uint8Array | null)[],
  nodes: Iterable<TreeNode>
): Promise<number> {
  const core = internalsOf(target)
  const { state } = core
  await state.mutex.lock()
  try {
    const bits = new BitInterlude()
    const tx = state.createWriteBatch()
    let count = 0
    for (const [i, block] of blocks.entries()) {
      if (block === null || core.bitfield.get(start + i)) continue
      tx.putBlock(start + i, block)
      bits.setRange(start + i, start + i + 1, true)
      count++
    }
    if (count === 0 && blocks.length > 0) return 0
    for (const node of nodes) tx.putTreeNode(node)
    const ranges = bits.flush(tx, core.bitfield)
    await state.flush()
    for (const range of ranges) {
      core['_setBitfieldRanges'](range.start, range.end, range.value)
      const have = { start: range.start, length: range.end - range.start, drop: false }
      core.updateContiguousLength(have)
      core.replicator.onhave(have.start, have.length, false)
    }
    if (core.hintsChanged) await core.flushHints()
    return count
  } finally {
    state['_clearActiveBatch']()
    state.mutex.unlock()
  }
}

/** Whether a core has blocks on this machine that can be read below it; else only its proofs can be used. */
export function isStored(core: object): boolean {
  return typeof internalsOf(core)?.state?.storage?.read === 'function'
}

export function proofOf(proof: object): TreeProof {
  return proof as TreeProof
}

/** Of a session. */
const NEEDED = [
  'clearRequests',
  'core.state.createWriteBatch',
  'core.state.mutex.lock',
  'core.state.storage.read',
  'core.state.flush',
  'core.state._clearActiveBatch',
  'core.bitfield.get',
  'core.replicator.onhave',
  'core._setBitfieldRanges',
  'core.updateContiguousLength',
  'core.flushHints'
]

/** @throws KEY_ROTATION_UNSUPPORTED_UPSTREAM naming what is missing */
export function checkUpstream(core: object): void {
  const missing = NEEDED.filter((path) => typeof valueAt(core, path) !== 'function')
  if (typeof BitInterlude !== 'function') missing.push('lib/bit-interlude.js')
  if (missing.length > 0) throw unsupported(missing)
}

function valueAt(core: object, path: string): unknown {
  const into = (value: unknown, name: string): unknown =>
    (value as Record<string, unknown> | null | undefined)?.[name]
  return path.split('.').reduce<unknown>(into, core)
}

function unsupported(missing: readonly string[]): KeyRotationError {
  const message = `this hypercore lacks ${missing.join(', ')}; hypercore 11.37 has them`
  return new KeyRotationError('KEY_ROTATION_UNSUPPORTED_UPSTREAM', message)
}

function internalsOf(core: object): CoreInternals {
  return (core as { core: CoreInternals }).core
}
