import b4a from 'b4a'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { ObjectReader, type LentObject } from '../src/restore/object-reader.ts'
import { CountedStore } from '../src/store/counted-store.ts'
import { MemoryStore } from '../src/testing/index.ts'

const MIB = 1024 * 1024
/** Bytes of objects: small, as of a buffer, a byte more, and more than any buffer has. */
const SIZES = [10, MIB, MIB + 1, 2 * MIB, 9 * MIB, 9 * MIB + 1, 10 * MIB]

async function objects() {
  const store = new CountedStore(new MemoryStore())
  const all = SIZES.map((size) => crypto.randomBytes(size))
  for (const [i, bytes] of all.entries()) await store.putIfAbsent(`s/${i}`, bytes)
  return { store, all, reader: new ObjectReader(store, {}) }
}

test('what was lent stays as it is until it is given back, in whatever order that happens', async () => {
  const { reader, all } = await objects()
  const anAction = fc.oneof(
    fc.record({ read: fc.nat({ max: SIZES.length - 1 }) }),
    fc.record({ release: fc.nat({ max: 9 }) })
  )
  await fc.assert(
    fc.asyncProperty(fc.array(anAction, { maxLength: 30 }), async (actions) => {
      const lent: { object: LentObject; of: number }[] = []
      for (const action of actions) {
        if ('read' in action) {
          const of = action.read
          lent.push({ object: await reader.read(`s/${of}`, SIZES[of] ?? 0), of })
        } else lent.splice(action.release, 1)[0]?.object.release()
        for (const { object, of } of lent) expect(b4a.equals(object.bytes, all[of] as Uint8Array)).toBe(true)
      }
      for (const { object } of lent) object.release()
    }),
    { numRuns: 30 }
  )
})

test('large objects that are read one after the other take the memory of two', async () => {
  const { reader } = await objects()
  const memory = new Set<ArrayBufferLike>()
  for (let i = 0; i < 20; i++) {
    const { bytes, release } = await reader.read(`s/${3 + (i % 2)}`, 2 * MIB)
    memory.add(bytes.buffer)
    release()
  }
  expect(memory.size).toBe(2)
})

test('an object is asked for once by those that read it at the same time, or one after the other', async () => {
  const { store, reader } = await objects()
  const both = await Promise.all([reader.read('s/0', 5), reader.read('s/0', 5)])
  for (const { release } of both) release()
  await reader.read('s/0', 5)
  expect(store.counts.gets).toBe(1)
})

test('one that is not there is told, and takes no memory', async () => {
  const { reader } = await objects()
  const memory = new Set<ArrayBufferLike>()
  for (let i = 0; i < 5; i++) {
    await expect(reader.read('s/none', 2 * MIB)).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    const { bytes, release } = await reader.read('s/3', 2 * MIB)
    memory.add(bytes.buffer)
    release()
  }
  expect(memory.size).toBeLessThanOrEqual(2)
})
