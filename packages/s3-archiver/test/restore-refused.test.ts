import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { tmpStore } from '@cloudpal/test-kit'
import { CoreWriter } from '../src/core-writer.ts'
import { Archiver, restore, S3ArchiverError } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered, openCore, WRITER } from './archived.ts'

const QUIET = { live: false, probe: false } as const

test('what a restore that was ended has left is not in one without blocks', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  const key = core.key as Uint8Array
  await core.append(Array.from({ length: 64 }, () => crypto.randomBytes(60_000)))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const corestore = await tmpStore()
  // All blocks of the one segment but a few are written when the disk fails.
  const { write } = CoreWriter.prototype
  let pieces = 0
  CoreWriter.prototype.write = async function (...args) {
    if (pieces++ === 3) throw new Error('the disk is full')
    return write.apply(this, args)
  }
  try {
    await expect(restore(store, { corestore, key })).rejects.toThrow('the disk is full')
  } finally {
    CoreWriter.prototype.write = write
  }
  const report = await restore(store, { corestore, key, blocks: 'none' })
  const restored = corestore.get({ key })
  await restored.ready()
  const held: number[] = []
  for (let seq = 0; seq < restored.length; seq++) if (await restored.has(seq)) held.push(seq)
  const proven: unknown[] = []
  for (const index of held)
    proven.push(
      await restored.proof({ block: { index, nodes: 0 } }).then(
        () => 'ok',
        (e: Error) => e.message
      )
    )
  expect({ blocks: report.blocks, held: held.length, proven }).toEqual({ blocks: 0, held: 0, proven: [] })
})

test('a restore with nothing in parallel is refused, and does not wait for ever', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 3))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const corestore = await tmpStore()
  const key = core.key as Uint8Array
  for (const parallel of [0, -1, 0.5, NaN])
    await expect(restore(store, { corestore, key, parallel })).rejects.toMatchObject({
      code: 'S3_ARCHIVER_BAD_ARGUMENT'
    })
})

test('a writable restore that cannot go where it should fences nobody', async () => {
  const store = new MemoryStore()
  const here = await tmpStore()
  const core = here.get({ name: 'core' })
  await core.append(numbered(0, 3))
  const key = core.key as Uint8Array
  const archiver = new Archiver(store, { corestore: here, ...QUIET })
  await archiver.flush()
  const there = await tmpStore()
  await restore(store, { corestore: there, key })
  const { keyPair } = core as unknown as { keyPair: { publicKey: Uint8Array; secretKey: Uint8Array } }
  await expect(restore(store, { corestore: there, key, writable: { keyPair } })).rejects.toMatchObject({
    code: 'S3_ARCHIVER_NOT_EMPTY'
  })
  await core.append(numbered(3, 4))
  expect(
    await archiver.flush().then(
      () => 'ok',
      (error: S3ArchiverError) => error.code
    )
  ).toBe('ok')
  await archiver.close()
})
