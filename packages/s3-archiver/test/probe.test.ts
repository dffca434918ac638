import { expect, test } from 'vitest'
import { collect, tmpDir } from '@cloudpal/test-kit'
import { FileStore, probeStore, S3ArchiverError } from '../src/index.ts'
import { objectStoreConformance } from '../src/testing/index.ts'
import { Deaf, Late, LookingFirst, Overwriting, Passing, Unsorted } from './bad-stores.ts'

test('a store that keeps its word passes, and nothing is left of the probe', async () => {
  const store = new FileStore(await tmpDir())
  expect(await probeStore(store)).toEqual({ mayDelete: true })
  expect(await collect(store.list(''))).toEqual([])
})

test.each([
  ['overwrites', Overwriting, 'S3_ARCHIVER_STORE_NO_CONDITIONS'],
  ['says it made what was there', Deaf, 'S3_ARCHIVER_STORE_NO_CONDITIONS'],
  ['looks first and writes then', LookingFirst, 'S3_ARCHIVER_STORE_NO_CONDITIONS'],
  ['lists in no order', Unsorted, 'S3_ARCHIVER_STORE_UNSORTED'],
  ['lists late', Late, 'S3_ARCHIVER_STORE_UNSORTED']
])('a store that %s is refused, and does not conform', async (_, Store, code) => {
  const store = new Store(new FileStore(await tmpDir()))
  await expect(probeStore(store)).rejects.toMatchObject({ code })
  const failures: string[] = []
  for (const { name, run } of objectStoreConformance(() => store, { races: 2, many: 10 }))
    await run().catch(() => failures.push(name))
  expect(failures.length).toBeGreaterThan(0)
})

test('who may not delete is told so, and any other failure is one', async () => {
  const inner = new FileStore(await tmpDir())
  class Keeping extends Passing {
    readonly code: 'S3_ARCHIVER_STORE_DENIED' | 'S3_ARCHIVER_STORE_UNAVAILABLE'
    constructor(code: 'S3_ARCHIVER_STORE_DENIED' | 'S3_ARCHIVER_STORE_UNAVAILABLE') {
      super(inner)
      this.code = code
    }
    override delete(): Promise<void> {
      return Promise.reject(new S3ArchiverError(this.code, 'no'))
    }
  }
  expect(await probeStore(new Keeping('S3_ARCHIVER_STORE_DENIED'))).toEqual({ mayDelete: false })
  await expect(probeStore(new Keeping('S3_ARCHIVER_STORE_UNAVAILABLE'))).rejects.toMatchObject({
    code: 'S3_ARCHIVER_STORE_UNAVAILABLE'
  })
})
