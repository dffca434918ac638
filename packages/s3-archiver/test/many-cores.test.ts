import b4a from 'b4a'
import type Corestore from 'corestore'
import { expect, test } from 'vitest'
import { tmpDir, tmpStore } from '@cloudpal/test-kit'
import { Archiver } from '../src/index.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, textOf } from './archived.ts'
import { FaultyStore } from './faulty-store.ts'

const CORES = 1000

/** Cores that are closed again, with three blocks each. */
async function makeCores(corestore: Corestore, count: number): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const core = corestore.get({ name: `core ${i}` })
    await core.ready()
    await core.append(numbered(3 * i, 3 * i + 3))
    keys.push(core.key as Uint8Array)
    await core.close()
  }
  return keys
}

/** Sessions that were opened of a Corestore's cores since. */
function countOpened(corestore: Corestore): { count: number } {
  const opened = { count: 0 }
  const inner = corestore as unknown as { get(options: object): unknown }
  const get = inner.get.bind(corestore)
  inner.get = (options) => {
    opened.count++
    return get(options)
  }
  return opened
}

test('an archive of a thousand cores takes one request when one of them has changed, and opens no other', async () => {
  const dir = await tmpDir()
  const made = await tmpStore({ dir })
  const keys = await makeCores(made, CORES)
  await made.close()
  const corestore = await tmpStore({ dir })
  const store = new FaultyStore(new MemoryStore())
  const options = { corestore, live: false, probe: false }
  const first = new Archiver(store, options)
  await first.ready()
  const opened = countOpened(corestore)
  store.calls = 0
  expect(await first.flush()).toMatchObject({ cores: CORES, blocks: 3 * CORES, missing: 0 })
  // A checkpoint, and a commit with all the blocks.
  expect([store.calls, opened.count]).toEqual([2, 0])

  const changed = corestore.get({ name: 'core 500' })
  await changed.ready()
  await changed.append(b4a.from('new'))
  store.calls = 0
  opened.count = 0
  expect(await first.flush()).toMatchObject({ cores: 1, blocks: 1 })
  expect([store.calls, opened.count]).toEqual([1, 1])
  await first.close()

  // Another one knows what is there without opening anything, and goes on.
  const second = new Archiver(store, options)
  opened.count = 0
  expect(await second.flush()).toBeNull()
  expect(opened.count).toBe(0)
  await changed.append(b4a.from('newer'))
  expect(await second.flush()).toMatchObject({ cores: 1, blocks: 1 })
  expect(await archived(store, keys[500] as Uint8Array)).toEqual([
    ...textOf(numbered(1500, 1503)),
    'new',
    'newer'
  ])
  for (const core of [0, 499, 999]) {
    store.calls = 0
    const { record } = await readHead(store, keys[core] as Uint8Array)
    expect([record.length, store.calls]).toEqual([3, 4])
  }
  await second.close()
})

test('cores that come later, are opened by others, or change all the time are archived, and commits stay small', async () => {
  const corestore = await tmpStore()
  const keys = await makeCores(corestore, 60)
  const store = new FaultyStore(new MemoryStore())
  const archiver = new Archiver(store, { corestore, live: false, probe: false })
  await archiver.flush()
  const lengths = new Map<number, number>()
  for (let i = 0; i < 200; i++) {
    const index = (i * i) % 70
    const core = corestore.get({ name: `core ${index}` })
    await core.ready()
    if (index >= 60) keys[index] = core.key as Uint8Array
    await core.append(numbered(0, 1))
    lengths.set(index, core.length)
    if (i % 3 === 0) await core.close()
    expect(await archiver.flush()).toMatchObject({ cores: 1 })
  }
  for (const [index, length] of lengths)
    expect((await archived(store, keys[index] as Uint8Array)).length).toBe(length)
  for await (const { name, size } of store.list('l/')) expect(name.length + size).toBeLessThan(12_000)
  await archiver.close()
})
