import b4a from 'b4a'
import { badArgument, checkCount, checkCutOff, checkKey, checkKeyPair, checkOptions } from '../arguments.ts'
import { type CoreLink, hex } from '../state/state.ts'
import type { CutOff, KeyPair } from '../types.ts'
import { mismatch, notAvailable } from './faults.ts'
import { isStored, proofOf, readRoots } from './hypercore-adapter.ts'
import { keyOfManifest, openWithManifest } from './manifest.ts'
import { hashOfRoots } from './tree-nodes.ts'
import type { CoreLike, ProofSource, RolledCore, RollManifest, RollPlan, StoreLike } from './types.ts'

/**
 * Where a core ends: at a length of it, or now.
 *
 * @param length - at most the core's. Of a sparse core, the nodes of the tree at that length must be here or at a peer
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export async function endOf(core: CoreLike, length?: number): Promise<CutOff> {
  if (typeof core?.ready !== 'function') throw badArgument('only a core has an end')
  await core.ready()
  const end = length ?? core.length
  checkCount(end, 'a length')
  if (core.key === null || end > core.length)
    throw badArgument(`the core has ${core.length} blocks, not ${end}`)
  // Hypercore asks for the block before the end, which nobody may have in this core: it may be in the one that it goes on from.
  const roots = isStored(core) ? await readRoots(core, end) : null
  const treeHash = roots === null ? await core.treeHash(end) : hashOfRoots(roots)
  return { core: core.key, fork: core.fork, length: end, treeHash }
}

/**
 * The core that goes on where another one ends. Needs neither of them: its key is the hash of what is said here. Nothing counts before the
 * identity's `rollCore` has named it.
 *
 * The same end and signers give the same core: where a stolen admin has named it before (KEY_ROTATION_CORE_REUSED), a fresh key pair gives another.
 *
 * @param options.signers - Ed25519 keys of who writes it, 32 bytes
 * @param options.quorum - how many of them sign each append. Where there are several signers, nobody appends by a key pair alone: the signatures are put
 *   together by the caller, for `append(block, { signature })` of Hypercore
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export function planRoll(
  previous: CutOff,
  options: { signers: readonly Uint8Array[]; quorum?: number }
): RollPlan {
  checkCutOff(previous)
  checkOptions(options, ['signers', 'quorum'])
  const { signers, quorum = 1 } = options
  if (!Array.isArray(signers) || signers.length === 0) throw badArgument('a core is written by somebody')
  for (const signer of signers) checkKey(signer, 'the key of a signer')
  // Hypercore counts places, not keys.
  if (new Set(signers.map(hex)).size !== signers.length) throw badArgument('a signer stands twice')
  if (!Number.isInteger(quorum) || quorum < 1 || quorum > signers.length) throw badArgument('no such quorum')
  const manifest: RollManifest = {
    version: 2,
    quorum,
    signers: signers.map((publicKey) => ({ publicKey })),
    // After an empty core there is nothing to go on from.
    prologue: previous.length === 0 ? null : { hash: previous.treeHash, length: previous.length },
    linked: [previous.core]
  }
  return { core: keyOfManifest(manifest), manifest, previous }
}

export interface StartRollOptions {
  /** Of the plan's signer; without it the core is only read here. Not where there are several: Hypercore would append what no peer takes. */
  keyPair?: KeyPair | null
  /** Of `lineageEncryption`, where the old core was encrypted. */
  encryption?: object | null
}

/**
 * Opens the new core at the length of the old one's end: one proof of O(log n) nodes, no block is copied or signed again. With a key pair
 * it can be appended to at once; what it has no blocks of comes from peers, or by `carryBlocks`.
 *
 * @param source - the old core, or an archive of it. Not trusted: the new core's key says what it must be
 * @returns a session that the caller closes
 * @throws KEY_ROTATION_CORE_MISMATCH when the source has another history, KEY_ROTATION_NOT_AVAILABLE when it is a core of which too little is here, KEY_ROTATION_BAD_ARGUMENT, and
 *   whatever the source throws
 */
export async function startRoll(
  store: StoreLike,
  { manifest, previous }: RollPlan,
  source: ProofSource,
  options: StartRollOptions = {}
): Promise<RolledCore> {
  checkOptions(options, ['keyPair', 'encryption'])
  const { keyPair = null, encryption = null } = options
  if (keyPair !== null) checkKeyPair(keyPair)
  if (keyPair !== null && manifest.signers.length > 1)
    throw badArgument('one key pair does not sign for several signers')
  const core = openWithManifest(store, manifest, { ...(keyPair && { keyPair }), encryption })
  await core.ready()
  try {
    if (core.length < previous.length) await adoptHistory(core, previous.length, source)
  } catch (error) {
    await core.close()
    throw error
  }
  return core
}

async function adoptHistory(core: RolledCore, length: number, source: ProofSource): Promise<void> {
  const nodes = await rootsOf(source, length)
  let taken = false
  let cause: unknown
  try {
    // No signature: a manifest's prologue is its own. What the old core has after it does not belong here.
    const upgrade = { start: 0, length, nodes, additionalNodes: [], signature: null }
    taken = await core.applyProof({ fork: 0, upgrade } as never)
  } catch (error) {
    cause = error
  }
  if (taken && core.length >= length) return
  throw mismatch('the source does not have the history that the new core goes on from', cause)
}

/** Roots of the tree at a length. A core that goes on from another one itself gives no proof of lengths other than that and its end. */
async function rootsOf(source: ProofSource, length: number): Promise<readonly object[]> {
  const core = source as Partial<CoreLike>
  await core.ready?.()
  if (isStored(source)) {
    if ((core.length ?? 0) < length) throw notAvailable('too little of the old core is here')
    const stored = await readRoots(source, length)
    if (stored !== null) return stored
  }
  if (source.roots !== undefined) return source.roots(length)
  const { upgrade } = proofOf(await source.proof({ upgrade: { start: 0, length } })) as {
    upgrade?: UpgradeProof
  }
  return upgrade?.length === length ? upgrade.nodes : []
}

interface UpgradeProof {
  length: number
  nodes: object[]
}

/**
 * Whether a core is the one that the identity meant: it goes on from where the one before ends. Its manifest is known once a peer, or
 * `startRoll`, has given it.
 *
 * @returns `null` while the manifest is not known
 */
export function isLinked(core: Pick<RolledCore, 'manifest'>, { previous }: CoreLink): boolean | null {
  if (previous === null || previous.length === 0) return true
  if (core.manifest === null) return null
  const { prologue, linked } = core.manifest
  return (
    prologue?.length === previous.length &&
    b4a.equals(prologue.hash, previous.treeHash) &&
    linked?.length === 1 &&
    b4a.equals(linked[0] as Uint8Array, previous.core)
  )
}
