import b4a from 'b4a'
import { expect, test } from 'vitest'
import { ObjectView } from '../src/random-access/index.ts'
import { MemoryStore } from '../src/testing/index.ts'

async function viewOf(name: string): Promise<ObjectView> {
  const store = new MemoryStore()
  await store.putIfAbsent('a/b', b4a.from('0123456789'))
  return new ObjectView(store, name)
}

/** What a call with a callback comes to. */
function outcome<T>(
  call: (callback: (error: Error | null, value?: T) => void) => void
): Promise<T | undefined> {
  return new Promise((resolve, reject) =>
    call((error, value) => (error === null ? resolve(value) : reject(error)))
  )
}

const read = (view: ObjectView, offset: number, size: number): Promise<Uint8Array | undefined> =>
  outcome((done) => view.read(offset, size, done))

test('an object is read as a file', async () => {
  const view = await viewOf('a/b')
  expect(b4a.toString((await read(view, 3, 4)) ?? b4a.alloc(0))).toBe('3456')
  expect(await read(view, 0, 10)).toEqual(b4a.from('0123456789'))
  expect(await outcome((done) => view.stat(done))).toMatchObject({ size: 10 })
  await outcome((done) => view.close(done))
})

test('beyond its end, and where there is none, is an error', async () => {
  await expect(read(await viewOf('a/b'), 8, 4)).rejects.toMatchObject({ code: 'S3_ARCHIVER_BAD_ARGUMENT' })
  await expect(read(await viewOf('a/c'), 0, 1)).rejects.toMatchObject({ code: 'S3_ARCHIVER_NOT_ARCHIVED' })
})

test('what would change it says that it does not', async () => {
  const view = await viewOf('a/b')
  const refused = { code: 'S3_ARCHIVER_STORE_READ_ONLY' }
  await expect(outcome((done) => view.write(0, b4a.from('x'), done))).rejects.toMatchObject(refused)
  await expect(outcome((done) => view.del(0, 5, done))).rejects.toMatchObject(refused)
  await expect(outcome((done) => view.truncate(3, done))).rejects.toMatchObject(refused)
  expect(await read(view, 0, 10)).toEqual(b4a.from('0123456789'))
})
