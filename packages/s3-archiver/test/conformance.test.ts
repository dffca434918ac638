import { afterAll, beforeAll, describe, test } from 'vitest'
import { Cleanup, tmpDir } from '@cloudpal/test-kit'
import { FileStore } from '../src/index.ts'
import { objectStoreConformance } from '../src/testing/index.ts'
import type { S3Store } from '../src/s3/index.ts'
import { Cluster, hasCeph } from './ceph/cluster.ts'

describe('a directory', () => {
  const cleanup = new Cleanup()
  let directory: string
  beforeAll(async () => {
    directory = await tmpDir({ cleanup })
  })
  afterAll(() => cleanup.run())
  const open = (): FileStore => new FileStore(directory)
  test.each(objectStoreConformance(open))('$name', ({ run }) => run())
})

describe.skipIf(!hasCeph())('S3, on Ceph', () => {
  let cluster: Cluster
  let store: S3Store
  let other: S3Store
  beforeAll(async () => {
    cluster = await Cluster.start()
    store = await cluster.bucket('conformance')
    other = cluster.open('conformance')
  })
  afterAll(async () => {
    store?.close()
    other?.close()
    await cluster?.stop()
  })
  const cases = objectStoreConformance(() => store, { reopen: () => other })
  test.each(cases)('$name', ({ run }) => run(), 60_000)
})
