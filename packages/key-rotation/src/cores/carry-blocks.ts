import b4a from 'b4a'
import type { TreeProof } from 'hypercore'
import { badArgument, checkCount, checkOptions } from '../arguments.ts'
import { mismatch, notAvailable } from './faults.ts'
import {
  checkUpstream,
  hasStored,
  isStored,
  proofOf,
  readBlocks,
  readNodes,
  readRoots,
  writeStored
} from './hypercore-adapter.ts'
import { hashOfRoots, nodesOver, type TreeNode } from './tree-nodes.ts'
import type { CoreLike, ProofSource, RolledCore, RollManifest } from './types.ts'

/** Blocks whose nodes are read at once: a page of Hypercore's bitfield has four times as many. */
const CHUNK_BLOCKS = 8192
/** Of blocks that are in memory at once, beyond the first. */
const PIECE_BYTES: number = 8 * 1024 * 1024

export interface PullOptions {
  /** @defaultValue 0 */
  start?: number
  /**
   * Exclusive.
   *
   * @defaultValue where the core directly before ends
   */
  end?: number
}

export interface CarryOptions extends PullOptions {
  /**
   * Whether to wait for peers where they are needed; else nothing is copied then.
   *
   * @defaultValue true
   */
  wait?: boolean
}

/**
 * Copies blocks of an old core on this machine into one that goes on from it, directly or through others, so that they need not be fetched
 * again: as they are stored, encrypted ones stay so. Whatever is missing stays missing. May be stopped and begun again, and runs while
 * both are used.
 *
 * Where either core lacks the nodes at `end`, one block of it is fetched, which brings them.
 *
 * @param options.end - where the old core ends: `previous.length` of the core after it
 * @returns how many blocks were new
 * @throws KEY_ROTATION_CORE_MISMATCH when the old core has another history, or gets one meanwhile, KEY_ROTATION_NOT_AVAILABLE
 *   when too little of it is here, KEY_ROTATION_UNSUPPORTED_UPSTREAM
 */
export async function carryBlocks(
  from: CoreLike,
  to: RolledCore,
  options: CarryOptions = {}
): Promise<number> {
  checkOptions(options, ['start', 'end', 'wait'])
  checkUpstream(to)
  await from.ready()
  if (!isStored(from)) throw badArgument('the old core is not on this machine: use `pullBlocks`')
  const { length } = prologueOf(to)
  const { start = 0, end = length, wait = true } = options
  checkRange(start, end, length)
  return carryRange(from, to, { start, until: end, end, wait })
}

/** Copies blocks `start` to `until` of a history that both cores have up to `end`. */
export async function carryRange(
  from: CoreLike,
  to: RolledCore,
  { start, until, end, wait }: { start: number; until: number; end: number; wait: boolean }
): Promise<number> {
  if (from.length < end) throw notAvailable('too little of the old core is here')
  // The roots at the end tell whether both are of one history, and without them a peer gets no proof of what is carried. The first block after them
  // brings them, and the last one before.
  if ((await readRoots(to, end)) === null && wait) await to.get(end)
  if ((await readRoots(from, end)) === null && wait) await from.treeHash(end)
  const isSame = await haveSameHistory(from, to, end)
  if (isSame === false) throw otherHistory()
  if (isSame === null) return 0
  let count = 0
  for (let at = start; at < until;) {
    const stop = Math.min(until, at + CHUNK_BLOCKS)
    const carried = await carryChunk(from, to, at, stop, end)
    count += carried.count
    if (carried.isWhole) at = stop
  }
  return count
}

/**
 * Copies what a core lacks to show that a shorter history is the beginning of its own, out of one that has the same up to `end`: the nodes over the first block after it. As
 * far as they are here.
 */
export async function carryRoots(from: CoreLike, to: RolledCore, length: number, end: number): Promise<void> {
  if (length === 0 || length >= end || (await readRoots(to, length)) !== null) return
  const nodes = await readNodes(from, length, length + 1, end)
  if (nodes.size < nodesOver(length, length + 1, end).length) return
  // Who has the old key may have put others in their place before they were read.
  if ((await haveSameHistory(from, to, end)) === true) await writeStored(to, length, [], nodes.values())
}

/** Not whole when the old core was truncated meanwhile, if only past the end. */
async function carryChunk(
  from: CoreLike,
  to: RolledCore,
  start: number,
  stop: number,
  end: number
): Promise<{ count: number; isWhole: boolean }> {
  const { fork } = from
  const isMissing = (index: number): boolean => !hasStored(to, index)
  let count = 0
  let nodes: Map<number, TreeNode> | null = null
  for (let first = start; first < stop;) {
    if (!isMissing(first)) {
      first++
      continue
    }
    nodes ??= await readNodes(from, start, stop, end)
    const last = endOfPiece(nodes, first, stop)
    const blocks = await readBlocks(from, first, last, isMissing)
    // Who has the old key may have put other blocks in their place before they were read: whatever is stored then counts.
    if ((await haveSameHistory(from, to, end)) !== true) throw otherHistory()
    if (from.fork !== fork) return { count, isWhole: false }
    const over = nodesOver(first, last, end).map((index) => nodes?.get(index))
    count += await writeStored(
      to,
      first,
      blocks,
      over.filter((node) => node !== undefined)
    )
    first = last
  }
  return { count, isWhole: true }
}

/** As many blocks as may be in memory at once; one, however large it is. */
function endOfPiece(nodes: ReadonlyMap<number, TreeNode>, start: number, stop: number): number {
  let end = start
  let bytes = 0
  do bytes += nodes.get(2 * end++)?.size ?? 0
  while (end < stop && bytes + (nodes.get(2 * end)?.size ?? 0) <= PIECE_BYTES)
  return end
}

/** By the nodes that are here, which were checked when they came in; `null` where they are not. */
async function haveSameHistory(a: object, b: object, length: number): Promise<boolean | null> {
  const [one, other] = await Promise.all([readRoots(a, length), readRoots(b, length)])
  return one && other && b4a.equals(hashOfRoots(one), hashOfRoots(other))
}

function otherHistory(): Error {
  return mismatch('the old core has another history than the one that is gone on from')
}

/**
 * The same with proofs, from whatever gives them: an archive, or a core elsewhere. Nothing of the source is trusted. One proof a block.
 *
 * @returns how many blocks were new
 * @throws KEY_ROTATION_CORE_MISMATCH for a block that is not of this history, and whatever the source throws
 */
export async function pullBlocks(
  source: ProofSource,
  to: RolledCore,
  options: PullOptions = {}
): Promise<number> {
  checkOptions(options, ['start', 'end'])
  const { length } = prologueOf(to)
  const { start = 0, end = length } = options
  checkRange(start, end, length)
  let count = 0
  for (let index = start; index < end; index++) {
    if (await to.has(index)) continue
    const nodes = await to.missingNodes(index)
    const proof = proofOf(await source.proof({ block: { index, nodes } }))
    if (await takeBlock(to, index, proof)) count++
  }
  return count
}

async function takeBlock(to: RolledCore, index: number, proof: TreeProof): Promise<boolean> {
  const { block } = proof as { block?: { value?: Uint8Array | null } | null }
  if (!block?.value) return false
  try {
    return await to.applyProof({ fork: 0, block } as never)
  } catch (cause) {
    throw mismatch(`block ${index} of the source is not of the history that is gone on from`, cause)
  }
}

function prologueOf({ manifest }: RolledCore): NonNullable<RollManifest['prologue']> {
  const prologue = manifest?.prologue
  if (!prologue) throw badArgument('this core goes on from none, or has not learnt its manifest yet')
  return prologue
}

function checkRange(start: number, end: number, length: number): void {
  checkCount(start, '`start`')
  checkCount(end, '`end`')
  if (start > end || end > length) throw badArgument(`blocks ${start} to ${end} are not all before the end`)
}
