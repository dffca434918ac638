import { once } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { collect } from '@cloudpal/test-kit'
import type Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import { WHITEOUTS } from '../src/drive/whiteouts.ts'
import { type DriveLike, UnionDrive } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { driveMaker, paths, textOf } from './support/drives.ts'

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
  expect(await textOf(union, '/x/deep')).toBe('again')
  expect(await middle.get('/x')).toEqual(Buffer.from('middle'))
})

test('to delete a file deletes nothing else: what a drive has below its path stays', async () => {
  const make = await driveMaker()
  const low = await make({ '/a': 'file', '/a/b': 'below' })
  await using union = new UnionDrive([low], { top: await make() })
  await union.del('/a')
  expect(await paths(union)).toEqual(['/a/b'])
  expect(await textOf(union, '/a/b')).toBe('below')
})

test('a directory that took the place of a file does not give it back with its last file', async () => {
  const make = await driveMaker()
  await using union = new UnionDrive([await make({ '/a': 'low' })], { top: await make() })
  await union.put('/a/b', Buffer.from('1'))
  await union.put('/a/c', Buffer.from('1'))
  await union.del('/a/b')
  await union.del('/a/c')
  expect(await paths(union)).toEqual([])
  expect(await textOf(union, '/a')).toBeNull()
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
  await top.db.put('/a', { version: 1 }, WHITEOUTS as never)
  await using union = new UnionDrive([low], { top })
  expect(await paths(union)).toEqual(['/c'])
  expect(await union.exists('/a/b')).toBe(false)
  await top.db.put('/c', { version: 3 }, WHITEOUTS as never)
  const refused = { code: 'UNION_BEE_BAD_WHITEOUT', source: 'drive-0' }
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

test('what is put is read back, also when the newest is shown and it is older', async () => {
  const make = await driveMaker()
  const low = await make()
  await low.put('/a', Buffer.from('old'), { metadata: { ms: 5 } })
  const ms = ({ value }: { value: { metadata: unknown } }) =>
    (value.metadata as { ms?: number } | null)?.ms ?? null
  await using union = new UnionDrive([low], { top: await make(), newest: ms })
  await union.put('/a', Buffer.from('new'))
  expect(await textOf(union, '/a')).toBe('new')
})

test('deletes and links in several drives: list and entry agree', async () => {
  const make = await driveMaker()
  const [low, mid, top] = [
    await make({ '/a/x': '1', '/a/y': '1', '/b': '1' }),
    await make({ '/a': '2' }),
    await make()
  ]
  await using union = new UnionDrive([mid, low], { top })
  await union.del('/a')
  await union.put('/a/y', Buffer.from('3'))
  await union.symlink('/b', '/a/y')
  expect((await collect(union.list('/'))).map(({ key }) => key)).toEqual(['/a/y', '/b'])
  expect(await textOf(union, '/a/x')).toBeNull()
  expect((await union.entry('/b'))?.value.linkname).toBe('/a/y')
})

test('a file is written by a stream, in the place of what is there, and is there when that has finished', async () => {
  const make = await driveMaker()
  await using union = new UnionDrive([await make({ '/a/low': '1' })], { top: await make({ '/b/own': '1' }) })
  for (const path of ['/a', '/b']) {
    const bytes = Buffer.alloc(300_000, path)
    const stream = union.createWriteStream(path)
    await pipeline(Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]), stream)
    expect(await union.get(path)).toEqual(bytes)
  }
  expect(await paths(union)).toEqual(['/a', '/b'])
})

test('a stream that is destroyed, or cut off by close, writes no file; one whose drive fails says so', async () => {
  const make = await driveMaker()
  const top = await make()
  const union = new UnionDrive([await make({ '/a': 'low' })], { top })
  const stream = union.createWriteStream('/a')
  stream.write(Buffer.from('half'))
  stream.destroy()
  await once(stream, 'close')
  expect(await textOf(union, '/a')).toBe('low')

  const failing = altered(top, {
    createWriteStream: () => {
      const sink = top.createWriteStream('/c')
      Object.assign(sink, { write: () => (sink as unknown as Writable).destroy(new Error('disk')) && false })
      return sink
    }
  })
  await using broken = new UnionDrive([], { top: failing })
  await expect(
    pipeline(Readable.from([Buffer.from('x')]), broken.createWriteStream('/c'))
  ).rejects.toMatchObject({
    code: 'UNION_BEE_SOURCE_FAILED',
    cause: { message: 'disk' }
  })

  const cut = union.createWriteStream('/b')
  cut.on('error', () => {})
  cut.write(Buffer.from('half'))
  await union.close()
  expect(await top.entry('/b')).toBeNull()
  expect(await top.entry('/c')).toBeNull()
})

test('writes stand one behind the other, and none comes after close', async () => {
  const make = await driveMaker()
  const top = await make()
  const union = new UnionDrive([await make({ '/a': 'low' })], { top })
  const work = [
    union.put('/a/b', Buffer.from('1')),
    union.del('/a/b'),
    union.put('/c', Buffer.from('1')),
    union.del('/c'),
    union.del('/c')
  ]
  await Promise.all(work)
  expect(await paths(union)).toEqual([])
  const late = Promise.allSettled([union.put('/d', Buffer.from('1')), union.put('/e', Buffer.from('1'))])
  await union.close()
  const { length } = await collect(top.list())
  expect((await late).map(({ status }) => status)).toContain('rejected')
  expect((await late).filter(({ status }) => status === 'fulfilled')).toHaveLength(length)
})
