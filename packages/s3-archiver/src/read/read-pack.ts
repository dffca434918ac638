import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { BlockHints, BlockSource } from './block-source.ts'
import type { StoredCommit } from './commits.ts'
import type { Claims } from './segment-reader.ts'

export class ReadPack implements BlockHints {
  readonly seq: number
  constructor(_store: ObjectStore, _source: BlockSource, { seq }: CallOptions & { seq: number; newest: StoredCommit }) {
    this.seq = seq
  }
  async find(_seq: number): Promise<Claims | null> { return null }
}
