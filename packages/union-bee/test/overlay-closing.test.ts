import { collect, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { createOverlay } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker, type TextBee } from './support/bees.ts'

const keysOf = async (bee: TextBee) => (await collect(bee.createReadStream())).map(({ key }) => key)
const FIFTY = Array.from({ length: 50 }, (_, i) => `batch-${i}`)
const isDone = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false
  )

test('nothing is written to the top after close() has resolved', async () => {
  const make = await beeMaker()
  const top = await make({ a: 1 })
  const overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  const batch = overlay.batch()
  await batch.put('c', 1)
  const put = isDone(overlay.put('late', 1))
  await overlay.close()
  const { length } = top.core
  const kept = await put
  expect(top.core.length).toBe(length)
  expect((await top.get('late')) !== null).toBe(kept)
})

test('a flush that is under way when the overlay closes is written whole, and so is what others write to the top', async () => {
  const make = await beeMaker()
  const top = await make({ a: 1 })
  const overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  const batch = overlay.batch()
  for (const key of FIFTY) await batch.put(key, 1)
  const other = top.put('other', 1)
  const flushed = batch.flush()
  await Promise.all([flushed, overlay.close(), other])
  expect((await keysOf(top)).toSorted()).toEqual(['a', 'other', ...FIFTY].toSorted())
})

test('what was acknowledged while the overlay closed is there', async () => {
  const make = await beeMaker()
  const top = await make({ a: 1 })
  const overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  const batch = overlay.batch()
  for (const key of FIFTY) await batch.put(key, 1)
  const [other, flushed] = [isDone(overlay.put('other', 1)), isDone(batch.flush())]
  await overlay.close()
  const keys = await keysOf(top)
  expect([FIFTY.every((key) => keys.includes(key)), keys.includes('other')]).toEqual([
    await flushed,
    await other
  ])
})

test('a batch that waits for the lock of the top when the overlay closes does not keep it', async () => {
  const make = await beeMaker()
  const top = await make({ a: 1 })
  const overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  const [one, two] = [overlay.batch(), overlay.batch()]
  await one.put('c', 1)
  const waiting = isDone(two.put('d', 1))
  await overlay.close()
  await waiting
  await top.put('e', 1)
  expect(await keysOf(top)).toEqual(['a', 'e'])
})

test('an overlay closes although a batch of it is open while the top is being cleared', async () => {
  const make = await beeMaker()
  const [top, lower, into] = [await make({ a: 1 }), await make({ b: 1 }), await make()]
  let batches = 0
  const counted = altered(top, {
    batch: (...args: Parameters<TextBee['batch']>) => {
      batches++
      return top.batch(...args)
    }
  })
  const overlay = createOverlay({ top: counted, lower })
  const batch = overlay.batch()
  await batch.put('c', 1)
  const compacting = overlay.compact(into)
  await until(() => batches === 2)
  await overlay.close()
  await compacting
  expect([await keysOf(top), await keysOf(into)]).toEqual([[], ['a', 'b']])
})

test('a batch that was closed writes no more', async () => {
  const make = await beeMaker()
  const top = await make()
  await using overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  const batch = overlay.batch()
  await batch.put('c', 1)
  await batch.close()
  await expect(batch.put('d', 1)).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  await expect(batch.flush()).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  await overlay.put('e', 1)
  expect(await keysOf(top)).toEqual(['e'])
})
