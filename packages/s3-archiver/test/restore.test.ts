import b4a from 'b4a'
import { describe, expect, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { Archiver } from '../src/index.ts'
import { restore } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'

const WRITER = b4a.alloc(16, 1)

async function archivedCore(blocks: readonly Uint8Array[], options: object = {}) {
  const source = (await tmpStore()).get({ name: 'core', ...options })
  await source.ready()
  for (let i = 0; i < blocks.length; i += 5000) await source.append(blocks.slice(i, i + 5000))
  const store = new MemoryStore()
  await new Archiver(store, { cores: [source], writerId: WRITER, live: false, probe: false }).flush()
  return { store, source, key: source.key as Uint8Array }
}

const numbered = (count: number, size = 20): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => b4a.from(`${i} `.padEnd(size, 'x')))

describe('a restored core', () => {
  test.each([1, 2, 100, 32767, 32768, 32769, 70000])('of %i blocks is the core', async (count) => {
    const blocks = numbered(count)
    const { store, key } = await archivedCore(blocks)
    const corestore = await tmpStore()
    const told: number[] = []
    const restored = await restore(store, {
      corestore,
      key,
      onProgress: ({ blocks: done }) => told.push(done)
    })
    expect(restored).toMatchObject({ fork: 0, length: count, byteLength: count * 20, seq: 1 })
    expect(told.at(-1)).toBe(count)
    const core = corestore.get({ key })
    await core.ready()
    expect([core.length, core.contiguousLength, core.writable]).toEqual([count, count, false])
    for (const seq of [0, 1, count >> 1, 32767, 32768, count - 1].filter((seq) => seq < count))
      expect(await core.get(seq, { wait: false })).toEqual(blocks[seq])
    expect(await core.treeHash()).toHaveLength(32)
  })

  test('replicates on, in both directions', async () => {
    const { store, source, key } = await archivedCore(numbered(50))
    const corestore = await tmpStore()
    await restore(store, { corestore, key })
    const core = corestore.get({ key })
    await core.ready()
    await source.append(b4a.from('next'))
    const fresh = (await tmpStore()).get({ key })
    await fresh.ready()
    const pairs = [
      [source.replicate(true), core.replicate(false)],
      [core.replicate(true), fresh.replicate(false)]
    ] as const
    for (const [left, right] of pairs) left.pipe(right).pipe(left)
    await core.update({ wait: true })
    expect(await core.get(50)).toEqual(b4a.from('next'))
    await fresh.update({ wait: true })
    expect(await fresh.get(3)).toEqual(numbered(4)[3])
    for (const streams of pairs) for (const stream of streams) stream.destroy()
  })

  test('of an encrypted core is read with its key, which the archive never had', async () => {
    const encryption = { key: b4a.alloc(32, 9) }
    const { store, key } = await archivedCore(numbered(20), { encryption })
    const corestore = await tmpStore()
    await restore(store, { corestore, key })
    const core = corestore.get({ key, encryption })
    await core.ready()
    expect(await core.get(7)).toEqual(numbered(8)[7])
  })

  test('of a fork is of that fork', async () => {
    const { store, source, key } = await archivedCore(numbered(20))
    await source.truncate(5)
    await source.append(b4a.from('other'))
    await new Archiver(store, { cores: [source], writerId: WRITER, live: false, probe: false }).flush()
    const corestore = await tmpStore()
    expect(await restore(store, { corestore, key })).toMatchObject({ fork: 1, length: 6 })
    const core = corestore.get({ key })
    await core.ready()
    expect([core.fork, core.length]).toEqual([1, 6])
    expect(await core.get(5)).toEqual(b4a.from('other'))
  })

  test('does not go where the core is already', async () => {
    const { store, key } = await archivedCore(numbered(5))
    const corestore = await tmpStore()
    await restore(store, { corestore, key })
    await expect(restore(store, { corestore, key })).rejects.toMatchObject({ code: 'S3_ARCHIVER_NOT_EMPTY' })
  })

  test('is nowhere when anything of the archive was changed', async () => {
    const { store, key } = await archivedCore(numbered(300, 400))
    for (const { name, size } of await collect(store.list('s/'))) {
      const bytes = (await store.getRange(name, { start: 0, end: size }))?.bytes as Uint8Array
      bytes[size - 5] = (bytes[size - 5] ?? 0) ^ 1
      await store.delete(name)
      await store.putIfAbsent(name, bytes)
    }
    const corestore = await tmpStore()
    await expect(restore(store, { corestore, key })).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    const core = corestore.get({ key })
    await core.ready()
    expect(core.length).toBe(0)
  })
})
