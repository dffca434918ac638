import b4a from 'b4a'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { blindIdOf, contentName } from '../src/format/names.ts'
import type { BlockSegment } from '../src/format/segment.ts'
import { encodeShard } from '../src/format/shard.ts'
import { combine, leafOf } from '../src/merkle/subtree.ts'
import { openSegment, SegmentCheck } from '../src/read/opened-segment.ts'

const KEY = crypto.hash(b4a.from('a core'))

/** A run of blocks in a shard, and a segment of some of them. */
const aSegment = fc
  .record({
    start: fc.nat({ max: 40 }),
    blocks: fc.array(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => b4a.from(bytes)),
      { minLength: 1, maxLength: 30 }
    ),
    cut: fc.tuple(fc.nat(), fc.nat())
  })
  .map(({ start, blocks, cut }) => {
    const from = cut[0] % blocks.length
    const wanted = blocks.slice(from, from + 1 + (cut[1] % (blocks.length - from)))
    const { bytes } = encodeShard([{ blindId: blindIdOf(KEY), fork: 0, start, blocks }])
    const first = start + from
    const leaves = wanted.map((block, i) => leafOf(first + i, block))
    const nodes = combine(first, first + wanted.length, leaves)
    const object = contentName('shard', bytes)
    const segment: BlockSegment = {
      kind: 'blocks',
      object,
      fork: 0,
      start: first,
      count: wanted.length,
      nodes
    }
    return { segment, bytes, wanted, isLast: from + wanted.length === blocks.length }
  })

const parts = fc.array(fc.nat({ max: 400 }), { maxLength: 20 })

test('a segment that is checked in whatever parts has the blocks and the tree of one that is checked at once', () => {
  fc.assert(
    fc.property(aSegment, parts, ({ segment, bytes, wanted }, steps) => {
      const check = new SegmentCheck(KEY, segment, bytes)
      for (const step of steps) check.advance(step)
      const { blocks, tree } = check.finish()
      expect([...blocks].map((block) => b4a.from(block))).toEqual(wanted)
      const whole = openSegment(KEY, segment, bytes).tree
      const end = segment.start + segment.count
      for (let seq = segment.start; seq < end; seq++)
        expect([...tree.endingAt(seq)]).toEqual([...whole.endingAt(seq)])
    })
  )
})

test('of one with a wrong byte, or cut short, nothing is given, in whatever parts it is checked', () => {
  fc.assert(
    fc.property(
      aSegment,
      parts,
      fc.nat(),
      fc.boolean(),
      ({ segment, bytes, wanted, isLast }, steps, at, isCut) => {
        const size = wanted.reduce((sum, { byteLength }) => sum + byteLength, 0)
        fc.pre(size > 0)
        const open = (): void => {
          const check = new SegmentCheck(
            KEY,
            segment,
            isCut ? bytes.subarray(0, -1 - (at % size)) : changed()
          )
          for (const step of steps) check.advance(step)
          check.finish()
        }
        // Where the blocks of the segment lie: behind those of the run that come before it.
        const changed = (): Uint8Array => {
          const copy = b4a.from(bytes)
          const [block] = [...openSegment(KEY, segment, copy).blocks].filter(
            ({ byteLength }) => byteLength > 0
          )
          const offset = (block?.byteOffset ?? 0) - copy.byteOffset + (at % (block?.byteLength ?? 1))
          copy[offset] = (copy[offset] ?? 0) ^ 1
          return copy
        }
        // What is cut off may lie behind the segment.
        fc.pre(!isCut || isLast)
        expect(open).toThrow('S3_ARCHIVER_DAMAGED')
      }
    )
  )
})
