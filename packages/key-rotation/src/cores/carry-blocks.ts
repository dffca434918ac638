import b4a from 'b4a'
import { badArgument, checkCount } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import {
  checkUpstream,
  hashOfRoots,
  isStored,
  proofOf,
  readRoots,
  readStored,
  writeStored
} from './hypercore-adapter.ts'
import type { CoreLike, ProofSource, RolledCore, RollManifest } from './types.ts'

/** Blocks that are copied at once: a page of Hypercore's bitfield has four times as many. */
const CHUNK_BLOCKS = 8192

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
 * @throws KEY_ROTATION_CORE_MISMATCH when the old core has another history, KEY_ROTATION_UNSUPPORTED_UPSTREAM
 */
export async function carryBlocks(
  from: CoreLike,
  to: RolledCore,
  { start = 0, end = prologueOf(to).length, wait = true }: CarryOptions = {}
): Promise<number> {
  checkUpstream(to)
  if (!isStored(from)) throw badArgument('the old core is not on this machine: use `pullBlocks`')
  checkRange(start, end, prologueOf(to).length)
  await from.ready()
  if (from.length < end) throw otherHistory()
  // The roots at the end tell whether both are of one history, and without them a peer gets no proof of what is carried. The first block after them
  // brings them, and the last one before.
  if ((await readRoots(to, end)) === null && wait) await to.get(end)
  if ((await readRoots(from, end)) === null && wait) await from.treeHash(end)
  const isSame = await haveSameHistory(from, to, end)
  if (isSame === false) throw otherHistory()
  if (isSame === null) return 0
  let count = 0
  for (let at = start; at < end; at += CHUNK_BLOCKS) {
    const until = Math.min(end, at + CHUNK_BLOCKS)
    const { blocks, nodes } = await readStored(from, at, until, end)
    count += await writeStored(to, at, blocks, nodes)
  }
  return count
}

/** By the nodes that are here, which were checked when they came in; `null` where they are not. */
export async function haveSameHistory(a: object, b: object, length: number): Promise<boolean | null> {
  const [one, other] = await Promise.all([readRoots(a, length), readRoots(b, length)])
  return one && other && b4a.equals(hashOfRoots(one), hashOfRoots(other))
}

function otherHistory(): KeyRotationError {
  const message = 'the old core has another history than the one that is gone on from'
  return new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message)
}

/**
 * The same with proofs, from whatever gives them: an archive, or a core elsewhere. Nothing of the source is trusted. One proof a block.
 *
 * @returns how many blocks were new
 * @throws KEY_ROTATION_CORE_MISMATCH for a block that is not of this history
 */
export async function pullBlocks(
  source: ProofSource,
  to: RolledCore,
  { start = 0, end = prologueOf(to).length }: PullOptions = {}
): Promise<number> {
  checkRange(start, end, prologueOf(to).length)
  let count = 0
  for (let index = start; index < end; index++) {
    if (await to.has(index)) continue
    try {
      const nodes = await to.missingNodes(index)
      const { block } = proofOf(await source.proof({ block: { index, nodes } })) as {
        block?: { value?: Uint8Array | null } | null
      }
      if (!block?.value) continue
      if (await to.applyProof({ fork: 0, block } as never)) count++
    } catch (cause) {
      const message = `block ${index} of the source is not of the history that is gone on from`
      throw new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message, { cause })
    }
  }
  return count
}

function prologueOf({ manifest }: RolledCore): RollManifest['prologue'] {
  const prologue = manifest?.prologue
  if (!prologue) throw badArgument('this core goes on from none, or has not learnt its manifest yet')
  return prologue
}

function checkRange(start: number, end: number, length: number): void {
  checkCount(start, '`start`')
  checkCount(end, '`end`')
  if (start > end || end > length) throw badArgument(`blocks ${start} to ${end} are not all before the end`)
}
