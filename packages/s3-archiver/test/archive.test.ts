import b4a from 'b4a'
import { describe, expect, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { CommitLog } from '../src/archive/commit-log.ts'
import { nextDirectory } from '../src/archive/next-directory.ts'
import { sealRecord } from '../src/format/record.ts'
import { Archiver } from '../src/index.ts'
import { expandSegments, readHead } from '../src/read/archive-reader.ts'
import { commitAt } from '../src/read/commits.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'
import { FaultyStore } from './faulty-store.ts'

describe('an archive of a core', () => {
  test('has what the core has, after every flush, and takes up only what is new', async () => {
    const core = await openCore()
    const store = new FaultyStore(new MemoryStore())
    const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
    expect(await archiver.flush()).toBeNull()
    for (const [start, end] of [
      [0, 10],
      [10, 11],
      [11, 300]
    ] as const) {
      await core.append(numbered(start, end))
      expect(await archiver.flush()).toMatchObject({ cores: 1, blocks: end - start })
      expect(await archived(store, core.key as Uint8Array)).toEqual(textOf(numbered(0, end)))
    }
    store.calls = 0
    expect(await archiver.flush()).toBeNull()
    expect(store.calls).toBe(0)
    await core.append(numbered(300, 301))
    await archiver.flush()
    expect(store.calls).toBe(1)
  })

  test('of many blocks lies in shards, and every block comes back', async () => {
    const core = await openCore()
    await core.append(numbered(0, 5000, 4096))
    const store = new MemoryStore()
    await new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false }).flush()
    const shards = await collect(store.list('s/'))
    expect(shards.length).toBe(3)
    const key = core.key as Uint8Array
    expect(await archived(store, key)).toEqual(textOf(numbered(0, 5000, 4096)))
    const bytes = (await collect(store.list(''))).reduce((sum, { size }) => sum + size, 0)
    expect(bytes / core.byteLength).toBeLessThan(1.03)
  })

  test('goes on where an archiver before it stopped, without storing anything twice', async () => {
    const core = await openCore()
    const store = new MemoryStore()
    await core.append(numbered(0, 200, 1000))
    await new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false }).flush()
    const before = (await collect(store.list('s/'))).length
    await core.append(numbered(200, 210))
    const again = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
    expect(await again.flush()).toMatchObject({ blocks: 10 })
    expect((await collect(store.list('s/'))).length).toBe(before)
    expect((await archived(store, core.key as Uint8Array)).length).toBe(210)
  })

  test('of several cores keeps what others than those of now have, and small ones share an object', async () => {
    const [a, b] = [await openCore('a'), await openCore('b')]
    const store = new MemoryStore()
    for (const core of [a, b]) await core.append(numbered(0, 5))
    await new Archiver(store, { cores: [a, b], writerId: WRITER, live: false, probe: false }).flush()
    expect((await collect(store.list('s/'))).length).toBe(0)
    await a.append(numbered(5, 6))
    await new Archiver(store, { cores: [a], writerId: WRITER, live: false, probe: false }).flush()
    expect((await archived(store, a.key as Uint8Array)).length).toBe(6)
    expect((await archived(store, b.key as Uint8Array)).length).toBe(5)
  })

  test('follows a core that was truncated', async () => {
    const core = await openCore()
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
    await core.append(numbered(0, 20))
    await archiver.flush()
    await core.truncate(7)
    await core.append(numbered(100, 110))
    await archiver.flush()
    expect(await archived(store, core.key as Uint8Array)).toEqual(
      textOf([...numbered(0, 7), ...numbered(100, 110)])
    )
  })

  test('of a replica that cannot write, and of what it cannot read, is as good', async () => {
    const source = await openCore('secret', { encryption: { key: b4a.alloc(32, 9) } })
    await source.append(numbered(0, 30))
    const replicas = await tmpStore()
    const replica = replicas.get({ key: source.key })
    await replica.ready()
    const [left, right] = [source.replicate(true), replica.replicate(false)]
    left.pipe(right).pipe(left)
    await replica.update({ wait: true })
    await replica.download({ start: 0, end: 30 }).done()
    const store = new MemoryStore()
    await new Archiver(store, { cores: [replica], writerId: WRITER, live: false, probe: false }).flush()
    const blocks = await archived(store, source.key as Uint8Array)
    expect(blocks.length).toBe(30)
    expect(blocks.some((block) => block?.includes('xxxx'))).toBe(false)
    left.destroy()
    right.destroy()
  })

  test('of a core that lacks blocks has the others, says how many are missing, and has them once they are there', async () => {
    const source = await openCore()
    await source.append(numbered(0, 300, 1000))
    const replica = (await tmpStore()).get({ key: source.key })
    await replica.ready()
    const streams = [source.replicate(true), replica.replicate(false)] as const
    streams[0].pipe(streams[1]).pipe(streams[0])
    await replica.update({ wait: true })
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [replica], writerId: WRITER, live: false, probe: false })
    const gaps: number[] = []
    archiver.on('gap', ({ blocks }) => gaps.push(blocks))
    const all = textOf(numbered(0, 300, 1000))
    const held = new Set<number>()
    for (const seqs of [[], [7, 8, 9, 64], [0, 299], [128, 129], []]) {
      for (const seq of seqs) held.add(seq)
      if (seqs.length > 0) await replica.download({ blocks: seqs }).done()
      const flushed = await archiver.flush()
      expect(await archived(store, source.key as Uint8Array)).toEqual(
        all.map((block, seq) => (held.has(seq) ? block : null))
      )
      if (flushed !== null) expect(flushed.missing).toBe(300 - held.size)
    }
    await replica.download({ start: 0, end: 300 }).done()
    expect(await archiver.flush()).toMatchObject({ blocks: 292, missing: 0 })
    expect(await archived(store, source.key as Uint8Array)).toEqual(all)
    expect(gaps).toEqual([300, 296, 294, 292])
    for (const stream of streams) stream.destroy()
  })

  test('of a core that can prove a block no more has the others', async () => {
    const core = await openCore()
    await core.append(numbered(0, 40))
    // Hypercore forgets what stands over the seven blocks before, too.
    await core.clear(7, 8)
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
    expect(await archiver.flush()).toMatchObject({ blocks: 32, missing: 8 })
    const texts = textOf(numbered(0, 40)).map((text, seq) => (seq < 8 ? null : text))
    expect(await archived(store, core.key as Uint8Array)).toEqual(texts)
  })

  test('names nothing that is not there yet', async () => {
    const core = await openCore()
    await core.append(numbered(0, 3000, 6000))
    const store = new FaultyStore(new MemoryStore())
    const put = store.putIfAbsent.bind(store)
    const pending = new Set<string>()
    store.putIfAbsent = async (name, ...rest) => {
      if (name.startsWith('l/')) expect([...pending]).toEqual([])
      pending.add(name)
      await new Promise((resolve) => setImmediate(resolve))
      const isMade = await put(name, ...rest)
      pending.delete(name)
      return isMade
    }
    await new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false }).flush()
    expect((await collect(store.list('s/'))).length).toBe(3)
  })

  test('that says of a core what its key has not signed is refused, also when who wrote it knows the key', async () => {
    const core = await openCore()
    const key = core.key as Uint8Array
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
    for (let i = 0; i < 2; i++) {
      await core.append(numbered(i, i + 1))
      await archiver.flush()
    }
    const { record } = await readHead(store, key)
    const log = await CommitLog.claim(store, { writerId: WRITER })
    const forged = sealRecord(key, 4, { ...record, length: 1, segments: record.segments.slice(0, 1) })
    await log.append({ ...nextDirectory(log.newest.commit, [forged]), fronts: [], tail: b4a.alloc(0) })
    await expect(readHead(store, key)).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    expect((await readHead(store, key, { at: { seq: 3 } })).record.length).toBe(2)
  })

  test('keeps what a core has given up since', async () => {
    const core = await openCore()
    await core.append(numbered(0, 20))
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
    await archiver.flush()
    await core.clear(4, 16)
    await core.append(numbered(20, 25))
    expect(await archiver.flush()).toMatchObject({ blocks: 5, missing: 0 })
    expect(await archived(store, core.key as Uint8Array)).toEqual(textOf(numbered(0, 25)))
  })

  test('no byte of it can be changed unnoticed', async () => {
    const core = await openCore()
    await core.append(numbered(0, 12, 30))
    const store = new MemoryStore()
    await new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false }).flush()
    const key = core.key as Uint8Array
    const right = textOf(numbered(0, 12, 30))
    for (const { name, size } of await collect(store.list(''))) {
      const bytes = (await store.getRange(name, { start: 0, end: size }))?.bytes as Uint8Array
      for (let i = 0; i < size; i++) {
        const changed = b4a.from(bytes)
        changed[i] = (changed[i] ?? 0) ^ 1
        await store.delete(name)
        await store.putIfAbsent(name, changed)
        const read = await archived(store, key).catch((error: { code?: string }) => error.code ?? error)
        if (Array.isArray(read)) expect(read).toEqual(right)
        else expect(read).toMatch(/^S3_ARCHIVER_(DAMAGED|NEWER_FORMAT|NOT_ARCHIVED)$/)
      }
      await store.delete(name)
      await store.putIfAbsent(name, bytes)
    }
    expect(await archived(store, key)).toEqual(right)
  })

  test('holds the front of a read pack, which is found through all later commits', async () => {
    const core = await openCore()
    const key = core.key as Uint8Array
    await core.append(numbered(0, 3))
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
    await archiver.flush()
    expect((await readHead(store, key)).entry.front).toBeNull()
    const seq = await archiver.attachFront(key, { objects: [], bytes: b4a.from('front') })
    await core.append(numbered(3, 5))
    await archiver.flush()
    const { entry, record } = await readHead(store, key)
    expect([entry.front, record.length]).toEqual([seq, 5])
    const { commit } = await commitAt(store, seq)
    expect(commit.fronts.map(({ bytes }) => b4a.toString(bytes))).toEqual(['front'])
  })

  test('no byte of what leads to a core can be changed unnoticed: checkpoints, lists, commits', async () => {
    const source = await openCore()
    await source.append(numbered(0, 130, 8))
    const corestore = await tmpStore()
    const sparse = corestore.get({ key: source.key })
    await sparse.ready()
    const streams = [source.replicate(true), sparse.replicate(false)] as const
    streams[0].pipe(streams[1]).pipe(streams[0])
    await sparse.update({ wait: true })
    await sparse.download({ blocks: Array.from({ length: 65 }, (_, i) => 2 * i) }).done()
    for (const stream of streams) stream.destroy()
    for (let i = 0; i < 60; i++) await corestore.get({ name: `core ${i}` }).append(numbered(i, i + 1))
    const store = new MemoryStore()
    await new Archiver(store, { corestore, live: false, probe: false }).flush()
    const key = source.key as Uint8Array
    // Which blocks are where in the core, and what stands over them; a name that was changed is found out when it is read.
    const placesOf = async (): Promise<string> => {
      const { record } = await readHead(store, key)
      const parts = await collect(expandSegments(store, key, record.segments))
      const texts = parts.map(({ kind, start, count, nodes }) =>
        [kind, start, count, ...nodes.map(({ hash }) => b4a.toString(hash, 'hex'))].join()
      )
      return [record.fork, record.length, ...texts].join(' ')
    }
    const right = await placesOf()
    expect((await readHead(store, key)).record.segments.map(({ kind }) => kind)).toContain('list')
    const objects = (await collect(store.list(''))).filter(({ name }) => !name.startsWith('s/'))
    expect(objects.filter(({ name }) => name.startsWith('x/')).length).toBe(2)
    let refused = 0
    for (const { name, size } of objects) {
      const bytes = (await store.getRange(name, { start: 0, end: size }))?.bytes as Uint8Array
      for (let i = 0; i < size; i++) {
        const changed = b4a.from(bytes)
        changed[i] = (changed[i] ?? 0) ^ 1
        await store.delete(name)
        await store.putIfAbsent(name, changed)
        const read = await placesOf().catch((error: Error & { code?: string }) => error.code ?? error.message)
        if (read === right) continue
        expect(read).toMatch(/^S3_ARCHIVER_(DAMAGED|NEWER_FORMAT|NOT_ARCHIVED)$/)
        refused++
      }
      await store.delete(name)
      await store.putIfAbsent(name, bytes)
    }
    expect(refused).toBeGreaterThan(1000)
  })

  test('names nothing of the core: not its key, not its name, not what encrypts it', async () => {
    const core = await openCore('a name that tells')
    await core.append(numbered(0, 3))
    const store = new MemoryStore()
    await new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false }).flush()
    const secrets = [
      core.key,
      core.discoveryKey,
      core.manifest?.signers[0]?.publicKey,
      b4a.from('a name that tells')
    ]
    for (const { name, size } of await collect(store.list(''))) {
      const bytes = (await store.getRange(name, { start: 0, end: size }))?.bytes as Uint8Array
      for (const secret of secrets) {
        expect(b4a.toString(bytes, 'hex')).not.toContain(b4a.toString(secret as Uint8Array, 'hex'))
        expect(name).not.toContain(b4a.toString(secret as Uint8Array, 'hex').slice(0, 16))
      }
    }
  })
})
