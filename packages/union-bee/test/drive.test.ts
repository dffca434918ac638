import { collect, replicate, tmpStore } from '@cloudpal/test-kit'
import Hyperdrive from 'hyperdrive'
import MirrorDrive from 'mirror-drive'
import { expect, test } from 'vitest'
import { type DriveLike, UnionDrive } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { driveMaker, paths, textOf } from './support/drives.ts'

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
  expect(await textOf(union, '/x/deep/er')).toBeNull()
  expect(await textOf(union, '/y')).toBeNull()
  expect(await paths(union, '/x')).toEqual([])
  expect(await paths(union, '/x/deep')).toEqual([])
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
  expect(await textOf(union, '/a')).toBe('new')
  expect(await textOf(union, '/b')).toBe('high')
  const [listed] = await collect(union.list())
  expect((await union.get(listed ?? ''))?.toString()).toBe('new')
})

test('readdir gives a name once, also where a drive has a file and something below it, as Hyperdrive’s does', async () => {
  const make = await driveMaker()
  const drive = await make({ '/a': '1', '/a/x': '1' })
  expect(await collect(drive.readdir('/'))).toEqual(['a'])
  await using union = new UnionDrive([drive])
  expect(await collect(union.readdir('/'))).toEqual(['a'])
})

test('a union of drives is a drive of another union, which also says what it was left without', async () => {
  const make = await driveMaker()
  await using inner = new UnionDrive([await make({ '/a': '1' })])
  await using outer = new UnionDrive([inner])
  expect(await textOf(outer, '/a')).toBe('1')
  const lost = altered(await make(), { entry: () => Promise.reject(new Error('offline')) })
  await using partly = new UnionDrive([lost, await make({ '/a': '1' })], {
    policy: 'degrade'
  })
  await using over = new UnionDrive([partly])
  expect((await over.entry('/a'))?.skipped?.map(({ source }) => source)).toEqual(['drive-0/drive-0'])
  expect(await textOf(over, '/a')).toBe('1')
  await expect(over.entry('/b')).rejects.toMatchObject({ code: 'UNION_BEE_PARTIAL' })
  await expect(over.lookup('/b')).resolves.toMatchObject({ entry: null, skipped: [{}] })
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
  expect(await textOf(editable, '/a')).toBe('high')
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

test('readdir scans a directory of files once, and of directories reads no more than their beginnings', async () => {
  const make = await driveMaker()
  const files = Array.from({ length: 30 }, (_, i) => [`/f${i}`, 'x'])
  const inside = Array.from({ length: 40 }, (_, i) => [`/d/${i}`, 'x'])
  const drive = await make(Object.fromEntries([...inside, ...files]))
  let [scans, read] = [0, 0]
  let late = 0
  let isDone = false
  const counted = altered(drive, {
    entries: (...args: Parameters<Hyperdrive['entries']>) => {
      scans++
      const stream = drive.entries(...args)
      // What streamx hands out, it has read.
      const push = (stream as unknown as { push(entry: unknown): boolean }).push.bind(stream)
      const destroy = stream.destroy.bind(stream)
      return Object.assign(stream, {
        push: (entry: unknown) => {
          read++
          return push(entry)
        },
        destroy: () => {
          if (isDone) late++
          return destroy()
        }
      })
    }
  }) as unknown as DriveLike
  await using union = new UnionDrive([counted])
  let names = 0
  for await (const _ of union.readdir('/')) if (++names === 31) isDone = true
  expect(names).toBe(31)
  expect(scans).toBe(2)
  expect(read).toBeLessThan(30 + 2 * 20)
  // Streams that are done are not held until the end of the walk either.
  expect(late).toBeLessThan(10)
})

test('an ignored file hides no directory of a flat list', async () => {
  const make = await driveMaker()
  await using union = new UnionDrive([await make({ '/dir/a': '1', '/dir/b': '2', '/x': '3' })])
  const listed = async (ignore: string | string[]) =>
    (await collect(union.list('/', { recursive: false, ignore }))).map(({ key }) => key)
  expect(await listed('/dir/a')).toEqual(['/dir/b', '/x'])
  expect(await listed('/dir')).toEqual(['/x'])
})
