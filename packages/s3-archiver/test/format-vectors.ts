import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import Hypercore from 'hypercore'
import { tmpDir } from '@cloudpal/test-kit'
import { encodeCheckpoint } from '../src/format/checkpoint.ts'
import { encodeCommit, type Commit } from '../src/format/commit.ts'
import { blindIdOf, commitName, contentName, sealKeyOf } from '../src/format/names.ts'
import {
  coverPlaces,
  PAGES_MAGIC,
  proofPlaces,
  sealFront,
  sealPage,
  type PackFront,
  type Page
} from '../src/format/page.ts'
import { sealRecord, type CoreRecord } from '../src/format/record.ts'
import { encodeSegmentList } from '../src/format/segment-list.ts'
import type { BlockSegment, HoleSegment, ListSegment } from '../src/format/segment.ts'
import { encodeShard } from '../src/format/shard.ts'
import { headOf, type Head } from '../src/hypercore-adapter.ts'
import { combine, leafOf, nodeAt, type TreeNode } from '../src/merkle/subtree.ts'

/** One object of each kind, of a core with a known key pair: what FORMAT.md shows. */
export interface Vectors {
  coreKey: Uint8Array
  blindId: Uint8Array
  sealKey: Uint8Array
  shard: Uint8Array
  list: Uint8Array
  checkpoint: Uint8Array
  commit: Uint8Array
  pages: Uint8Array
  front: Uint8Array
}

const NONCE = b4a.alloc(24, 7)
const SALT = b4a.alloc(8, 8)
const WORDS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven']

/** The same each time: Ed25519 signs without chance, and nonces and times are given. */
export async function makeVectors(): Promise<
  Vectors & { record: CoreRecord; commitFields: Commit; page: Page; packFront: PackFront }
> {
  const core = new Hypercore(await tmpDir(), { keyPair: crypto.keyPair(b4a.alloc(32, 1)) })
  await core.append(WORDS.map((word) => b4a.from(word)))
  const [key, head] = [core.key as Uint8Array, headOf(core) as Head]
  await core.close()
  const blocks = WORDS.map((word) => b4a.from(word))
  const leaves = blocks.map((block, seq) => leafOf(seq, block))
  const blindId = blindIdOf(key)

  const shard = encodeShard([{ blindId, fork: 0, start: 0, blocks: blocks.slice(0, 4) }], SALT).bytes
  const first: BlockSegment = {
    kind: 'blocks',
    object: contentName('shard', shard),
    fork: 0,
    start: 0,
    count: 4,
    nodes: combine(0, 4, leaves)
  }
  const list = encodeSegmentList(key, [first], NONCE)
  const listed: ListSegment = {
    kind: 'list',
    object: contentName('index', list),
    missing: 0,
    start: 0,
    count: 4,
    nodes: combine(0, 4, leaves)
  }
  const hole: HoleSegment = { kind: 'hole', start: 4, count: 2, nodes: combine(4, 6, leaves) }
  const tail = encodeShard([{ blindId, fork: 0, start: 6, blocks: blocks.slice(6) }], SALT).bytes
  const last: BlockSegment = {
    kind: 'blocks',
    object: commitName(2),
    fork: 0,
    start: 6,
    count: 1,
    nodes: combine(6, 7, leaves)
  }
  const record: CoreRecord = { ...head, segments: [listed, hole, last] }
  const older = sealRecord(
    key,
    1,
    { ...head, segments: [listed, { ...hole, count: 3, nodes: combine(4, 7, leaves) }] },
    undefined,
    NONCE
  )
  const checkpoint = encodeCheckpoint([older])
  const commitFields: Commit = {
    kind: 'data',
    seq: 2,
    timeMs: 1_700_000_000_000,
    previous: crypto.hash(b4a.from('the commit before')),
    epoch: 1,
    writerId: b4a.alloc(16, 2),
    nonce: b4a.alloc(16, 3),
    checkpoint: {
      name: contentName('index', checkpoint),
      seq: 1,
      count: 1,
      byteLength: checkpoint.byteLength
    },
    carried: [{ blindId: b4a.alloc(16, 255), seq: 1 }],
    entries: [sealRecord(key, 2, record, { front: 2, previous: null }, NONCE)],
    fronts: [{ blindId, objects: [contentName('page', b4a.from('a page'))], bytes: b4a.from('a front') }],
    tail
  }
  const commit = encodeCommit(commitFields)
  const { page, pages, packFront } = packOf(key, head, blocks, leaves)
  return {
    coreKey: key,
    blindId,
    sealKey: sealKeyOf(key),
    shard,
    list,
    checkpoint,
    commit,
    pages,
    front: sealFront(key, packFront, NONCE),
    page,
    packFront,
    record,
    commitFields
  }
}

/** A front with the first block, and behind it a page with the third one. */
function packOf(
  key: Uint8Array,
  { fork, length, signature }: Head,
  blocks: Uint8Array[],
  leaves: TreeNode[]
) {
  const height = 1
  const known = new Map(leaves.map((leaf) => [leaf.index, leaf]))
  const nodesAt = (places: readonly number[]): TreeNode[] =>
    places.map((index) => nodeAt(index, known) as TreeNode)
  const pageOf = (seq: number) => ({
    blocks: new Map([[seq, blocks[seq] as Uint8Array]]),
    nodes: nodesAt(proofPlaces([seq], length, height)),
    pages: [],
    locator: []
  })
  const page: Page = pageOf(2)
  const sealed = sealPage(key, page, NONCE)
  const pages = b4a.concat([PAGES_MAGIC, sealed])
  const place = {
    object: contentName('page', pages),
    offset: PAGES_MAGIC.byteLength,
    byteLength: sealed.byteLength
  }
  const cover = nodesAt(coverPlaces(length, height))
  const front = { ...pageOf(0), pages: [place], locator: [[2, 0]] as const }
  const packFront: PackFront = { ...front, fork, length, signature, height, cover }
  return { page, pages, packFront }
}
