import b4a from 'b4a'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RangeReader } from '../src/read/range-reader.ts'
import { CountedStore } from '../src/store/counted-store.ts'
import { MemoryStore } from '../src/testing/index.ts'

const SIZE = 300_000
const bytes = b4a.from(Uint8Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 8)) & 255))

async function readerOf(...names: string[]) {
  const store = new MemoryStore()
  for (const name of names) await store.putIfAbsent(name, bytes)
  const counted = new CountedStore(store)
  return { reader: new RangeReader(counted, {}), gets: () => counted.counts.gets }
}

const range = fc
  .tuple(
    fc.constantFrom('a', 'b'),
    fc.integer({ min: 0, max: SIZE - 1 }),
    fc.integer({ min: 0, max: 40_000 })
  )
  .map(([name, start, length]) => ({ name, start, end: Math.min(SIZE, start + length) }))

describe('parts that are wanted at once', () => {
  test('come as they are, whichever they are, in no more requests than there are parts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 30 }), async (ranges) => {
        const { reader, gets } = await readerOf('a', 'b')
        const parts = await Promise.all(ranges.map(({ name, start, end }) => reader.read(name, start, end)))
        for (const [i, { start, end }] of ranges.entries())
          expect(b4a.equals(parts[i] as Uint8Array, bytes.subarray(start, end))).toBe(true)
        expect(gets()).toBeLessThanOrEqual(ranges.length)
      }),
      { numRuns: 50 }
    )
  })

  test('are one request when little lies between them, and two when much does', async () => {
    const { reader, gets } = await readerOf('a')
    await Promise.all([reader.read('a', 0, 10), reader.read('a', 16_000, 16_010)])
    expect(gets()).toBe(1)
    await Promise.all([reader.read('a', 0, 10), reader.read('a', 17_000, 17_010)])
    expect(gets()).toBe(3)
  })

  test('fail each for itself where the object ends', async () => {
    const { reader } = await readerOf('a')
    const damaged = { code: 'S3_ARCHIVER_DAMAGED' }
    const [whole, beyond] = [reader.read('a', SIZE - 10, SIZE), reader.read('a', SIZE - 5, SIZE + 1)]
    await Promise.all([
      expect(whole).resolves.toHaveLength(10),
      expect(beyond).rejects.toMatchObject(damaged)
    ])
    await expect(reader.read('none', 0, 1)).rejects.toMatchObject(damaged)
    expect(await reader.readStart('a', SIZE * 2)).toHaveLength(SIZE)
  })
})
