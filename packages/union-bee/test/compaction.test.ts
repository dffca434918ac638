import { collect, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { createOverlay, UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker, type TextBee } from './support/bees.ts'
import { FakeSource } from './support/fake-source.ts'
import { entriesOf } from './support/model.ts'

const rowsOf = async (view: Pick<UnionBee, 'createReadStream'>) =>
  entriesOf(await collect(view.createReadStream()))

test('what is written while the top is folded stays in the top', async () => {
  const make = await beeMaker()
  const [top, lower, into] = [await make(), await make({ a: 0, b: 0, c: 0 }), await make()]
  await using overlay = createOverlay({ top, lower })
  await overlay.put('a', 1)
  await overlay.del('b')
  const { put } = into.batch()
  expect(put).toBeTypeOf('function')
  let wrote = false
  const slow = Object.assign(Object.create(into) as typeof into, {
    batch: () => {
      const batch = into.batch()
      const flush = batch.flush.bind(batch)
      return Object.assign(batch, {
        flush: async () => {
          if (!wrote) {
            wrote = true
            await overlay.put('a', 2)
            await overlay.put('d', 2)
          }
          await flush()
        }
      })
    }
  })
  await overlay.compact(slow)
  const shown = (await collect(overlay.createReadStream())).map(({ key, value }) => [key, value])
  expect(shown).toEqual([
    ['a', 2],
    ['c', 0],
    ['d', 2]
  ])
  expect((await collect(top.createReadStream())).map(({ key }) => key)).toEqual(['a', 'd'])
  expect((await collect(into.createReadStream())).map(({ key, value }) => [key, value])).toEqual([
    ['a', 1],
    ['c', 0]
  ])
})

test('a new bottom must be empty', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make(), lower: await make() })
  await expect(overlay.compact(await make({ a: 1 }))).rejects.toMatchObject({ code: 'UNION_BEE_NOT_EMPTY' })
})

test('a compaction is refused when a source was left out, and nothing has changed', async () => {
  const make = await beeMaker()
  const good = await make({ a: 0, b: 0 })
  let isOffline = true
  const lower = altered(good, {
    createReadStream: (...args: Parameters<TextBee['createReadStream']>) => {
      if (isOffline) throw new Error('offline')
      return good.createReadStream(...args)
    },
    createRangeIterator: undefined,
    snapshot: (): TextBee => altered(lower, { close: () => Promise.resolve() })
  })
  await using overlay = createOverlay({ top: await make({ c: 1 }), lower, policy: 'degrade' })
  await expect(overlay.compact(await make())).rejects.toMatchObject({ code: 'UNION_BEE_PARTIAL' })
  isOffline = false
  expect(entriesOf(await collect(overlay.createReadStream()))).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 1]
  ])
})

test('a compaction that fails leaves the top writable', async () => {
  const make = await beeMaker()
  const top = await make({ a: 1 })
  let isFailing = true
  const faulty = altered(top, {
    batch: (options: Parameters<TextBee['batch']>[0]) => {
      const batch = top.batch(options)
      const get = batch.get.bind(batch)
      return Object.assign(batch, {
        get: (key: string) => (isFailing ? Promise.reject(new Error('block not available')) : get(key))
      })
    }
  })
  await using overlay = createOverlay({ top: faulty, lower: await make() })
  await expect(overlay.compact(await make())).rejects.toMatchObject({
    code: 'UNION_BEE_SOURCE_FAILED',
    cause: { message: 'block not available' }
  })
  isFailing = false
  await overlay.put('b', 2)
  expect((await overlay.get('b'))?.value).toBe(2)
})

test('a compaction keeps a source that was added meanwhile, and is refused below one that stands above the top', async () => {
  const make = await beeMaker()
  const into = await make()
  const late = await make({ late: 1 })
  await using overlay = createOverlay({ top: await make({ a: 1 }), lower: await make({ b: 1 }) })
  const slow = altered(into, {
    batch: () => {
      if (!overlay.sources.some(({ name }) => name === 'late')) overlay.add({ bee: late, name: 'late' })
      return into.batch()
    }
  })
  await overlay.compact(slow)
  expect((await overlay.get('late'))?.value).toBe(1)
  overlay.add({ bee: await make({ z: 9 }), name: 'above' }, { at: 0 })
  await expect(overlay.compact(await make())).rejects.toMatchObject({ code: 'UNION_BEE_BAD_ARGUMENT' })
  expect((await overlay.get('z'))?.value).toBe(9)
})

test('a compaction says when the new bottom has all, before anything is taken out of the top', async () => {
  const make = await beeMaker()
  const [top, into] = [await make(), await make()]
  await using overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  await overlay.put('a', 1)
  const { version } = top
  let told = 0
  await overlay.compact(into, {
    onFolded: async () => {
      told++
      expect(top.version).toBe(version)
      expect(entriesOf(await collect(into.createReadStream()))).toEqual([
        ['a', 1],
        ['b', 1]
      ])
    }
  })
  expect(told).toBe(1)
  expect(top.version).toBeGreaterThan(version)
})

test('what compact replaces and the union has opened is closed, at the latest with the overlay', async () => {
  const make = await beeMaker()
  const shard = new FakeSource(new Map([['a', 1]]))
  const overlay = createOverlay({ top: await make(), lower: { bee: () => shard, immutable: true } })
  await overlay.get('a')
  await overlay.compact(await make())
  await overlay.close()
  expect(shard.closed).toBe(true)
})

test('the top, a lower bee, and another session of one are no new bottom', async () => {
  const make = await beeMaker()
  const [top, lower] = [await make(), await make({ a: 0 })]
  await using nested = new UnionBee([lower])
  await using overlay = createOverlay({ top, lower: nested })
  for (const into of [top, top.checkout(0), lower] as TextBee[])
    await expect(overlay.compact(into)).rejects.toMatchObject({ code: 'UNION_BEE_BAD_ARGUMENT' })
  await overlay.del('a')
  expect(await rowsOf(overlay)).toEqual([])
})

test('a compaction that changes nothing that is shown wakes no watcher', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make(), lower: await make({ a: 0 }) })
  await using watcher = overlay.watch()
  await watcher.ready()
  const step = watcher.next()
  await overlay.compact(await make())
  await overlay.put('b', 1)
  const { value } = await step
  const diff = await collect(value?.[0].createDiffStream(value[1]) ?? [])
  expect(diff.map(({ left }) => left?.key)).toEqual(['b'])
})

test('values survive a compaction over a binary top that holds bytes that look like tombstones', async () => {
  const store = await tmpStore()
  const raw = (name: string) =>
    new Hyperbee<string>(store.get({ name }), { keyEncoding: 'utf-8', valueEncoding: 'binary' })
  const [top, lower, into] = [raw('top'), raw('lower'), raw('into')]
  await lower.put('l', Buffer.from('ff', 'hex'))
  await using overlay = createOverlay<string, Uint8Array>({ top, lower, valueEncoding: 'binary' })
  await overlay.put('t', Buffer.from('ff', 'hex'))
  await overlay.compact(into)
  expect(
    (await rowsOf(overlay as never)).map(([k, v]) => [k, Buffer.from(v as never).toString('hex')])
  ).toEqual([
    ['l', 'ff'],
    ['t', 'ff']
  ])
  await overlay.put('l', Buffer.from('ffff', 'hex'))
  expect(Buffer.from((await overlay.get('l'))?.value as Uint8Array).toString('hex')).toBe('ffff')
})

test('nothing is written to the top after the overlay was closed; a clearing that has begun is finished', async () => {
  const make = await beeMaker()
  const rows = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`k${i}`, i]))
  const top = await make(rows)
  const closings: Promise<void>[] = []
  let flushed = 0
  let atClose = 0
  const watched = altered(top, {
    batch: (options: never) => {
      const batch = top.batch(options)
      const flush = batch.flush.bind(batch)
      return Object.assign(batch, {
        flush: async () => {
          if (closings.length === 0) closings.push(overlay.close().then(() => void (atClose = flushed + 1)))
          await flush()
          flushed++
        }
      })
    }
  })
  const overlay = createOverlay({ top: watched, lower: await make() })
  const work = overlay.compact(await make())
  work.catch(() => {})
  const settled = work.catch(() => {})
  await settled
  await Promise.all(closings)
  const left = (await collect(top.createReadStream())).length
  // One flush may have been under way.
  expect(flushed).toBeLessThanOrEqual(atClose)
  expect([0, 2500]).toContain(left)
})

test('a compaction ends with the overlay before it touches the top', async () => {
  const make = await beeMaker()
  const rows = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`k${i}`, i]))
  const [top, into] = [await make({ a: 1 }), await make()]
  const overlay = createOverlay({ top, lower: await make(rows) })
  const closings: Promise<void>[] = []
  const watched = altered(into, {
    batch: () => {
      const batch = into.batch()
      if (closings.length === 0) closings.push(overlay.close())
      return batch
    }
  })
  await expect(overlay.compact(watched)).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  await Promise.all(closings)
  expect((await collect(top.createReadStream())).map(({ key }) => key)).toEqual(['a'])
})

test('reads, writes and compactions at the same time are one map', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make(), lower: await make({ a: -1, b: -1 }) })
  const model = new Map<string, number>([
    ['a', -1],
    ['b', -1]
  ])
  const writing = { isDone: false }
  const write = async (key: string) => {
    for (let i = 0; i < 150; i++) {
      if (i % 5 === 4) {
        await overlay.del(key)
        model.delete(key)
      } else {
        await overlay.put(key, i)
        model.set(key, i)
      }
      const seen = (await overlay.get(key))?.value
      expect(seen).toBe(model.get(key))
      const [scanned] = await collect(overlay.createReadStream({ gte: key, lte: key }))
      expect(scanned?.value).toBe(model.get(key))
    }
  }
  const compact = async () => {
    while (!writing.isDone) await overlay.compact(await make())
  }
  const compacting = compact()
  await Promise.all(['a', 'b', 'c', '\u{1f600}', '\uffff'].map(write))
  writing.isDone = true
  await compacting
  expect(new Map((await rowsOf(overlay)) as [string, number][])).toEqual(model)
})

test('a compaction that breaks off anywhere has lost nothing: what was noted says which bottom counts', async () => {
  const make = await beeMaker()
  const rows = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`k${i}`, i]))
  const steps = ['into 1', 'into 2', 'note', 'top 1', 'top 2']
  for (const last of [...steps, null]) {
    const [top, lower, into] = [await make(rows), await make({ old: 1, k0: 'old' }), await make()]
    const breaking = (bee: TextBee, name: string): TextBee => {
      let flushes = 0
      return altered(bee, {
        batch: (options: Parameters<TextBee['batch']>[0]) => {
          const batch = bee.batch(options)
          const flush = batch.flush.bind(batch)
          return Object.assign(batch, {
            flush: async () => {
              if (last === `${name} ${++flushes}`) throw new Error('the process dies here')
              await flush()
            }
          })
        }
      })
    }
    let bottom = lower
    const onFolded = (): void => {
      if (last === 'note') throw new Error('the process dies here')
      bottom = into
    }
    await using first = createOverlay({ top: breaking(top, 'top'), lower })
    const work = first.compact(breaking(into, 'into'), { onFolded })
    if (last === null) await work
    else await expect(work).rejects.toThrow(/dies here|could not be written/)
    await using next = createOverlay({ top, lower: bottom })
    expect((await collect(next.createReadStream())).length).toBe(1501)
    expect((await next.get('k0'))?.value).toBe(0)
  }
})
