import b4a from 'b4a'
import flat from 'flat-tree'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { WireReader, WireWriter } from './wire.ts'

/** Longest log a proof may speak of, in blocks: places in its tree stay safe integers. */
const MAX_LENGTH = 2 ** 48

/** The first of Hypercore's namespaces (hypercore 11.37, lib/caps.js): of what signs a tree. */
const [TREE] = crypto.namespace('hypercore', 6) as [Uint8Array]

/** A node of a log's Merkle tree: its place as flat-tree counts, the bytes below it, and its BLAKE2b-256. */
interface TreeNode {
  index: number
  size: number
  hash: Uint8Array
}

/** One of the copies of a log, as its key has signed it. */
export interface SignedCopy {
  /** At which it is signed, in blocks. */
  length: number
  /** The roots of its tree at the length at which the copies differ, and what leads from there to the roots at its own; any order. */
  nodes: readonly TreeNode[]
  /** Ed25519, 64 bytes. */
  signature: Uint8Array
}

/** Two copies of one log that differ, and that its key has signed both. */
export interface LogFork {
  /** Blocks on which the copies may agree: those before the first length at which they are known not to. */
  agreed: number
  /** As FORMAT.md says. */
  proof: Uint8Array
}

/**
 * Makes the proof that a log's key pair has signed two copies that are not the same at a length. What the roots of a Merkle tree say of
 * those at a greater length is RFC 6962's consistency proof, over Hypercore's tree.
 *
 * @throws when a node is missing
 */
export function forkProof(
  publicKey: Uint8Array,
  differing: number,
  copies: readonly [SignedCopy, SignedCopy]
): LogFork {
  const writer = new WireWriter()
  writer.bytes(publicKey)
  writer.uint(differing)
  for (const { length, nodes, signature } of copies) {
    const known = new Map(nodes.map((node) => [node.index, node]))
    const write = (index: number): TreeNode => {
      const node = known.get(index)
      if (node === undefined) throw new Error(`node ${index} of the tree is missing`)
      writer.uint(node.size)
      writer.bytes(node.hash)
      return node
    }
    writer.uint(length)
    rootsAt(length, differing, write)
    writer.bytes(signature)
  }
  return { agreed: differing - 1, proof: writer.finish() }
}

/**
 * Checks such a proof. Cost: two signatures.
 *
 * @param log - key of the log that forked
 * @returns the length at which the two copies differ, in blocks
 * @throws when it proves nothing
 */
export function provenFork(proof: Uint8Array, log: Uint8Array): number {
  const reader = new WireReader(proof)
  const publicKey = reader.bytes(32)
  if (!b4a.equals(Hypercore.key(publicKey), log)) throw new Error('the key of another log')
  const differing = readLength(reader)
  const [one, other] = [
    readCopy(reader, log, publicKey, differing),
    readCopy(reader, log, publicKey, differing)
  ]
  if (differing === 0 || haveSameHashes(one, other) || !reader.isAtEnd) throw new Error('not a fork')
  return differing
}

/**
 * Whether trees of one length, given by their roots, hold the same blocks. Not by their tree hashes, which have the size of each root: a
 * parent's hash has only the sum of its children's. Who moves bytes from one child to the other changes nothing that is signed.
 */
export function haveSameHashes(one: readonly TreeNode[], other: readonly TreeNode[]): boolean {
  return (
    one.length === other.length && one.every(({ hash }, i) => b4a.equals(hash, (other[i] as TreeNode).hash))
  )
}

/** @returns the roots of the copy's tree at the length at which the two differ */
function readCopy(reader: WireReader, log: Uint8Array, publicKey: Uint8Array, differing: number): TreeNode[] {
  const length = readLength(reader)
  if (length < differing) throw new Error('a copy that is too short')
  const { early, late } = rootsAt(length, differing, (index) => ({
    index,
    size: reader.uint(),
    hash: reader.bytes(32)
  }))
  if (!crypto.verify(signable(log, crypto.tree(late), length), reader.bytes(64), publicKey))
    throw new Error('not signed')
  return early
}

/** The roots of a tree at two lengths, made of as few nodes as that takes: first those of the early roots, then others from left to right. */
function rootsAt(
  length: number,
  early: number,
  next: (index: number) => TreeNode
): { early: TreeNode[]; late: TreeNode[] } {
  const roots = flat.fullRoots(2 * early).map(next)
  const known = new Map(roots.map((node) => [node.index, node]))
  const nodeAt = (index: number): TreeNode => {
    const node = known.get(index)
    if (node !== undefined) return node
    if (flat.leftSpan(index) >= 2 * early) return next(index)
    const [left, right] = [nodeAt(flat.leftChild(index)), nodeAt(flat.rightChild(index))]
    const size = left.size + right.size
    if (!Number.isSafeInteger(size)) throw new Error('too many bytes')
    return { index, size, hash: crypto.parent(left, right) }
  }
  return { early: roots, late: flat.fullRoots(2 * length).map(nodeAt) }
}

/** What Hypercore signs for a tree of fork 0 (`treeSignable` in lib/caps.js). */
function signable(log: Uint8Array, treeHash: Uint8Array, length: number): Uint8Array {
  const lengths = new WireWriter()
  lengths.uint64(length)
  lengths.uint64(0)
  return b4a.concat([TREE, log, treeHash, lengths.finish()])
}

function readLength(reader: WireReader): number {
  const length = reader.uint()
  if (length > MAX_LENGTH) throw new Error('too long a log')
  return length
}
