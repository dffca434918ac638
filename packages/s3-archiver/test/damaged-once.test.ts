import { describe, expect, test } from 'vitest'
import { tmpDir } from '@cloudpal/test-kit'
import { readFromArchive } from '../src/browser/index.ts'
import { FileStore } from '../src/index.ts'
import { numbered } from './archived.ts'
import { archived, Meddling, open, outcome } from './meddling-store.ts'

describe('what was damaged once, on its way', () => {
  test.each([
    ['a small shard', 400],
    ['a large shard', 4000]
  ])('%s is read once more', async (_, size) => {
    const blocks = numbered(0, 300, size)
    const { store, key } = await archived(blocks)
    const meddling = new Meddling(store)
    let isDone = false
    meddling.change = (name, bytes, { start, end }) => {
      if (!name.startsWith('s/') || isDone || (size === 4000 && start === 0)) return bytes
      isDone = end > 0
      return bytes.fill(0, bytes.byteLength - 2000)
    }
    const read = await readFromArchive(meddling, { key })
    const last = size === 4000 ? 7 : 299
    expect(await outcome(read.get(last))).toEqual(blocks[last])
    expect(isDone).toBe(true)
  })

  test('is not kept in the cache on the disk', async () => {
    const blocks = numbered(0, 300, 4000)
    const { store, key } = await archived(blocks)
    const meddling = new Meddling(store)
    meddling.change = (name, bytes) => (name.startsWith('s/') ? bytes.fill(0) : bytes)
    const cache = new FileStore(await tmpDir())
    const first = await open(meddling, { key, cache })
    expect(await outcome(first.core.get(7))).toBe('S3_ARCHIVER_DAMAGED')
    await first.close()
    const second = await open(store, { key, cache })
    expect(await outcome(second.core.get(7))).toEqual(blocks[7])
  })
})
