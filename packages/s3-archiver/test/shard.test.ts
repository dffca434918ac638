import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeShardTable, encodeShard, groupsOf, tableLength, type Run } from '../src/format/shard.ts'
import { combine, coverOf, leafOf, treeHashOf } from '../src/merkle/subtree.ts'

const run = fc.record({
  blindId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => b4a.from(bytes)),
  fork: fc.nat(5),
  start: fc.oneof(fc.nat(70), fc.nat(2 ** 31)),
  blocks: fc.array(
    fc.uint8Array({ maxLength: 9000 }).map((bytes) => b4a.from(bytes)),
    { minLength: 1, maxLength: 40 }
  )
})

test('a cover has the nodes that stand over exactly its blocks, as flat-tree counts', () => {
  expect(coverOf(0, 8)).toEqual([7])
  expect(coverOf(0, 7)).toEqual([3, 9, 12])
  expect(coverOf(3, 9)).toEqual([6, 11, 16])
  expect(coverOf(5, 5)).toEqual([])
})

test('what the groups say makes what stands over the whole', () => {
  fc.assert(
    fc.property(run, ({ start, blocks, blindId, fork }) => {
      const { sections } = encodeShard([{ blindId, fork, start, blocks }])
      const leaves = blocks.map((block, i) => leafOf(start + i, block))
      const end = start + blocks.length
      expect(combine(start, end, sections[0]?.nodes ?? [])).toEqual(combine(start, end, leaves))
    })
  )
})

test('the tree hash is Hypercore’s', () => {
  const blocks = Array.from({ length: 13 }, (_, i) => b4a.from(`block ${i}`))
  const roots = combine(
    0,
    13,
    blocks.map((block, i) => leafOf(i, block))
  )
  expect(roots.map(({ index }) => index)).toEqual([7, 19, 24])
  expect(treeHashOf(13, roots)).toEqual(crypto.tree(roots))
})

test('a table comes back as it was written, and its blocks lie where it says', () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 4 }), (runs: Run[]) => {
      const { bytes, sections } = encodeShard(runs)
      const table = bytes.subarray(0, tableLength(bytes.subarray(0, 8)))
      expect(decodeShardTable(table)).toEqual(sections)
      for (const [i, { offset, sizes }] of sections.entries()) {
        let at = offset
        for (const [j, size] of sizes.entries()) {
          expect(b4a.equals(bytes.subarray(at, at + size), runs[i]?.blocks[j] as Uint8Array)).toBe(true)
          at += size
        }
      }
    })
  )
})

test('no change of any byte of a table is taken', () => {
  const blocks = Array.from({ length: 9 }, (_, i) => b4a.alloc(700, i))
  const { bytes } = encodeShard([{ blindId: b4a.alloc(16, 1), fork: 2, start: 5, blocks }])
  const length = tableLength(bytes)
  for (let i = 0; i < length; i++)
    for (const flip of [1, 128, 255]) {
      const changed = b4a.from(bytes)
      changed[i] = (changed[i] ?? 0) ^ flip
      expect(() => decodeShardTable(changed)).toThrow(/^S3_ARCHIVER_(DAMAGED|NEWER_FORMAT)/)
    }
  for (let end = 0; end < length; end++)
    expect(() => decodeShardTable(bytes.subarray(0, end))).toThrow('S3_ARCHIVER_DAMAGED')
})

test('groups are aligned runs', () => {
  expect(groupsOf(5, 10, 2)).toEqual([
    [5, 8],
    [8, 12],
    [12, 15]
  ])
  expect(groupsOf(8, 0, 2)).toEqual([])
})

test.each([
  ['200 bytes', 200, 0.15],
  ['4 KiB', 4096, 0.03]
])('the table of blocks of %s is small', (_, size, share) => {
  const blocks = Array.from({ length: 4096 }, (__, i) => b4a.alloc(size, i))
  const { bytes } = encodeShard([{ blindId: b4a.alloc(16), fork: 0, start: 0, blocks }])
  expect(bytes.byteLength / (size * 4096) - 1).toBeLessThan(share)
})
