import b4a from 'b4a'
import Corestore from 'corestore'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { HypercoreLog } from '../src/hypercore-adapter.ts'

/** How often something was written to a Corestore. */
function writesTo(store: Corestore): number {
  const { stats } = (store as unknown as { storage: { rocks: { stats: { writeBatches: number } } } }).storage
    .rocks
  return stats.writeBatches
}

test('an append is one write, and the next open knows that the log has no gaps', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'multi-bee-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const open = (store: Corestore, key: Uint8Array | null): Promise<HypercoreLog> =>
    HypercoreLog.open(store, { key, encryptionKey: null, isOwn: key === null, onUpdate: () => {} })

  const store = new Corestore(dir)
  const log = await open(store, null)
  await log.append([b4a.from('first')])
  const before = writesTo(store)
  for (let i = 0; i < 10; i++) await log.append([b4a.from('a'), b4a.from('b')])
  expect(writesTo(store) - before).toBe(10)
  await store.close()

  const again = new Corestore(dir)
  const followed = await open(again, log.key)
  expect(followed.available).toBe(21)
  await again.close()
})
