import b4a from 'b4a'
import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Cleanup, collect, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import {
  Archiver,
  buildReadPack,
  FileStore,
  openFromArchive,
  Seeder,
  type ObjectStore
} from '../src/index.ts'
import type { S3Store } from '../src/s3/index.ts'
import { Cluster, hasCeph } from './ceph/cluster.ts'
import { cutAt, fail, FaultProxy, pass, resetAfter, silence, type Fault } from './fault-proxy.ts'

const ENCODINGS = { keyEncoding: 'utf-8', valueEncoding: 'utf-8', extension: false } as const
const ENTRIES = 5000
const name = (i: number): string => `key-${String(i).padStart(5, '0')}`

/** A bee of {@link ENTRIES}, with its read pack. */
async function archiveBee(store: ObjectStore, cleanup: Cleanup): Promise<Uint8Array> {
  const core = (await tmpStore({ cleanup })).get({ name: 'core' })
  const bee = new Hyperbee<string, string>(core, ENCODINGS)
  const batch = bee.batch()
  for (let i = 0; i < ENTRIES; i++) await batch.put(name(i), `value ${i} `.padEnd(100, 'x'))
  await batch.flush()
  const archiver = new Archiver(store, { cores: [core], live: false })
  await archiver.flush()
  await buildReadPack(store, archiver, bee)
  await archiver.close()
  return core.key as Uint8Array
}

async function open(store: ObjectStore, key: Uint8Array, options: object = {}) {
  const archive = await openFromArchive(store, { key, ...options })
  onTestFinished(() => archive.close())
  return { archive, bee: new Hyperbee<string, string>(archive.core as Hypercore, ENCODINGS) }
}

describe('an archive in a directory', () => {
  const cleanup = new Cleanup()
  let store: FileStore
  let key: Uint8Array
  beforeAll(async () => {
    store = new FileStore(await tmpDir({ cleanup }))
    key = await archiveBee(store, cleanup)
  })
  afterAll(() => cleanup.run())

  test('is read in three requests, and from a cache of parts in two', async () => {
    const cache = new FileStore(await tmpDir())
    const first = await open(store, key, { cache })
    expect((await first.bee.get(name(1234)))?.value).toMatch(/^value 1234 /)
    expect(first.archive.stats().requests).toBe(3)
    await first.archive.close()
    const again = await open(store, key, { cache })
    expect((await again.bee.get(name(1234)))?.value).toMatch(/^value 1234 /)
    expect(again.archive.stats().requests).toBe(2)
  })
})

describe.skipIf(!hasCeph())('an archive on S3, on Ceph', () => {
  const cleanup = new Cleanup()
  let cluster: Cluster
  let store: S3Store
  let key: Uint8Array
  beforeAll(async () => {
    cluster = await Cluster.start()
    store = await cluster.bucket('reading')
    key = await archiveBee(store, cleanup)
  })
  afterAll(async () => {
    store?.close()
    await cleanup.run()
    await cluster?.stop()
  })

  /** The same bucket, behind a proxy. */
  async function faulty(timeoutMs = 240_000): Promise<{ proxy: FaultProxy; behind: S3Store }> {
    const proxy = await FaultProxy.start(cluster.endpoint)
    const behind = cluster.open('reading', { endpoint: proxy.endpoint, timeoutMs, attempts: 3 })
    onTestFinished(() => {
      behind.close()
      proxy.stop()
    })
    return { proxy, behind }
  }

  test('is read in three requests, and all that were sent are counted', async () => {
    const { proxy, behind } = await faulty()
    const { archive, bee } = await open(behind, key)
    expect((await bee.get(name(4321)))?.value).toMatch(/^value 4321 /)
    expect(archive.stats()).toMatchObject({ requests: 3, lists: 1, gets: 2 })
    expect(proxy.requests).toHaveLength(3)
    expect(await bee.get(`${name(4321)}x`)).toBeNull()
    expect(proxy.requests).toHaveLength(3)
    const range = await collect(bee.createReadStream({ gte: name(100) }, { limit: 100 }))
    expect(range.map(({ key }) => key)).toEqual(Array.from({ length: 100 }, (_, i) => name(100 + i)))
    expect(proxy.requests.length).toBe(archive.stats().requests)
  })

  const faults: [name: string, fault: Fault][] = [
    ['a busy store', fail(503, 'SlowDown')],
    ['an error', fail(500, 'InternalError')],
    ['an answer that is cut', cutAt(100)],
    ['a connection that breaks', resetAfter]
  ]
  test.each(faults)('is read through %s', async (_, fault) => {
    const { proxy, behind } = await faulty()
    const { archive, bee } = await open(behind, key)
    proxy.faults.push(fault)
    const value = await bee.get(name(77)).catch((error: unknown) => error)
    // An answer that was cut is not asked for again by the store; the next read asks.
    if (value instanceof Error) expect(value).toMatchObject({ retryable: true })
    expect((await bee.get(name(77)))?.value).toMatch(/^value 77 /)
    expect(archive.core.length).toBe(ENTRIES + 1)
  })

  test('that is away is an error with a code, and is read once it is back', async () => {
    const { proxy, behind } = await faulty(2_000)
    const { bee } = await open(behind, key)
    proxy.always = silence
    await expect(bee.get(name(3000))).rejects.toMatchObject({
      code: 'S3_ARCHIVER_STORE_TIMEOUT',
      retryable: true
    })
    proxy.always = pass
    expect((await bee.get(name(3000)))?.value).toMatch(/^value 3000 /)
  })

  test('that changes bytes on the way is not believed', async () => {
    const { proxy, behind } = await faulty()
    const { bee } = await open(behind, key)
    proxy.always = async ({ forward, answer }) => {
      const { body, ...rest } = await forward()
      const changed = b4a.from(body)
      const middle = changed.byteLength >> 1
      changed[middle] = (changed[middle] ?? 0) ^ 1
      answer({ ...rest, body: changed })
    }
    await expect(bee.get(name(2000))).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    proxy.always = pass
    expect((await bee.get(name(2000)))?.value).toMatch(/^value 2000 /)
  })

  test('is served to a peer', async () => {
    const seeder = new Seeder(store, { keys: [key] })
    onTestFinished(() => seeder.close())
    const corestore = await tmpStore()
    const core = corestore.get({ key })
    await core.ready()
    const [theirs, ours] = [corestore.replicate(true), seeder.replicate(false)]
    theirs.pipe(ours as never)
    ours.pipe(theirs)
    for (const stream of [theirs, ours]) {
      stream.on('error', () => {})
      onTestFinished(() => stream.destroy())
    }
    await until(() => core.length === ENTRIES + 1)
    await core.download({ start: 0, end: core.length }).done()
    expect(core.contiguousLength).toBe(ENTRIES + 1)
  })
})
