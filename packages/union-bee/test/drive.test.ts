import { collect, replicate, tmpStore } from '@cloudpal/test-kit'
import Hyperdrive from 'hyperdrive'
import MirrorDrive from 'mirror-drive'
import { expect, test } from 'vitest'
import { type DriveLike, UnionDrive } from '../src/index.ts'
import { WHITEOUTS } from '../src/drive/whiteouts.ts'
import { HangTimer } from './support/fake-source.ts'

async function driveMaker() {
  const store = await tmpStore()
  let count = 0
  return async (files: Record<string, string> = {}): Promise<Hyperdrive> => {
    const drive = new Hyperdrive(store.namespace(`drive ${count++}`))
    await drive.ready()
    for (const [path, text] of Object.entries(files)) await drive.put(path, Buffer.from(text))
    return drive
  }
}

const text = async (union: UnionDrive, path: string) => (await union.get(path))?.toString() ?? null
const paths = async (union: UnionDrive, folder = '/') =>
  (await collect(union.list(folder))).map(({ key }) => key)

test('a union of one drive reads as the drive', async () => {
  const make = await driveMaker()
  const drive = await make({ '/a/b': '1', '/a.txt': '2', '/a-': '3', '/c': '4' })
  await drive.symlink('/link', '/c')
  await using union = new UnionDrive([drive])
  expect(await collect(union.list())).toEqual(await collect(drive.list()))
  expect(await collect(union.list('/a'))).toEqual(await collect(drive.list('/a')))
  expect(await collect(union.readdir('/'))).toEqual(await collect(drive.readdir('/')))
  for (const path of ['/a/b', 'a/b', '/a/../c', '/link', '/none']) {
    expect(await union.entry(path)).toEqual(await drive.entry(path))
    expect(await union.get(path)).toEqual(await drive.get(path))
  }
})

test('a file hides a directory below it, and a directory a file', async () => {
  const make = await driveMaker()
  const high = await make({ '/x': 'file', '/y/inner': 'in a directory' })
  const low = await make({ '/x/deep/er': 'hidden', '/x.txt': 'beside', '/y': 'hidden', '/z': 'shown' })
  await using union = new UnionDrive([high, low])
  expect(await paths(union)).toEqual(['/x', '/x.txt', '/y/inner', '/z'])
  expect(await text(union, '/x/deep/er')).toBeNull()
  expect(await text(union, '/y')).toBeNull()
  expect(await paths(union, '/x')).toEqual([])
  expect(await paths(union, '/x/deep')).toEqual([])
})

test('a deleted file does not give way to a directory below it, and may be written again', async () => {
  const make = await driveMaker()
  const low = await make({ '/x/deep': 'low' })
  const middle = await make({ '/x': 'middle' })
  const top = await make()
  await using union = new UnionDrive([middle, low], { top })
  await union.del('/x')
  expect(await paths(union)).toEqual([])
  await union.put('/x/new', Buffer.from('top'))
  expect(await paths(union)).toEqual(['/x/new'])
  await union.put('/x/deep', Buffer.from('again'))
  expect(await text(union, '/x/deep')).toBe('again')
  expect(await middle.get('/x')).toEqual(Buffer.from('middle'))
})

test('to delete a file deletes nothing else: what a drive has below its path stays', async () => {
  const make = await driveMaker()
  const low = await make({ '/a': 'file', '/a/b': 'below' })
  await using union = new UnionDrive([low], { top: await make() })
  await union.del('/a')
  expect(await paths(union)).toEqual(['/a/b'])
  expect(await text(union, '/a/b')).toBe('below')
})

test('a directory that took the place of a file does not give it back with its last file', async () => {
  const make = await driveMaker()
  await using union = new UnionDrive([await make({ '/a': 'low' })], { top: await make() })
  await union.put('/a/b', Buffer.from('1'))
  await union.put('/a/c', Buffer.from('1'))
  await union.del('/a/b')
  await union.del('/a/c')
  expect(await paths(union)).toEqual([])
  expect(await text(union, '/a')).toBeNull()
})

test('a file takes the place of a directory, and a directory of a file, also in the top', async () => {
  const make = await driveMaker()
  await using union = new UnionDrive([await make({ '/a/low': '1', '/b': '1' })], { top: await make() })
  await union.put('/a', Buffer.from('2'))
  await union.put('/a/x', Buffer.from('3'))
  await union.put('/b/y', Buffer.from('3'))
  await union.put('/b', Buffer.from('4'))
  expect(await paths(union)).toEqual(['/a/x', '/b'])
})

test('a file of the top alone is deleted without a trace; a drive that cannot be asked may have one', async () => {
  const make = await driveMaker()
  const whiteouts = async (drive: Hyperdrive) =>
    (await collect(drive.db.createReadStream({}, WHITEOUTS as object))).map(({ key }) => key)
  const [top, low] = [await make(), await make()]
  let isOffline = false
  const lower: DriveLike = {
    entry: (name) => (isOffline ? Promise.reject(new Error('offline')) : low.entry(name)),
    entries: (...args) => low.entries(...args),
    get: (entry) => low.get(entry),
    createReadStream: (entry) => low.createReadStream(entry)
  }
  await using union = new UnionDrive([lower], { top })
  for (const path of ['/a/b', '/c']) await union.put(path, Buffer.from('1'))
  await union.del('/a/b')
  expect(await whiteouts(top)).toEqual([])
  isOffline = true
  await union.del('/c')
  expect(await whiteouts(top)).toEqual(['/c'])
})

test('a whiteout of version 1 hides a tree, and one of no known version is refused', async () => {
  const make = await driveMaker()
  const [top, low] = [await make(), await make({ '/a/b': '1', '/c': '1' })]
  await top.db.put('/a', { version: 1 }, WHITEOUTS)
  await using union = new UnionDrive([low], { top })
  expect(await paths(union)).toEqual(['/c'])
  expect(await union.exists('/a/b')).toBe(false)
  await top.db.put('/c', { version: 3 }, WHITEOUTS)
  const refused = { code: 'UNION_BEE_SOURCE_FAILED', cause: { code: 'UNION_BEE_BAD_WHITEOUT' } }
  await expect(union.entry('/c')).rejects.toMatchObject(refused)
  await expect(paths(union)).rejects.toMatchObject(refused)
})

test('a whiteout is no file of the drive, and no file can be one', async () => {
  const make = await driveMaker()
  const [top, low] = [await make(), await make({ '/a': 'low', '/cloudpal-whiteouts/a': 'user', '/b': 'low' })]
  await top.put('/cloudpal-whiteouts/b', Buffer.from('user'))
  await using union = new UnionDrive([low], { top })
  await union.del('/a')
  expect(await paths(union)).toEqual(['/b', '/cloudpal-whiteouts/a', '/cloudpal-whiteouts/b'])
  expect((await collect(top.list())).map(({ key }) => key)).toEqual(['/cloudpal-whiteouts/b'])
})

test('the bytes of a whiteout are those of FORMAT.md', async () => {
  const make = await driveMaker()
  const [top, low] = [await make(), await make({ '/a/b': 'low', '/c/d': 'low' })]
  await using union = new UnionDrive([low], { top })
  await union.del('/a/b')
  await union.put('/c', Buffer.from('top'))
  await union.del('/c')
  const raw = top.db.createReadStream({}, { keyEncoding: 'binary', valueEncoding: 'binary' } as never)
  const [file, tree] = await collect(raw as unknown as AsyncIterable<{ key: Buffer; value: Buffer }>)
  expect(file?.key.toString()).toBe('cloudpal-whiteouts\0/a/b')
  expect(file?.value.toString()).toBe('{"version":2,"hides":"file"}')
  expect(tree?.key.toString()).toBe('cloudpal-whiteouts\0/c')
  expect(tree?.value.toString()).toBe('{"version":2,"hides":"tree"}')
})

test('the newest version is shown when that is wanted', async () => {
  const make = await driveMaker()
  const [high, low] = [await make(), await make()]
  await high.put('/a', Buffer.from('old'), { metadata: { time: 1 } })
  await low.put('/a', Buffer.from('new'), { metadata: { time: 2 } })
  await high.put('/b', Buffer.from('high'))
  await low.put('/b', Buffer.from('low'))
  const newest = ({ value }: { value: { metadata: unknown } }) =>
    (value.metadata as { time: number } | null)?.time ?? null
  await using union = new UnionDrive([high, low], { newest })
  expect(await text(union, '/a')).toBe('new')
  expect(await text(union, '/b')).toBe('high')
  const [listed] = await collect(union.list())
  expect((await union.get(listed ?? ''))?.toString()).toBe('new')
})

test('a part of a file is read from the drive that has it', async () => {
  const make = await driveMaker()
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
  const low = await make()
  await low.put('/big', bytes)
  await using union = new UnionDrive([await make({ '/other': '' }), low])
  const read = async (range = {}) => Buffer.concat(await collect(union.createReadStream('/big', range)))
  expect(await read()).toEqual(bytes)
  expect(await read({ start: 70_000, end: 200_000 })).toEqual(bytes.subarray(70_000, 200_001))
  expect(await collect(union.createReadStream('/other'))).toEqual([])
  await expect(collect(union.createReadStream('/none'))).rejects.toMatchObject({
    code: 'UNION_BEE_NOT_FOUND'
  })
})

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

test('a union is mirrored to a drive, and a drive to a union’s top', async () => {
  const make = await driveMaker()
  const [high, low] = [await make({ '/a': 'high', '/d/e': '1' }), await make({ '/a': 'low', '/b': 'low' })]
  await using union = new UnionDrive([high, low])
  const copy = await make({ '/stale': 'x' })
  await new MirrorDrive(union, copy).done()
  expect((await collect(copy.list())).map(({ key }) => key)).toEqual(['/a', '/b', '/d/e'])
  expect((await copy.get('/a'))?.toString()).toBe('high')

  const top = await make()
  await using editable = new UnionDrive([low], { top })
  await new MirrorDrive(high, editable).done()
  expect(await paths(editable)).toEqual(['/a', '/d/e'])
  expect(await text(editable, '/a')).toBe('high')
  expect((await low.get('/b'))?.toString()).toBe('low')
})

test('blobs stay where they are: of a remote drive only the file that is read comes over', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const remote = new Hyperdrive(theirs)
  await remote.put('/wanted', Buffer.alloc(100_000, 1))
  await remote.put('/other', Buffer.alloc(1_000_000, 2))
  const copy = new Hyperdrive(mine.namespace('copy'), remote.key)
  await copy.ready()
  replicate(mine, theirs)
  await copy.db.update()
  await using union = new UnionDrive([copy], { top: new Hyperdrive(mine.namespace('top')) })
  expect((await union.get('/wanted'))?.length).toBe(100_000)
  await union.del('/other')
  expect(await paths(union)).toEqual(['/wanted'])
  const blobs = (copy as unknown as { blobs: { core: { contiguousLength: number; length: number } } }).blobs
    .core
  expect(blobs.length).toBeGreaterThan(15)
  expect(blobs.contiguousLength).toBeLessThan(5)
})

test('what is wrong is refused with a code', async () => {
  const make = await driveMaker()
  expect(() => new UnionDrive([])).toThrow(/^UNION_BEE_NO_SOURCES/)
  expect(() => new UnionDrive([{} as never])).toThrow(/^UNION_BEE_BAD_ARGUMENT/)
  const union = new UnionDrive([await make({ '/a': '1' })])
  await expect(union.put('/a', Buffer.alloc(1))).rejects.toMatchObject({ code: 'UNION_BEE_NOT_WRITABLE' })
  await expect(union.del('/a')).rejects.toMatchObject({ code: 'UNION_BEE_NOT_WRITABLE' })
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
