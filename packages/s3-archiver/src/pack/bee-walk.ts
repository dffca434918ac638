import { S3ArchiverError } from '../errors.ts'

// What is asked of Hyperbee beyond its documented API is in this file. Of hyperbee 2.27: a batch's `getRoot`, and of a tree node `block.seq`, the
// `seq` of its `keys`, its `children`, and `getChildNode` (index.js).

/** A Hyperbee. */
export interface BeeLike {
  readonly core: unknown
  ready(): Promise<void>
  /** As it was when its core had so many blocks. */
  checkout(version: number): unknown
}

interface BeeSnapshot {
  batch(): BeeBatch
  close(): Promise<void>
}

interface BeeBatch {
  getRoot(ensureHeader: boolean): Promise<BeeTreeNode | null>
  close(): Promise<void>
}

interface BeeTreeNode {
  readonly block: { readonly seq: number }
  readonly keys: readonly { readonly seq: number }[]
  readonly children: readonly unknown[]
  getChildNode(index: number): Promise<BeeTreeNode>
}

/** A node of a bee's tree: a lookup that comes through it reads these blocks. */
export interface BeeNode {
  /** Block that it stands in. */
  seq: number
  /** Blocks of its keys. */
  keys: readonly number[]
  children: readonly BeeNode[]
  /** Keys in it and below. */
  weight: number
}

/**
 * The tree of a bee. Memory: about 200 bytes a key.
 *
 * @returns `null` when it has no entries
 * @throws S3ArchiverError `S3_ARCHIVER_UNSUPPORTED_UPSTREAM`
 */
export async function walkBee(bee: BeeLike, length: number): Promise<BeeNode | null> {
  await bee.ready()
  const snapshot = bee.checkout(length) as BeeSnapshot
  const batch = snapshot.batch()
  try {
    if (typeof batch.getRoot !== 'function')
      throw new S3ArchiverError(
        'S3_ARCHIVER_UNSUPPORTED_UPSTREAM',
        'this hyperbee has no getRoot; hyperbee 2.27 has it'
      )
    const root = await batch.getRoot(false)
    return root && (await walk(root))
  } finally {
    await batch.close()
    await snapshot.close()
  }
}

async function walk(node: BeeTreeNode): Promise<BeeNode> {
  const children: BeeNode[] = []
  for (let i = 0; i < node.children.length; i++) {
    children.push(await walk(await node.getChildNode(i)))
    // The node keeps what it has read: without this all of the bee would stay in memory.
    forget(node, i)
  }
  const keys = node.keys.map(({ seq }) => seq)
  const weight = children.reduce((sum, child) => sum + child.weight, keys.length)
  return { seq: node.block.seq, keys, children, weight }
}

function forget(node: BeeTreeNode, i: number): void {
  const child = node.children[i] as { value?: unknown }
  child.value = null
}
