import b4a from 'b4a'
import crypto, { type KeyPair } from 'hypercore-crypto'
import Hypercore, { type Manifest } from 'hypercore'
import merkle from 'hypercore/lib/merkle-tree.js'
import Verifier from 'hypercore/lib/verifier.js'
import { describe, expect, test } from 'vitest'
import { collect, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import { Archiver, restore, type ObjectStore, type RestoreOptions } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'
import { CrashingStore } from './crashing-store.ts'
import { FaultyStore } from './faulty-store.ts'
import { ManualClock } from './manual-clock.ts'

const archiverOf = (store: ObjectStore, core: Hypercore, options: object = {}): Archiver =>
  new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false, ...options })

const restored = async (store: ObjectStore, options: Omit<RestoreOptions, 'corestore'>) => {
  const corestore = await tmpStore()
  const report = await restore(store, { corestore, ...options })
  const core = corestore.get({ key: options.key })
  await core.ready()
  const { audit } = core.core as { audit(options: object): Promise<object> }
  expect(await audit.call(core.core, { dryRun: true })).toMatchObject({ corrupt: false })
  return { report, core }
}

const held = async (core: Hypercore): Promise<(string | null)[]> => {
  const blocks: (Uint8Array | null)[] = []
  for (let seq = 0; seq < core.length; seq++) blocks.push(await core.get(seq, { wait: false }))
  return textOf(blocks)
}

/** What two signers make of blocks. */
function cosigned(core: Hypercore, keyPairs: readonly KeyPair[], blocks: readonly Uint8Array[]): Uint8Array {
  const empty = {
    fork: 0,
    length: 0,
    byteLength: 0,
    roots: [],
    signature: null,
    prologue: null,
    storage: null
  }
  const batch = new merkle.MerkleTreeBatch(empty)
  for (const block of blocks) batch.append(block)
  const verifier = new Verifier(core.key as Uint8Array, core.manifest as Manifest) as unknown as Signing
  return verifier.assemble(
    keyPairs.map((keyPair, signer) => ({
      signer,
      signature: (verifier.signers[signer] as Signer).sign(batch, keyPair),
      patch: 0,
      nodes: null
    }))
  )
}

interface Signer {
  sign(batch: object, keyPair: KeyPair): Uint8Array
}

interface Signing {
  readonly signers: readonly Signer[]
  assemble(signatures: readonly object[]): Uint8Array
}

describe('a core is restored', () => {
  test('as it was at a commit, at a time, or at a length, on any of its lines', async () => {
    const clock = new ManualClock()
    const core = await openCore()
    const store = new MemoryStore({ now: () => clock.now() })
    const archiver = archiverOf(store, core, { clock })
    const key = core.key as Uint8Array
    const states: { seq: number; timeMs: number; texts: (string | null)[]; fork: number }[] = []
    for (const write of [
      () => core.append(numbered(0, 5)),
      () => core.append(numbered(5, 9)),
      () => core.truncate(4),
      () => core.append(numbered(100, 103)),
      () => core.append(numbered(103, 104))
    ]) {
      await write()
      clock.advance(10_000)
      const flushed = await archiver.flush()
      const texts = await held(core)
      states.push({ seq: flushed?.seq ?? -1, timeMs: clock.now(), texts, fork: core.fork })
    }
    for (const { seq, timeMs, texts, fork } of states) {
      const points = [{ seq }, { timeMs }, { timeMs: timeMs + 9999 }, { length: texts.length, fork }]
      for (const at of points) {
        const { core: copy, report } = await restored(store, { key, at })
        expect(report).toMatchObject({ seq, timeMs, fork, length: texts.length, missing: 0 })
        expect(await held(copy)).toEqual(texts)
      }
    }
    // Of lengths between those that were archived, the one below.
    for (const [at, length] of [
      [{ length: 8, fork: 0 }, 5],
      [{ length: 1000, fork: 0 }, 9],
      [{ length: 7 }, 7],
      [{ length: 6 }, 4]
    ] as const)
      expect((await restored(store, { key, at })).report).toMatchObject({ length })
    for (const at of [{ length: 3 }, { length: 4, fork: 0 }, { timeMs: 5 }, { seq: 0 }])
      await expect(restored(store, { key, at })).rejects.toMatchObject({ code: 'S3_ARCHIVER_NOT_ARCHIVED' })
  })

  test('in part, and peers have the rest', async () => {
    const source = await openCore()
    const store = new MemoryStore()
    const archiver = archiverOf(store, source)
    for (let i = 0; i < 6; i++) {
      await source.append(numbered(100 * i, 100 * i + 100, 1000))
      await archiver.flush()
    }
    const key = source.key as Uint8Array
    for (const [blocks, count] of [
      ['none', 0],
      [[{ start: 150, end: 151 }], 100],
      [
        [
          { start: 99, end: 101 },
          { start: 599, end: 600 }
        ],
        300
      ]
    ] as const) {
      const { core, report } = await restored(store, { key, blocks })
      expect(report).toMatchObject({ length: 600, blocks: count, missing: 600 - count })
      expect((await held(core)).filter((text) => text !== null).length).toBe(count)
      const streams = [source.replicate(true), core.replicate(false)] as const
      streams[0].pipe(streams[1]).pipe(streams[0])
      for (const seq of [0, 250, 400, 599])
        expect(await core.get(seq)).toEqual(numbered(seq, seq + 1, 1000)[0])
      for (const stream of streams) stream.destroy()
    }
  })

  test('without the blocks that the archive lacks only when that is wanted', async () => {
    const source = await openCore()
    await source.append(numbered(0, 40))
    await source.clear(4, 18)
    const store = new MemoryStore()
    await archiverOf(store, source).flush()
    const key = source.key as Uint8Array
    await expect(restored(store, { key })).rejects.toMatchObject({ code: 'S3_ARCHIVER_MISSING_BLOCKS' })
    const { core, report } = await restored(store, { key, blocks: 'held' })
    expect(report).toMatchObject({ blocks: 26, missing: 14 })
    expect(core.contiguousLength).toBe(4)
    expect(await held(core)).toEqual(await held(source))
  })

  test.each(['one that names its beginning', 'one that two have to sign'])(
    'whatever its manifest is: %s',
    async (kind) => {
      const [first, second] = [crypto.keyPair(b4a.alloc(32, 1)), crypto.keyPair(b4a.alloc(32, 2))]
      const source = await openCore('source')
      await source.append(numbered(0, 9))
      const manifest =
        kind === 'one that names its beginning'
          ? {
              version: 1,
              signers: [{ publicKey: second.publicKey }],
              prologue: { hash: await source.treeHash(), length: 9 }
            }
          : {
              version: 1,
              quorum: 2,
              signers: [{ publicKey: first.publicKey }, { publicKey: second.publicKey }]
            }
      const core = new Hypercore(await tmpDir(), { manifest, keyPair: second })
      await core.ready()
      if (manifest.prologue)
        await (core.core as { copyPrologue(from: object): Promise<void> }).copyPrologue(
          (source.core as { state: object }).state
        )
      else {
        const signed = cosigned(core, [first, second], numbered(0, 9))
        await core.append(numbered(0, 9), { signature: signed })
      }
      const store = new MemoryStore()
      await archiverOf(store, core).flush()
      const { core: copy } = await restored(store, { key: core.key as Uint8Array })
      expect(await held(copy)).toEqual(textOf(numbered(0, 9)))
      await core.close()
    }
  )
})

describe('a restore that ends too early', () => {
  test('goes on where it was: nothing is read twice, whatever it was that ended it', async () => {
    const source = await openCore()
    const inner = new MemoryStore()
    for (let i = 0; i < 8; i++) {
      await source.append(numbered(10 * i, 10 * i + 10, 10_000))
      await archiverOf(inner, source).flush()
    }
    const key = source.key as Uint8Array
    for (let calls = 0; calls < 9; calls++) {
      const corestore = await tmpStore()
      const store = new CrashingStore(inner, calls, false)
      await expect(restore(store, { corestore, key, parallel: 1 })).rejects.toThrow('the machine is off')
      const counted = new FaultyStore(inner)
      const report = await restore(counted, { corestore, key })
      expect(report).toMatchObject({ blocks: 80, resumed: 10 * Math.max(0, calls - 1), missing: 0 })
      // A list, a commit, and what was left.
      expect(counted.calls).toBe(2 + 8 - Math.max(0, calls - 1))
      const core = corestore.get({ key })
      await core.ready()
      expect(await held(core)).toEqual(textOf(numbered(0, 80, 10_000)))
    }
  })

  test('goes on when the core has grown since, and with what it has', async () => {
    const source = await openCore()
    const inner = new MemoryStore()
    const grow = async (start: number): Promise<void> => {
      await source.append(numbered(start, start + 10, 10_000))
      await archiverOf(inner, source).flush()
    }
    for (let i = 0; i < 4; i++) await grow(10 * i)
    const [key, corestore] = [source.key as Uint8Array, await tmpStore()]
    const options = { corestore, key, parallel: 1 }
    await expect(restore(new CrashingStore(inner, 4, false), options)).rejects.toThrow('the machine is off')
    await grow(40)
    await expect(restore(new CrashingStore(inner, 2, false), options)).rejects.toThrow('the machine is off')
    await grow(50)
    expect(await restore(inner, options)).toMatchObject({ length: 60, blocks: 60, resumed: 40 })
    const core = corestore.get({ key })
    await core.ready()
    expect(await held(core)).toEqual(textOf(numbered(0, 60, 10_000)))
  })

  test('leaves nothing to one of another moment', async () => {
    const source = await openCore()
    const inner = new MemoryStore()
    for (let i = 0; i < 4; i++) {
      await source.append(numbered(10 * i, 10 * i + 10, 10_000))
      await archiverOf(inner, source).flush()
    }
    const [key, corestore] = [source.key as Uint8Array, await tmpStore()]
    const abort = new AbortController()
    const aborted = restore(inner, {
      corestore,
      key,
      signal: abort.signal,
      parallel: 1,
      onProgress: () => abort.abort()
    })
    await expect(aborted).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
    const report = await restore(inner, { corestore, key, at: { length: 20 } })
    expect(report).toMatchObject({ length: 20, resumed: 0 })
    const core = corestore.get({ key })
    await core.ready()
    expect(await held(core)).toEqual(textOf(numbered(0, 20, 10_000)))
  })
})

describe('a core with a new writer', () => {
  test('goes on where the archive ends; peers that have more of the lost one follow it, and that one’s archiver is fenced', async () => {
    const keyPair = crypto.keyPair(b4a.alloc(32, 5))
    const encryption = { key: b4a.alloc(32, 9) }
    const lost = (await tmpStore()).get({ keyPair, encryption })
    await lost.ready()
    const key = lost.key as Uint8Array
    await lost.append(numbered(0, 20))
    const store = new MemoryStore()
    const old = archiverOf(store, lost)
    await old.flush()
    // What was not archived any more, on a fork of its own, and a peer has it.
    await lost.truncate(15)
    await lost.append(numbered(200, 207))
    const peer = (await tmpStore()).get({ key, encryption })
    await peer.ready()
    const before = [lost.replicate(true), peer.replicate(false)] as const
    before[0].pipe(before[1]).pipe(before[0])
    await peer.download({ start: 0, end: 22 }).done()
    for (const stream of before) stream.destroy()

    const corestore = await tmpStore()
    const report = await restore(store, { corestore, key, writable: { keyPair } })
    expect(report).toMatchObject({ writable: true, length: 20, blocks: 20 })
    expect(report.fork).toBeGreaterThan(1_000_000)
    const core = corestore.get({ key, keyPair, encryption })
    await core.ready()
    await core.append(b4a.from('goes on'))
    await expect(old.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })

    const streams = [core.replicate(true), peer.replicate(false)] as const
    streams[0].pipe(streams[1]).pipe(streams[0])
    await until(() => peer.fork === core.fork && peer.length === 21)
    expect(await peer.get(20)).toEqual(b4a.from('goes on'))
    expect(await peer.get(17)).toEqual(numbered(17, 18)[0])
    for (const stream of streams) stream.destroy()

    // Its archiver needs to be told nothing, and uploads what is new.
    const next = new Archiver(store, { corestore, live: false, probe: false })
    expect(await next.flush()).toMatchObject({ blocks: 1 })
    expect((await archived(store, key)).length).toBe(21)
    const earlier = await restored(store, { key, at: { length: 20, fork: 0 } })
    expect(earlier.report).toMatchObject({ fork: 0, length: 20 })
    await next.close()
  })

  test('is found by the name that it had', async () => {
    const primaryKey = crypto.randomBytes(32)
    const first = await tmpStore({ primaryKey, unsafe: true })
    const core = first.get({ name: 'notes' })
    await core.append(numbered(0, 3))
    const store = new MemoryStore()
    await archiverOf(store, core).flush()
    const corestore = await tmpStore({ primaryKey, unsafe: true })
    await restore(store, { corestore, key: core.key as Uint8Array, writable: { name: 'notes' } })
    const again = corestore.get({ name: 'notes' })
    await again.append(b4a.from('more'))
    expect([again.length, again.writable, again.id]).toEqual([4, true, core.id])
  })

  test('is not made with a key pair that does not write it, and nothing is there then', async () => {
    const core = await openCore()
    await core.append(numbered(0, 3))
    const store = new MemoryStore()
    await archiverOf(store, core).flush()
    const corestore = await tmpStore()
    const wrong = { keyPair: crypto.keyPair() }
    const key = core.key as Uint8Array
    await expect(restore(store, { corestore, key, writable: wrong })).rejects.toMatchObject({
      code: 'S3_ARCHIVER_BAD_ARGUMENT'
    })
    expect((await collect(corestore.list())).length).toBe(0)
    const both = restore(store, { corestore, key, writable: wrong, at: { seq: 1 } })
    await expect(both).rejects.toMatchObject({ code: 'S3_ARCHIVER_BAD_ARGUMENT' })
  })
})
