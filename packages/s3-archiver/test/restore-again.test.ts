import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { tmpStore } from '@cloudpal/test-kit'
import {
  Archiver,
  restore,
  S3ArchiverError,
  type CallOptions,
  type PutOptions,
  type RangeResult
} from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered, openCore, WRITER } from './archived.ts'
import { Passing } from './bad-stores.ts'

const QUIET = { live: false, probe: false } as const

class Interrupting extends Passing {
  isArmed = true
  override async getRange(
    name: string,
    range: { start: number; end: number },
    options?: CallOptions
  ): Promise<RangeResult | null> {
    if (this.isArmed && name.startsWith('s/'))
      throw new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', 'away', { retryable: true })
    return super.getRange(name, range, options)
  }
}

async function keyPairOf(core: Hypercore): Promise<{ publicKey: Uint8Array; secretKey: Uint8Array }> {
  await core.ready()
  return (core as unknown as { keyPair: { publicKey: Uint8Array; secretKey: Uint8Array } }).keyPair
}

async function interrupted(writable: boolean): Promise<{
  store: Interrupting
  corestore: Awaited<ReturnType<typeof tmpStore>>
  core: Hypercore
}> {
  const store = new Interrupting(new MemoryStore())
  const core = await openCore()
  await core.append([crypto.randomBytes(100_000)])
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flushed()
  await archiver.close()
  const corestore = await tmpStore()
  const key = core.key as Uint8Array
  const keyPair = await keyPairOf(core)
  const options = { corestore, key, ...(writable ? { writable: { keyPair } } : {}) }
  await expect(restore(store, options)).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_UNAVAILABLE' })
  store.isArmed = false
  return { store, corestore, core }
}

test('a read-only restore that goes on after an interrupted writable one cannot be written: it would fork the core', async () => {
  const { store, corestore, core } = await interrupted(true)
  const key = core.key as Uint8Array
  const restored = await restore(store, { corestore, key })
  const again = corestore.get({ key })
  await again.ready()
  expect({ said: restored.writable, fork: again.fork, writable: again.writable }).toEqual({
    said: false,
    fork: 0,
    writable: false
  })
})

test('a writable restore that goes on after an interrupted read-only one can be written', async () => {
  const { store, corestore, core } = await interrupted(false)
  const key = core.key as Uint8Array
  const restored = await restore(store, { corestore, key, writable: { keyPair: await keyPairOf(core) } })
  const again = corestore.get({ key })
  await again.ready()
  expect({ said: restored.writable, writable: again.writable }).toEqual({ said: true, writable: true })
})

test('a Corestore in which a core was looked for in vain, and closed, is restored into', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 3))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const key = core.key as Uint8Array
  const corestore = await tmpStore()
  const empty = corestore.get({ key })
  await empty.ready()
  // Nothing here: so it is restored.
  await empty.close()
  await restore(store, { corestore, key })
  const restored = corestore.get({ key })
  await restored.ready()
  expect(await restored.get(2, { wait: false })).toEqual(numbered(2, 3)[0])
})

test('a writable restore whose last commit has failed goes on when it is called again, as its page says', async () => {
  const inner = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 3))
  const archiver = new Archiver(inner, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  let commits = 0
  class Failing extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (name.startsWith('l/') && ++commits === 2)
        throw new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', 'away', { retryable: true })
      return super.putIfAbsent(name, bytes, options)
    }
  }
  const store = new Failing(inner)
  const options = {
    corestore: await tmpStore(),
    key: core.key as Uint8Array,
    writable: { keyPair: await keyPairOf(core) }
  }
  await expect(restore(store, options)).rejects.toMatchObject({ retryable: true })
  expect(await restore(store, options)).toMatchObject({ writable: true, length: 3 })
})
