import b4a from 'b4a'
import flat from 'flat-tree'
import crypto, { type KeyPair, type TreeNode } from 'hypercore-crypto'
import Hypercore from 'hypercore'
import { forkProof, type LogFork, type SignedCopy } from '../../src/log/fork-proof.ts'

/** What only the log's key pair can make: two signed copies that agree on so many blocks, and are as good as any others. */
export function forkOf(pair: KeyPair, agreed: number): LogFork {
  const differing = agreed + 1
  const copies = ['one', 'other'].map((name): SignedCopy => {
    const nodes = flat.fullRoots(2 * differing).map((index) => madeUpNode(index, name))
    return { length: differing, nodes, signature: signTree(pair, nodes, differing) }
  })
  return forkProof(pair.publicKey, differing, copies as [SignedCopy, SignedCopy])
}

function madeUpNode(index: number, name: string): TreeNode {
  return { index, size: 1, hash: crypto.hash(b4a.from(`${name} ${index}`)) }
}

/** As Hypercore signs a tree of fork 0 of a core with a version 1 manifest. */
function signTree(pair: KeyPair, roots: readonly TreeNode[], length: number): Uint8Array {
  const lengths = b4a.alloc(16)
  new DataView(lengths.buffer, lengths.byteOffset).setBigUint64(0, BigInt(length), true)
  const [namespace] = crypto.namespace('hypercore', 6) as [Uint8Array]
  const message = b4a.concat([namespace, Hypercore.key(pair.publicKey), crypto.tree(roots), lengths])
  return crypto.sign(message, pair.secretKey)
}
