import b4a from 'b4a'
import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import Hypercore from 'hypercore'
import Verifier from 'hypercore/lib/verifier.js'
import messages from 'hypercore/messages.js'
import { describe, expect, test } from 'vitest'
import { tmpDir, tmpStore } from '@cloudpal/test-kit'
import { contentName } from '../src/format/names.ts'
import { rootsOf, sealRecord, unsealRecord, type CoreRecord } from '../src/format/record.ts'
import { decodeSegmentList, encodeSegmentList, objectsOfSegmentList } from '../src/format/segment-list.ts'
import type { ListSegment, Segment } from '../src/format/segment.ts'
import { checkUpstream, headOf, isHeadOf, storedBlocks, type Head } from '../src/hypercore-adapter.ts'
import { combine, leafOf, type TreeNode } from '../src/merkle/subtree.ts'

async function coreOf(
  blocks: readonly Uint8Array[]
): Promise<{ core: Hypercore; head: Head; leaves: TreeNode[] }> {
  const store = await tmpStore()
  const core = store.get({ name: 'core' })
  await core.ready()
  checkUpstream(core)
  await core.append([...blocks])
  const stored = (await storedBlocks(core, 0, core.length)) as Uint8Array[]
  return { core, head: headOf(core) as Head, leaves: stored.map((block, seq) => leafOf(seq, block)) }
}

const blocks = Array.from({ length: 21 }, (_, i) => b4a.from(`block ${i}`))

function segmentOf(leaves: readonly TreeNode[], start: number, end: number): Segment {
  const object = contentName('shard', b4a.from(`${start}`))
  return { kind: 'blocks', object, fork: 0, start, count: end - start, nodes: combine(start, end, leaves) }
}

describe('the head of a core', () => {
  test('is known by its key, whatever its segments are', async () => {
    const { core, head, leaves } = await coreOf(blocks)
    const key = core.key as Uint8Array
    for (const cuts of [
      [0, 21],
      [0, 16, 21],
      [0, 5, 6, 17, 21]
    ]) {
      const nodes = cuts.slice(1).flatMap((end, i) => combine(cuts[i] as number, end, leaves))
      expect(isHeadOf(key, head, combine(0, head.length, nodes))).toBe(true)
    }
    const roots = combine(0, head.length, leaves)
    expect(isHeadOf(crypto.randomBytes(32), head, roots)).toBe(false)
    expect(isHeadOf(key, { ...head, length: 20 }, roots)).toBe(false)
    expect(isHeadOf(key, { ...head, fork: 1 }, roots)).toBe(false)
    expect(isHeadOf(key, { ...head, signature: b4a.alloc(64) }, roots)).toBe(false)
    expect(isHeadOf(key, { ...head, manifest: b4a.alloc(3) }, roots)).toBe(false)
    const other = roots.map((node, i) => (i === 0 ? { ...node, hash: crypto.randomBytes(32) } : node))
    expect(isHeadOf(key, head, other)).toBe(false)
  })

  test('of an encrypted core is archived without the key that reads it, and so are its blocks', async () => {
    const directory = await tmpDir()
    const core = new Hypercore(directory, { encryption: { key: b4a.alloc(32, 7) } })
    await core.append([...blocks])
    const stored = (await storedBlocks(core, 0, core.length)) as Uint8Array[]
    expect(
      stored.some((block, i) => b4a.toString(block, 'latin1').includes(b4a.toString(blocks[i] as Uint8Array)))
    ).toBe(false)
    const leaves = stored.map((block, seq) => leafOf(seq, block))
    expect(isHeadOf(core.key as Uint8Array, headOf(core) as Head, combine(0, core.length, leaves))).toBe(true)
    await core.close()
  })

  test('of a core whose manifest names its beginning needs no signature', async () => {
    const { head, leaves } = await coreOf(blocks)
    const roots = combine(0, blocks.length, leaves)
    const prologue = { hash: crypto.tree(roots), length: blocks.length }
    const manifest = { version: 1, signers: [{ publicKey: crypto.keyPair().publicKey }], prologue }
    const encoded = c.encode(messages.manifest, Verifier.createManifest(manifest))
    const named = { ...head, signature: b4a.alloc(0), manifest: encoded }
    expect(isHeadOf(Hypercore.key(manifest), named, roots)).toBe(true)
    const other = combine(0, 20, leaves.slice(0, 20))
    expect(isHeadOf(Hypercore.key(manifest), { ...named, length: 20 }, other)).toBe(false)
  })

  test('of a core that is empty there is none', async () => {
    const store = await tmpStore()
    const core = store.get({ name: 'empty' })
    await core.ready()
    expect(headOf(core)).toBeNull()
  })

  test('goes with what was read of the core, and a block that is missing is null', async () => {
    const { core } = await coreOf(blocks)
    await core.clear(3, 5)
    const stored = await storedBlocks(core, 0, 7)
    expect(stored.map((block) => block && b4a.toString(block))).toEqual(
      blocks.slice(0, 7).map((block, i) => (i === 3 || i === 4 ? null : b4a.toString(block)))
    )
  })
})

describe('a record', () => {
  async function example(): Promise<{ key: Uint8Array; record: CoreRecord }> {
    const { core, head, leaves } = await coreOf(blocks)
    const segments = [segmentOf(leaves, 0, 16), segmentOf(leaves, 16, 21)]
    return { key: core.key as Uint8Array, record: { ...head, segments } }
  }

  test('comes back for who knows the key, and says nothing to others', async () => {
    const { key, record } = await example()
    const entry = sealRecord(key, 5, record)
    expect(unsealRecord(key, entry)).toEqual(record)
    expect(entry.objects).toEqual(
      record.segments.map((segment) => segment.kind === 'blocks' && segment.object)
    )
    for (const secret of [key, record.manifest, crypto.discoveryKey(key)])
      expect(b4a.toString(entry.sealed, 'hex')).not.toContain(b4a.toString(secret, 'hex'))
    expect(sealRecord(key, 5, record)).not.toEqual(entry)
  })

  test('of another core or commit, or changed anywhere, is refused', async () => {
    const { key, record } = await example()
    const entry = sealRecord(key, 5, record)
    const { sealed } = entry
    expect(() => unsealRecord(key, { ...entry, seq: 6 })).toThrow('S3_ARCHIVER_DAMAGED')
    expect(() => unsealRecord(key, { ...entry, objects: [] })).toThrow('S3_ARCHIVER_DAMAGED')
    expect(() => unsealRecord(crypto.randomBytes(32), entry)).toThrow('S3_ARCHIVER_DAMAGED')
    for (let i = 0; i < sealed.byteLength; i++) {
      const changed = b4a.from(sealed)
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(() => unsealRecord(key, { ...entry, sealed: changed })).toThrow('S3_ARCHIVER_DAMAGED')
    }
    for (let end = 0; end < sealed.byteLength; end++)
      expect(() => unsealRecord(key, { ...entry, sealed: sealed.subarray(0, end) })).toThrow(
        'S3_ARCHIVER_DAMAGED'
      )
  })

  test('has holes, and lists in objects of their own, and comes back with them', async () => {
    const { core, head, leaves } = await coreOf(blocks)
    const key = core.key as Uint8Array
    const inside = [segmentOf(leaves, 0, 4), segmentOf(leaves, 4, 8)]
    const bytes = encodeSegmentList(key, inside)
    const list: ListSegment = {
      kind: 'list',
      object: contentName('index', bytes),
      missing: 0,
      start: 0,
      count: 8,
      nodes: combine(0, 8, leaves)
    }
    const hole: Segment = { kind: 'hole', start: 8, count: 9, nodes: combine(8, 17, leaves) }
    const record = { ...head, segments: [list, hole, segmentOf(leaves, 17, 21)] }
    expect(unsealRecord(key, sealRecord(key, 3, record))).toEqual(record)
    expect(rootsOf(record)).toEqual(combine(0, 21, leaves))
    expect(decodeSegmentList(key, bytes, list)).toEqual(inside)
    expect(objectsOfSegmentList(bytes)).toEqual(
      inside.map((segment) => segment.kind === 'blocks' && segment.object)
    )
    const refused = (place: ListSegment, of = key): void =>
      expect(() => decodeSegmentList(of, bytes, place)).toThrow('S3_ARCHIVER_DAMAGED')
    refused({ ...list, count: 9 })
    refused({ ...list, start: 1 })
    refused(list, crypto.randomBytes(32))
  })

  test.each([
    ['a gap', [0, 5, 6, 21]],
    ['an overlap', [0, 5, 4, 21]],
    ['an early end', [0, 20, 20, 20]],
    ['an empty one', [0, 0, 0, 21]]
  ])('whose segments have %s is refused', async (_, [a = 0, b = 0, c = 0, d = 0]) => {
    const { core, head, leaves } = await coreOf(blocks)
    const segments = [segmentOf(leaves, a, b), segmentOf(leaves, c, d)]
    const entry = sealRecord(core.key as Uint8Array, 0, { ...head, segments })
    expect(() => unsealRecord(core.key as Uint8Array, entry)).toThrow('S3_ARCHIVER_DAMAGED')
  })
})
