import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tmpDir, tmpStore } from '@cloudpal/test-kit'
import { run } from '../src/cli/program.ts'
import { FileStore } from '../src/index.ts'
import type { S3Store } from '../src/s3/index.ts'
import { Cluster, CREDENTIALS, hasCeph } from './ceph/cluster.ts'
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
  })
  afterAll(async () => {
    for (const store of opened) store.close()
    await cluster?.stop()
  })
  test.each(scenarios)('$name', async ({ run }) => run(await bucket()), 120_000)

  test('the command line finds a bucket by its name, and credentials in the environment', async () => {
    ;(await cluster.bucket('command-line')).close()
    vi.stubEnv('AWS_ACCESS_KEY_ID', CREDENTIALS.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', CREDENTIALS.secretAccessKey)
    const place = `s3://command-line/laptop/?endpoint=${encodeURIComponent(cluster.endpoint)}`
    const source = await tmpDir()
    const corestore = await tmpStore({ dir: source })
    const core = corestore.get({ name: 'core' })
    await core.append(['a', 'b'])
    await corestore.close()
    const out: string[] = []
    const { signal } = new AbortController()
    const print = (line: string): unknown => out.push(line)
    const cli = (...words: string[]): Promise<number> =>
      run(words, { out: print, err: () => {}, isTerminal: false, signal })
    const key = `${core.id}`
    expect(await cli('backup', source, '--to', place, '--create')).toBe(0)
    expect(await cli('restore', key, '--from', place, '--into', await tmpDir())).toBe(0)
    expect(await cli('verify', '--from', place, '--key', key)).toBe(0)
    expect(await cli('ls', '--from', place.replace('command-line', 'no-such-bucket'))).toBe(1)
    expect(out.slice(0, 2)).toEqual([
      'commit 1: 1 cores, 2 blocks, 2 B',
      expect.stringContaining('2 of 2 blocks')
    ])
    vi.unstubAllEnvs()
  })

  test('a gateway that is killed under an archiver loses nothing, and it goes on', async () => {
    await survivesOutage(await bucket(), {
      stop: () => cluster.killGateway(),
      start: () => cluster.startGateway()
    })
  })
})
