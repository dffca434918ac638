import type Hypercore from 'hypercore'
import type { Peer, TreeProof } from 'hypercore'
import crypto from 'hypercore-crypto'
import merkle from 'hypercore/lib/merkle-tree.js'
import b4a from 'b4a'

// Part of the adapter to Hypercore, and like it allowed to know private things: `core.core.{checkConflict,state,header,_verifyBatchUpgrade}`
// (hypercore 11.37, lib/core.js), `lib/merkle-tree.js`, and a peer's `wireRequest` and `onrequest` (lib/replicator.js).

/** What `core.core` is, as far as it is used here. */
interface CoreInternals {
  readonly state: { readonly length: number; readonly fork: number }
  readonly header: { readonly manifest: unknown }
  checkConflict(proof: UpgradeProof, peer: PeerInternals): Promise<boolean>
  _verifyBatchUpgrade(batch: unknown, manifest: unknown): void
}

interface UpgradeProof extends TreeProof {
  upgrade: { length: number; nodes: Parameters<typeof crypto.tree>[0] }
}

interface PeerInternals extends Peer {
  readonly wireRequest: { send(request: object): unknown }
  onrequest(request: object): Promise<void>
}

/** Between which lengths two copies begin to differ: they agree on `agreed` blocks, and not on `differing`. */
interface Search {
  agreed: number
  differing: number
}

const watchers = new WeakMap<object, Set<(agreed: number) => void>>()

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
export function watchForks(core: Hypercore, onFork: (agreed: number) => void): () => void {
  const internals = internalsOf(core)
  const known = watchers.get(internals)
  const listeners = known ?? new Set()
  listeners.add(onFork)
  if (known === undefined) {
    watchers.set(internals, listeners)
    const searches = new WeakMap<PeerInternals, Search>()
    internals.checkConflict = async (proof, peer) => {
      try {
        const agreed = await compare(internals, searches, proof, peer)
        if (agreed === 'same') return false
        if (agreed !== 'unknown') for (const listener of listeners) listener(agreed)
      } catch {
        // A proof that does not hold says nothing about the writer; its sender stays paused.
      }
      return true
    }
  }
  return () => listeners.delete(onFork)
}

/** What of the private API is missing. */
export function checkForkApi(core: Hypercore): string[] {
  const internals = internalsOf(core)
  const missing = (['checkConflict', '_verifyBatchUpgrade'] as const).filter(
    (name) => typeof internals[name] !== 'function'
  ) as string[]
  if (typeof merkle.MerkleTree?.verifyFullyRemote !== 'function') missing.push('verifyFullyRemote')
  return missing
}

async function compare(
  internals: CoreInternals,
  searches: WeakMap<PeerInternals, Search>,
  proof: UpgradeProof,
  peer: PeerInternals
): Promise<number | 'same' | 'unknown'> {
  const { length, nodes } = proof.upgrade
  const { state, header } = internals
  if (state.length < length || proof.fork !== state.fork || header.manifest === null) return 'same'
  const batch = merkle.MerkleTree.verifyFullyRemote(state, proof)
  internals['_verifyBatchUpgrade'](batch, proof.manifest)

  const isSame = b4a.equals(crypto.tree(nodes), crypto.tree(await merkle.MerkleTree.getRoots(state, length)))
  const search = searches.get(peer)
  if (search === undefined) {
    if (isSame) return 'same'
    await showOwnCopy(internals, peer)
  }
  const { agreed, differing } = narrowed(search ?? { agreed: 0, differing: length }, length, isSame)
  // A writer may have signed more than two, and proofs of different ones cross.
  if (differing - agreed <= 1) {
    searches.delete(peer)
    return Math.min(agreed, differing - 1)
  }
  searches.set(peer, { agreed, differing })
  askForProof(peer, Math.floor((agreed + differing) / 2))
  return 'unknown'
}

function narrowed({ agreed, differing }: Search, length: number, isSame: boolean): Search {
  return isSame
    ? { agreed: Math.max(agreed, length), differing }
    : { agreed, differing: Math.min(differing, length) }
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
