import b4a from 'b4a'
import c from 'compact-encoding'
import flat from 'flat-tree'
import crypto from 'hypercore-crypto'
import merkle from 'hypercore/lib/merkle-tree.js'
import Verifier from 'hypercore/lib/verifier.js'
import messages from 'hypercore/messages.js'
import type { Head } from './hypercore-adapter.ts'
import type { TreeNode } from './merkle/subtree.ts'
import type { CorestoreLike } from './types.ts'

// Writes cores below Hypercore, many times faster than block by block through it. Of hypercore-storage 3.3: a Corestore's `storage.getInfos`, `createCore`,
// `resumeCore`, `deleteCore` (index.js), and a core's `read()` and `write()` (lib/tx.js); of corestore 7.12: `cores.get`, and of what that gives `gc` and `close` (index.js); of hypercore 11.37: pages of a bitfield
// (lib/bitfield.js), and `Verifier.sign` (lib/verifier.js); of rocksdb-native 3.18: `flush` (index.js).

/** Blocks in one page of Hypercore's bitfield. */
const PAGE_BLOCKS = 32768
const PAGE_BYTES: number = PAGE_BLOCKS / 8
/** What RocksDB keeps in memory before it writes files, and meanwhile as much again: left to itself it does so at 64 MiB (rocksdb-native 3.18, lib/column-family.js). */
const BUFFERED_BYTES: number = 16 * 1024 * 1024
/** What a block takes there besides its bytes, about: its key, and on the average two nodes with theirs; each with a place in a skip list. */
const BYTES_BESIDE_BLOCK = 400
/** What is being restored, so that only the same thing is gone on with. */
const MARK = 'cloudpal-s3-archiver-restore'

/** An Ed25519 key pair. */
export interface KeyPairLike {
  publicKey: Uint8Array
  secretKey: Uint8Array
}

/** A core that is to be put together. */
export interface CoreBlueprint {
  key: Uint8Array
  manifest: Uint8Array
  /** Of its writer. `null`: it will be read only. */
  keyPair: KeyPairLike | null
  /** By which the Corestore finds it by a name, too. */
  alias: { name: string; namespace: Uint8Array } | null
  /** Tells what is being put together from anything else. */
  mark: Uint8Array
  /** Whether blocks that were brought under one mark are of use under another: all of them are part of it. */
  isOfUse: (earlier: Uint8Array, later: Uint8Array) => boolean
}

/** Puts a core together, in any order. For Hypercore nothing is there until it is finished. */
export class CoreWriter {
  readonly #storage: CoreStorage
  readonly #blueprint: CoreBlueprint
  /** Of the bitfield. */
  readonly #pages = new Map<number, Uint8Array>()
  #buffered = 0
  #flushing: Promise<void> = Promise.resolve()

  private constructor(storage: CoreStorage, blueprint: CoreBlueprint) {
    this.#storage = storage
    this.#blueprint = blueprint
  }

  /**
   * Begins, or goes on with what was begun with a mark that is of use.
   *
   * @returns `null` when the store has blocks of the core, or has it open
   */
  static async open(corestore: CorestoreLike, blueprint: CoreBlueprint): Promise<CoreWriter | null> {
    const { isFree, isKnown } = await placeOf(corestore, blueprint.key)
    if (!isFree) return null
    const { storage: store } = corestore as unknown as StoreInternals
    const discoveryKey = crypto.discoveryKey(blueprint.key)
    const { key, keyPair, alias } = blueprint
    const manifest = manifestOf(blueprint)
    const auth = { key, manifest, keyPair, frozen: false, discoveryKey, userData: [], alias }
    const known = isKnown ? await store.resumeCore(discoveryKey) : null
    if (known !== null) {
      const writer = new CoreWriter(known, blueprint)
      if (await writer.#goOn()) return writer
      await known.close()
      await store.deleteCore(known.core)
    }
    const begun = { ...auth, userData: [{ key: MARK, value: blueprint.mark }] }
    return new CoreWriter(await store.createCore(begun), blueprint)
  }

  /** Whether a store has no blocks of a core, and does not have it open. */
  static async isFree(corestore: CorestoreLike, key: Uint8Array): Promise<boolean> {
    return (await placeOf(corestore, key)).isFree
  }

  /** Whether blocks are there already, as an earlier run has checked and written them. If not, all of them have to be written. */
  async has(start: number, count: number, nodes: readonly TreeNode[]): Promise<boolean> {
    if (await this.#hasAll(start, count, nodes)) return true
    // While they are written, what stands over the old ones may still be there.
    for (let seq = start; seq < start + count; seq++) this.#clearBit(seq)
    return false
  }

  async #hasAll(start: number, count: number, nodes: readonly TreeNode[]): Promise<boolean> {
    for (let seq = start; seq < start + count; seq++) if (!this.#bitOf(seq)) return false
    const between: TreeNode[] = []
    for (const { index, hash, size } of nodes) {
      const stored = await this.#nodeAt(index, between)
      if (stored?.size !== size || !b4a.equals(stored.hash, hash)) return false
    }
    // Since then the archive has put segments together.
    if (between.length > 0) await this.write(start, [], between)
    return true
  }

  /** As it was stored, or as those below it make it: then it is added to `made`. */
  async #nodeAt(index: number, made: TreeNode[]): Promise<TreeNode | null> {
    const reader = this.#storage.read()
    const reading = reader.getTreeNode(index)
    reader.tryFlush()
    const stored = await reading
    if (stored !== null || index % 2 === 0) return stored
    const left = await this.#nodeAt(flat.leftChild(index), made)
    const right = left && (await this.#nodeAt(flat.rightChild(index), made))
    if (right === null || left === null) return null
    const node = { index, size: left.size + right.size, hash: crypto.parent(left, right) }
    made.push(node)
    return node
  }

  /** Stores blocks, and the nodes over them. All or nothing. One call at a time. */
  async write(start: number, blocks: readonly Uint8Array[], nodes: Iterable<TreeNode>): Promise<void> {
    const tx = this.#storage.write()
    const touched = new Set<number>()
    for (const [i, block] of blocks.entries()) {
      tx.putBlock(start + i, block)
      touched.add(this.#setBit(start + i))
    }
    for (const node of nodes) tx.putTreeNode(node)
    for (const page of touched) tx.putBitfieldPage(page, b4a.from(this.#pageOf(page)))
    await tx.flush()
    for (const { byteLength } of blocks) this.#buffered += byteLength + BYTES_BESIDE_BLOCK
    if (this.#buffered < BUFFERED_BYTES) return
    this.#buffered = 0
    await this.#flushing
    this.#flushing = this.#storage.db.flush()
    // Whoever writes next, or finishes, is told.
    this.#flushing.catch(() => {})
  }

  /**
   * Makes all of it a core, at once.
   *
   * @param nodes - all that stands over what was written, up to the roots
   * @param roots - of the tree that is signed
   */
  async finish(
    { fork, length, signature }: Head,
    roots: readonly TreeNode[],
    nodes: Iterable<TreeNode>
  ): Promise<void> {
    await this.#flushing
    const tx = this.#storage.write()
    for (const node of nodes) tx.putTreeNode(node)
    tx.setHead({
      fork,
      length,
      rootHash: crypto.tree(roots),
      signature: signature.byteLength === 0 ? null : signature,
      timestamp: Date.now()
    })
    tx.setHints({ contiguousLength: this.#contiguousLength(length), remoteContiguousLength: 0 })
    tx.deleteUserData(MARK)
    await tx.flush()
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#flushing])
    await this.#storage.close()
  }

  /** @returns whether an earlier run has left something of use; all else is removed */
  async #goOn(): Promise<boolean> {
    const reader = this.#storage.read()
    const reading = reader.getUserData(MARK)
    reader.tryFlush()
    const mark = await reading
    const { mark: own, isOfUse } = this.#blueprint
    const tx = this.#storage.write()
    if (mark !== null && isOfUse(mark, own)) {
      for await (const { index, page } of this.#storage.createBitfieldStream({}))
        this.#pages.set(index, b4a.from(page))
      tx.putUserData(MARK, own)
      await tx.flush()
      return true
    }
    tx.deleteBlockRange(0, -1)
    tx.deleteTreeNodeRange(0, -1)
    tx.deleteBitfieldPageRange(0, -1)
    tx.deleteUserData(MARK)
    await tx.flush()
    return false
  }

  #pageOf(index: number): Uint8Array {
    const page = this.#pages.get(index) ?? b4a.alloc(PAGE_BYTES)
    this.#pages.set(index, page)
    return page
  }

  #bitOf(seq: number): boolean {
    const bit = seq % PAGE_BLOCKS
    const byte = this.#pages.get(Math.floor(seq / PAGE_BLOCKS))?.[bit >> 3] ?? 0
    return (byte & (1 << (bit & 7))) !== 0
  }

  #clearBit(seq: number): void {
    const page = this.#pages.get(Math.floor(seq / PAGE_BLOCKS))
    const bit = seq % PAGE_BLOCKS
    if (page !== undefined) page[bit >> 3] = (page[bit >> 3] ?? 0) & ~(1 << (bit & 7))
  }

  /** @returns its page */
  #setBit(seq: number): number {
    const [index, bit] = [Math.floor(seq / PAGE_BLOCKS), seq % PAGE_BLOCKS]
    const page = this.#pageOf(index)
    page[bit >> 3] = (page[bit >> 3] ?? 0) | (1 << (bit & 7))
    return index
  }

  #contiguousLength(length: number): number {
    let seq = 0
    while (seq < length && this.#bitOf(seq)) seq++
    return seq
  }
}

/**
 * Signs a head on another fork: the same blocks, and as if all after them had been given up.
 *
 * @returns `null` when this key pair alone cannot sign for the core
 */
export function signFork(
  { key, manifest, keyPair }: Pick<CoreBlueprint, 'key' | 'manifest' | 'keyPair'>,
  head: Head,
  roots: readonly TreeNode[],
  fork: number
): Head | null {
  const decoded = manifestOf({ manifest })
  const verifier = new Verifier(key, decoded)
  const byteLength = roots.reduce((sum, { size }) => sum + size, 0)
  const prologue = decoded.prologue ?? null
  const tree = {
    fork,
    length: head.length,
    byteLength,
    roots: [...roots],
    signature: null,
    prologue,
    storage: null
  }
  try {
    const signature = verifier.sign(new merkle.MerkleTreeBatch(tree), keyPair as KeyPairLike)
    const isSigned = verifier.verify(new merkle.MerkleTreeBatch(tree), signature)
    return isSigned ? { ...head, fork, signature } : null
  } catch {
    return null
  }
}

function manifestOf({
  manifest
}: Pick<CoreBlueprint, 'manifest'>): ReturnType<typeof Verifier.createManifest> {
  return Verifier.createManifest(c.decode(messages.manifest, manifest))
}

async function placeOf(
  corestore: CorestoreLike,
  key: Uint8Array
): Promise<{ isFree: boolean; isKnown: boolean }> {
  await corestore.ready()
  const { storage, cores } = corestore as unknown as StoreInternals
  const discoveryKey = crypto.discoveryKey(key)
  // Nobody has it open any more; Corestore closes it some seconds later.
  const idle = cores.get(discoveryKey)
  if (idle !== null && idle.gc > 0) await idle.close()
  const [info = null] = await storage.getInfos([discoveryKey], { auth: true, head: true })
  const isFree = cores.get(discoveryKey) === null && (info?.head?.length ?? 0) === 0
  return { isFree, isKnown: info !== null }
}

interface StoreInternals {
  /** `gc`: for how long nobody has had it open; 0 while somebody has. */
  readonly cores: { get(discoveryKey: Uint8Array): { readonly gc: number; close(): Promise<void> } | null }
  readonly storage: {
    getInfos(
      discoveryKeys: readonly Uint8Array[],
      options: object
    ): Promise<readonly ({ head: { length: number } | null } | null)[]>
    createCore(options: object): Promise<CoreStorage>
    resumeCore(discoveryKey: Uint8Array): Promise<CoreStorage | null>
    deleteCore(core: object): Promise<void>
  }
}

interface CoreStorage {
  /** Where all cores of the store are. */
  readonly db: { flush(): Promise<void> }
  read(): {
    getTreeNode(index: number): Promise<TreeNode | null>
    getUserData(key: string): Promise<Uint8Array | null>
    tryFlush(): void
  }
  write(): CoreWrite
  createBitfieldStream(options: object): AsyncIterable<{ index: number; page: Uint8Array }>
  /** Where the store has it. */
  readonly core: object
  close(): Promise<void>
}

interface CoreWrite {
  putBlock(seq: number, block: Uint8Array): void
  deleteBlockRange(start: number, end: number): void
  putTreeNode(node: TreeNode): void
  deleteTreeNodeRange(start: number, end: number): void
  putBitfieldPage(page: number, bits: Uint8Array): void
  deleteBitfieldPageRange(start: number, end: number): void
  putUserData(key: string, value: Uint8Array): void
  deleteUserData(key: string): void
  setHead(head: object): void
  setHints(hints: object): void
  flush(): Promise<unknown>
}
