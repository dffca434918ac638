import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import { decodeCheckpoint } from '../src/format/checkpoint.ts'
import { decodeCommit } from '../src/format/commit.ts'
import { PAGES_MAGIC, unsealFront, unsealPage } from '../src/format/page.ts'
import { unsealRecord } from '../src/format/record.ts'
import { decodeSegmentList } from '../src/format/segment-list.ts'
import type { ListSegment } from '../src/format/segment.ts'
import { decodeShardTable, tableLength } from '../src/format/shard.ts'
import { makeVectors, type Vectors } from './format-vectors.ts'

const NAMES: readonly (keyof Vectors)[] = [
  'coreKey',
  'blindId',
  'sealKey',
  'shard',
  'list',
  'checkpoint',
  'commit',
  'pages',
  'front'
]

/** Hex blocks of FORMAT.md by the name that stands before them. */
function pinned(): Map<string, string> {
  const text = readFileSync(join(import.meta.dirname, '../FORMAT.md'), 'utf8')
  const blocks = [...text.matchAll(/^`(\w+)`[^\n]*\n\n```hex\n([0-9a-f\n]+)```$/gm)]
  return new Map(blocks.map(([, name = '', hex = '']) => [name, hex.replaceAll('\n', '')]))
}

test('FORMAT.md shows what is written, byte by byte', async () => {
  const vectors = await makeVectors()
  const made = NAMES.map((name) => [name, b4a.toString(vectors[name], 'hex')] as const)
  expect(pinned()).toEqual(new Map(made))
})

test('what FORMAT.md shows is read as what it was made from', async () => {
  const { record, commitFields, page, packFront } = await makeVectors()
  const bytesOf = (name: keyof Vectors): Uint8Array => b4a.from(pinned().get(name) as string, 'hex')
  const key = bytesOf('coreKey')
  const commit = decodeCommit(bytesOf('commit'))
  expect(commit).toEqual(commitFields)
  expect(unsealRecord(key, commit.entries[0] as (typeof commit.entries)[0])).toEqual(record)
  expect(decodeCheckpoint(bytesOf('checkpoint')).map(({ seq }) => seq)).toEqual([1])
  const list = record.segments[0] as ListSegment
  expect(decodeSegmentList(key, bytesOf('list'), list)).toMatchObject([
    { kind: 'blocks', start: 0, count: 4 }
  ])
  expect(unsealFront(key, bytesOf('front'))).toEqual(packFront)
  expect(unsealPage(key, bytesOf('pages').subarray(PAGES_MAGIC.byteLength), packFront)).toEqual(page)
  const shard = bytesOf('shard')
  const [section] = decodeShardTable(shard.subarray(0, tableLength(shard.subarray(0, 8))))
  expect(section?.sizes).toEqual([3, 3, 5, 4])
})
