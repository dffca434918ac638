import { afterAll, beforeAll, describe, test } from 'vitest'
import { tmpDir } from '@cloudpal/test-kit'
import { FileStore } from '../src/index.ts'
import type { S3Store } from '../src/s3/index.ts'
import { Cluster, hasCeph } from './ceph/cluster.ts'
import { scenarios, survivesOutage } from './scenarios.ts'

describe('an archive in a directory', () => {
  test.each(scenarios)('$name', async ({ run }) => run(new FileStore(await tmpDir())), 60_000)
})

describe.skipIf(!hasCeph())('an archive in S3, on Ceph', () => {
  let cluster: Cluster
  let count = 0
  const opened: S3Store[] = []
  const bucket = async (): Promise<S3Store> => {
    const store = await cluster.bucket(`scenario-${count++}`)
    opened.push(store)
    return store
  }
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 120_000)
  afterAll(async () => {
    for (const store of opened) store.close()
    await cluster?.stop()
  })
  test.each(scenarios)('$name', async ({ run }) => run(await bucket()), 120_000)

  test('a gateway that is killed under an archiver loses nothing, and it goes on', async () => {
    await survivesOutage(await bucket(), {
      stop: () => cluster.killGateway(),
      start: () => cluster.startGateway()
    })
  }, 120_000)
})
