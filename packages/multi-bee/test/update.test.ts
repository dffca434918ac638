import { expect, test } from 'vitest'
import { openDevice } from './support/devices.ts'

const increment = (value: unknown): number => ((value ?? 0) as number) + 1

test('updates of one key follow one another', async () => {
  const db = await openDevice()
  await Promise.all(Array.from({ length: 20 }, () => db.update('n', increment)))
  expect((await db.get('n'))?.value).toBe(20)
  expect(await db.conflicts('n')).toEqual([])
})

test('they do so too when the key is reached through the database and through subs made for each call', async () => {
  const db = await openDevice()
  const updates = Array.from({ length: 10 }, () => [
    db.sub('s').update('n', increment),
    db.sub('s').sub('t').update('n', increment),
    db.update('s\0n', increment)
  ])
  await Promise.all(updates.flat())
  expect((await db.sub('s').get('n'))?.value).toBe(20)
  expect((await db.get('s\0t\0n'))?.value).toBe(10)
  expect(await db.conflicts('s\0n')).toEqual([])
})

test('the change gets null for an absent key, and undefined leaves everything as it is', async () => {
  const db = await openDevice()
  const got: unknown[] = []
  const { version } = db
  await db.update('a', (value) => {
    got.push(value)
    return undefined
  })
  expect(got).toEqual([null])
  expect(db.version).toBe(version)
  await db.update('a', () => Promise.resolve({ n: 1 }))
  expect((await db.get('a'))?.value).toEqual({ n: 1 })
})

test('it overwrites nothing that was put meanwhile in another field', async () => {
  const db = await openDevice()
  await db.put('a', { name: 'Ada', phone: '1' })
  await db.update('a', async (value) => {
    await db.put('a', { name: 'Ada', phone: '2' })
    return { ...(value as object), name: 'Ada L' }
  })
  expect((await db.get('a'))?.value).toEqual({ name: 'Ada L', phone: '2' })
})

test('one that fails does not hold up the next', async () => {
  const db = await openDevice()
  const failed = db.update('n', () => Promise.reject(new Error('mine')))
  const next = db.update('n', increment)
  await expect(failed).rejects.toThrow('mine')
  await next
  expect((await db.get('n'))?.value).toBe(1)
})
