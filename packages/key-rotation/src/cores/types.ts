import type { CutOff } from '../types.ts'

/** What gives proofs of a core: a Hypercore, or a reader of an archive. */
export interface ProofSource {
  /** As a Hypercore's. Of blocks that it has. */
  proof(options: object): Promise<object>
  /**
   * Roots of the Merkle tree at a length, from left to right: `{ index, size, hash }`. Needed of a core that itself goes on from another one, if it is not
   * on this machine.
   */
  roots?(length: number): Promise<readonly object[]>
}

/** What is needed of a core to end it, or to carry blocks out of it: a Hypercore fits. */
export interface CoreLike extends ProofSource {
  ready(): Promise<void>
  readonly key: Uint8Array | null
  readonly length: number
  readonly fork: number
  treeHash(length?: number): Promise<Uint8Array>
}

/** A core that goes on from another one: a Hypercore fits. */
export interface RolledCore extends CoreLike {
  readonly writable: boolean
  readonly contiguousLength: number
  /** As Hypercore has it; `null` while it is not known. */
  readonly manifest: {
    readonly prologue?: { readonly hash: Uint8Array; readonly length: number } | null
    readonly linked?: readonly Uint8Array[] | null
  } | null
  get(index: number, options?: object): Promise<unknown>
  append(blocks: unknown): Promise<unknown>
  has(start: number, end?: number): Promise<boolean>
  update(options?: object): Promise<boolean>
  missingNodes(index: number): Promise<number>
  applyProof(proof: never): Promise<boolean>
  close(): Promise<void>
}

/** A Corestore fits. */
export interface StoreLike {
  get(options: never): object
}

/** What a core is made of that goes on from another one. */
export interface RollPlan {
  /** Key of the new core: the hash of its manifest. */
  readonly core: Uint8Array
  /** As Hypercore has it. */
  readonly manifest: RollManifest
  /** Where the old core ends. */
  readonly previous: CutOff
}

/** Version 2 of Hypercore's manifest: the content up to the prologue needs no signature, what follows those of the quorum. */
export interface RollManifest {
  readonly version: 2
  readonly quorum: number
  readonly signers: { publicKey: Uint8Array }[]
  /** `null` after an empty core. */
  readonly prologue: { hash: Uint8Array; length: number } | null
  readonly linked: Uint8Array[]
}

/** What Hypercore takes as `encryption`: changes blocks in place, whose first `padding()` bytes are its own. */
export interface BlockEncryption {
  padding(core: unknown, index: number): number
  encrypt(index: number, block: Uint8Array, fork: number, core: unknown): unknown
  decrypt(index: number, block: Uint8Array, core: unknown): unknown
}
