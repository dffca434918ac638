import { collect } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type DriveEntry, type DriveLike, UnionDrive } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { driveMaker, textOf } from './support/drives.ts'
import { HangTimer } from './support/fake-source.ts'

test('an early break of a file’s stream ends that of the drive', async () => {
  const make = await driveMaker()
  const drive = await make({ '/a': 'x'.repeat(200_000) })
  const streams: { destroyed: boolean }[] = []
  const watched: DriveLike = {
    entry: (name) => drive.entry(name),
    entries: (...args) => drive.entries(...args),
    get: (entry) => drive.get(entry),
    createReadStream: (entry) => {
      const stream = drive.createReadStream(entry)
      streams.push(stream as unknown as { destroyed: boolean })
      return stream
    }
  }
  await using union = new UnionDrive([watched])
  for await (const _ of union.createReadStream('/a')) break
  expect(streams.map(({ destroyed }) => destroyed)).toEqual([true])
})

test('what is wrong is refused with a code', async () => {
  const make = await driveMaker()
  expect(() => new UnionDrive([])).toThrow(/^UNION_BEE_NO_SOURCES/)
  expect(() => new UnionDrive([{} as never])).toThrow(/^UNION_BEE_BAD_ARGUMENT/)
  const drives = [await make()]
  expect(() => new UnionDrive(drives, { policy: 'maybe' as never })).toThrow(/^UNION_BEE_BAD_ARGUMENT/)
  const readable = new UnionDrive(drives)
  expect(() => new UnionDrive([], { top: readable as never })).toThrow(/^UNION_BEE_NOT_WRITABLE/)
  const union = new UnionDrive([await make({ '/a': '1' })])
  await expect(union.put('/a', Buffer.alloc(1))).rejects.toMatchObject({ code: 'UNION_BEE_NOT_WRITABLE' })
  await expect(union.del('/a')).rejects.toMatchObject({ code: 'UNION_BEE_NOT_WRITABLE' })
  const top = await make({ '/kept': '1' })
  const editable = new UnionDrive([], { top })
  for (const root of ['/', '', '/a/..', '.'])
    await expect(editable.put(root, Buffer.alloc(1))).rejects.toMatchObject({
      code: 'UNION_BEE_BAD_ARGUMENT'
    })
  expect(() => editable.createWriteStream('/')).toThrow(/^UNION_BEE_BAD_ARGUMENT/)
  expect(await top.entry('/kept')).not.toBeNull()
  const stranger = await (await make({ '/a': '1' })).entry('/a')
  await expect(union.get(stranger as never)).rejects.toMatchObject({ code: 'UNION_BEE_BAD_ARGUMENT' })
  const listing = union.list()
  await union.close()
  await expect(collect(listing)).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  await expect(union.entry('/a')).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  await expect(collect(union.createReadStream('/a'))).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
})

test('drives that fail or hang are left out when they may be, and named', async () => {
  const make = await driveMaker()
  const timer = new HangTimer()
  const [high, low] = [
    await make({ '/a': 'high', '/d/e': 'high' }),
    await make({ '/a': 'low', '/b': 'low', '/d': 'x' })
  ]
  for (const answer of [() => Promise.reject(new Error('disk')), () => timer.hang()]) {
    const broken: DriveLike = {
      entry: answer,
      async *entries() {
        yield await answer()
      },
      get: answer,
      createReadStream: () => null
    }
    await using union = new UnionDrive([high, broken, low], { policy: 'degrade', timer, timeoutMs: 1000 })
    expect((await union.entry('/a'))?.skipped).toBeUndefined()
    const entry = await union.entry('/b')
    expect(entry?.skipped?.map(({ source }) => source)).toEqual(['drive-1'])
    expect((await union.get(entry ?? ''))?.toString()).toBe('low')
    await expect(union.entry('/none')).rejects.toMatchObject({ code: 'UNION_BEE_PARTIAL' })
    const listing = union.list()
    expect((await collect(listing)).map(({ key }) => key)).toEqual(['/a', '/b', '/d/e'])
    expect(listing.skipped.map(({ source }) => source)).toEqual(['drive-1'])
    const names = union.readdir()
    expect(await collect(names)).toEqual(['a', 'b', 'd'])
    expect(names.skipped.map(({ source }) => source)).toEqual(['drive-1'])
    expect(timer.armed).toBe(0)
  }
})

test('a drive that fails does so with its name and its error', async () => {
  const failing: DriveLike = {
    entry: () => Promise.reject(new Error('disk')),
    // oxlint-disable-next-line require-yield
    async *entries() {
      throw new Error('disk')
    },
    get: () => Promise.resolve(null),
    createReadStream: () => null
  }
  await using union = new UnionDrive([failing])
  const failed = { code: 'UNION_BEE_SOURCE_FAILED', source: 'drive-0', cause: { message: 'disk' } }
  await expect(union.entry('/a')).rejects.toMatchObject(failed)
  await expect(collect(union.list())).rejects.toMatchObject(failed)
})

test('a readdir that a drive was left out of says so, whichever of its reads failed', async () => {
  const make = await driveMaker()
  const high = await make({ '/d/b': 'hi' })
  const faulty = altered(high, { entry: () => Promise.reject(new Error('offline')) }) as unknown as DriveLike
  await using union = new UnionDrive([faulty, await make({ '/d/a': 'lo', '/d/b': 'lo' })], {
    policy: 'degrade'
  })
  const stream = union.readdir('/d')
  expect(await collect(stream)).toEqual(['a', 'b'])
  expect(stream.skipped.map(({ source }) => source)).toEqual(['drive-0'])
})

test('a drive of which one stream fails lets go of the other', async () => {
  const make = await driveMaker()
  const open = new Set<object>()
  const files = {
    at: 0,
    [Symbol.asyncIterator]() {
      return this
    },
    next: async () => ({ done: false, value: { seq: 1, key: `/a${files.at++}`, value: {} } }),
    return: async () => {
      open.delete(files)
      return { done: true, value: undefined }
    }
  }
  const faulty = {
    db: {
      get: () => Promise.resolve(null),
      // oxlint-disable-next-line require-yield
      createReadStream: async function* () {
        throw new Error('disk')
      }
    },
    entry: () => Promise.resolve(null),
    entries: () => {
      open.add(files)
      return files
    },
    get: () => Promise.resolve(null),
    createReadStream: () => null
  } as unknown as DriveLike
  await using union = new UnionDrive([faulty, await make({ '/z': 'lo' })], { policy: 'degrade' })
  await collect(union.list('/'))
  expect(open.size).toBe(0)
})

test('a file that cannot be read to its end says of which drive it is, and a `newest` that throws has a code', async () => {
  const make = await driveMaker()
  const drive = await make({ '/a': 'x' })
  const cut = altered(drive, {
    createReadStream: () => {
      const bytes = drive.createReadStream('/a')
      bytes.destroy(new Error('disk'))
      return bytes
    }
  })
  await using union = new UnionDrive([await make(), cut])
  await expect(collect(union.createReadStream('/a'))).rejects.toMatchObject({
    code: 'UNION_BEE_SOURCE_FAILED',
    source: 'drive-1',
    cause: { message: 'disk' }
  })
  const newest = () => {
    throw new Error('a bug')
  }
  await using ordered = new UnionDrive([drive, await make({ '/a': 'y' })], { newest })
  const failed = { code: 'UNION_BEE_RESOLVER_FAILED', cause: { message: 'a bug' } }
  await expect(ordered.entry('/a')).rejects.toMatchObject(failed)
  await expect(collect(ordered.list())).rejects.toMatchObject(failed)
})

for (const policy of ['fail', 'degrade'] as const)
  test(`what is put while a drive does not answer is shown when that is back, where the newest is shown (${policy})`, async () => {
    const make = await driveMaker()
    const [top, lower] = [await make(), await make()]
    await lower.put('/a', Buffer.from('theirs'), { metadata: { time: 9 } })
    let isOffline = false
    const flaky = altered(lower, {
      entry: (path: string) => (isOffline ? Promise.reject(new Error('offline')) : lower.entry(path)),
      entries: (...args: Parameters<typeof lower.entries>) => {
        if (isOffline) throw new Error('offline')
        return lower.entries(...args)
      }
    })
    const newest = ({ value }: DriveEntry) => (value.metadata as { time?: number } | null)?.time ?? null
    await using union = new UnionDrive([flaky], { top, newest, policy })
    isOffline = true
    await union.put('/a', Buffer.from('mine'))
    isOffline = false
    expect(await textOf(union, '/a')).toBe('mine')
  })
