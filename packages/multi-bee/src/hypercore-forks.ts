import type Hypercore from 'hypercore'
import type { Manifest, Peer, TreeProof } from 'hypercore'
import type { TreeNode } from 'hypercore-crypto'
import merkle from 'hypercore/lib/merkle-tree.js'
import multisig from 'hypercore/lib/multisig.js'
import { forkProof, haveSameHashes, provenFork, type LogFork, type SignedCopy } from './log/fork-proof.ts'

// Part of the adapter to Hypercore, and like it allowed to know private things: `core.core.{checkConflict,state,header,_verifyBatchUpgrade}`
// (hypercore 11.37, lib/core.js), `lib/merkle-tree.js`, `lib/multisig.js`, and a peer's `wireRequest` and `onrequest` (lib/replicator.js).

/** What `core.core` is, as far as it is used here. */
interface CoreInternals {
  readonly state: { readonly length: number; readonly fork: number }
  readonly header: { readonly manifest: Manifest | null }
  checkConflict(proof: UpgradeProof, peer: PeerInternals): Promise<boolean>
  _verifyBatchUpgrade(batch: unknown, manifest: unknown): void
}

interface UpgradeProof extends TreeProof {
  upgrade: {
    length: number
    nodes: readonly TreeNode[]
    /** From there to where it is signed. */
    additionalNodes: readonly TreeNode[]
    signature: Uint8Array
  }
}

interface PeerInternals extends Peer {
  readonly wireRequest: { send(request: object): unknown }
  onrequest(request: object): Promise<void>
}

/** Between which lengths two copies begin to differ: they agree on `agreed` blocks, and not on `differing`. */
interface Search {
  agreed: number
  differing: number
  /** The other copy, at `differing`. */
  other: UpgradeProof
}

/** Who wants to know of a core's forks, with a session of it each. */
type Listeners = Map<(fork: LogFork) => void, Hypercore>

const watchers = new WeakMap<object, Listeners>()

/**
 * Tells when a peer proves that this core's key has signed two different histories, and up to which block they are the same.
 *
 * Hypercore itself answers such a proof by closing the core in every session, and freezing it in the store for good (`checkConflict`
 * in lib/core.js). That is right for one writer and wrong here: every device that holds a copy would lose the log over one bad
 * one. So the check is replaced: the peer that differs is left alone for this core (its `paused` stays), everybody else goes on. The place
 * where the copies part is found by asking that peer for proofs of ever closer lengths, each of them signed.
 *
 * @returns a function that ends it
 */
export function watchForks(core: Hypercore, onFork: (fork: LogFork) => void): () => void {
  const internals = internalsOf(core)
  const known = watchers.get(internals)
  const listeners: Listeners = known ?? new Map()
  listeners.set(onFork, core)
  if (known === undefined) {
    watchers.set(internals, listeners)
    const searches = new WeakMap<PeerInternals, Search>()
    internals.checkConflict = async (proof, peer) => {
      try {
        const found = await compare(internals, searches, proof, peer)
        if (found === 'same') return false
        if (found !== 'unknown') await tell(listeners, internals, found)
      } catch {
        // A proof that does not hold says nothing about the writer; its sender stays paused.
      }
      return true
    }
  }
  return () => listeners.delete(onFork)
}

async function tell(
  listeners: Listeners,
  { header, state }: CoreInternals,
  { differing, other }: Search
): Promise<void> {
  const [session] = listeners.values()
  const [signer] = header.manifest?.signers ?? []
  if (session === undefined || signer === undefined) return
  const own = (await session.proof({ upgrade: { start: 0, length: differing } })) as UpgradeProof
  const fork = forkProof(signer.publicKey, differing, [signedCopy(state, own), signedCopy(state, other)])
  // What does not hold would make the block that tells of it malformed. Of trees of a later fork there is no proof.
  provenFork(fork.proof, session.key as Uint8Array)
  for (const listener of listeners.keys()) listener(fork)
}

function signedCopy(state: object, proof: UpgradeProof): SignedCopy {
  const { nodes, additionalNodes, signature } = proof.upgrade
  const { length } = merkle.MerkleTree.verifyFullyRemote(state, proof)
  const [signed] = multisig.inflate(signature).proofs
  if (signed === undefined) throw new Error('a tree that is not signed')
  return { length, nodes: [...nodes, ...additionalNodes], signature: signed.signature }
}

/** What of the private API is missing. */
export function checkForkApi(core: Hypercore): string[] {
  const internals = internalsOf(core)
  const missing = (['checkConflict', '_verifyBatchUpgrade'] as const).filter(
    (name) => typeof internals[name] !== 'function'
  ) as string[]
  if (typeof merkle.MerkleTree?.verifyFullyRemote !== 'function') missing.push('verifyFullyRemote')
  if (typeof multisig?.inflate !== 'function') missing.push('inflate')
  return missing
}

async function compare(
  internals: CoreInternals,
  searches: WeakMap<PeerInternals, Search>,
  proof: UpgradeProof,
  peer: PeerInternals
): Promise<Search | 'same' | 'unknown'> {
  const { length, nodes } = proof.upgrade
  const { state, header } = internals
  if (state.length < length || proof.fork !== state.fork || header.manifest === null) return 'same'
  const batch = merkle.MerkleTree.verifyFullyRemote(state, proof)
  internals['_verifyBatchUpgrade'](batch, proof.manifest)

  const isSame = haveSameHashes(nodes, await merkle.MerkleTree.getRoots(state, length))
  const before = searches.get(peer)
  if (before === undefined) {
    if (isSame) return 'same'
    await showOwnCopy(internals, peer)
  }
  const search = { ...(before ?? { agreed: 0, differing: Infinity }) } as Search
  if (isSame) search.agreed = Math.max(search.agreed, length)
  else if (length < search.differing) Object.assign(search, { differing: length, other: proof })
  // A writer may have signed more than two, and proofs of different ones cross.
  if (search.differing - search.agreed <= 1) {
    searches.delete(peer)
    return search
  }
  searches.set(peer, search)
  askForProof(peer, Math.floor((search.agreed + search.differing) / 2))
  return 'unknown'
}

/** Asks for a proof of the peer's copy at a length, outside the usual requests: Hypercore's own way to look into a suspected fork. */
export function askForProof(peer: Peer, length: number): void {
  ;(peer as PeerInternals).wireRequest.send(forkRequest(peer.remoteFork, length))
}

/** So that the peer, too, learns that there are two. */
async function showOwnCopy({ state }: CoreInternals, peer: PeerInternals): Promise<void> {
  const length = Math.min(state.length, peer.remoteLength)
  if (length > 0) await peer.onrequest(forkRequest(state.fork, length))
}

/** Request 0 is never one that waits for blocks (`_checkIfConflict` in lib/replicator.js). */
function forkRequest(fork: number, length: number): object {
  return { id: 0, fork, block: null, hash: null, seek: null, upgrade: { start: 0, length } }
}

function internalsOf(core: Hypercore): CoreInternals {
  return core.core as CoreInternals
}
