import { collect, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type BeeLike, UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker, type TextBee } from './support/bees.ts'
import { HangTimer } from './support/fake-source.ts'

/** A bee that counts how many watchers of it are opened, and closed. */
function watchCounted(bee: TextBee) {
  const counts = { opened: 0, closed: 0 }
  const counted = altered(bee, {
    watch: (...args: Parameters<TextBee['watch']>) => {
      counts.opened++
      const watcher = bee.watch(...args)
      const close = watcher.close.bind(watcher)
      return Object.assign(watcher, { close: () => (counts.closed++, close()) })
    }
  })
  return { bee: counted, counts }
}

test('what may be left out of reads may be left out of a watcher', async () => {
  const make = await beeMaker()
  const a = await make()
  const lost = (): never => {
    throw new Error('offline')
  }
  await using union = new UnionBee([a, { bee: lost, policy: 'degrade' }])
  const watcher = union.watch()
  await expect(watcher.ready()).resolves.toBeUndefined()
})

test('sources that change while a watcher opens are watched once, and all let go', async () => {
  const make = await beeMaker()
  const { bee: counted, counts } = watchCounted(await make())
  await using union = new UnionBee([
    { bee: counted, name: 'a' },
    { bee: await make(), name: 'b' }
  ])
  const watcher = union.watch()
  union.reorder(['b', 'a'])
  await Promise.resolve()
  union.reorder(['a', 'b'])
  await watcher.ready()
  await watcher.close()
  expect(counts).toEqual({ opened: 1, closed: 1 })
})

test('sources that change while a source is being opened for a watcher are watched once', async () => {
  const make = await beeMaker()
  const { bee: counted, counts } = watchCounted(await make())
  let open: ((bee: TextBee) => void) | null = null
  await using union = new UnionBee([
    { bee: () => new Promise<BeeLike>((resolve) => (open = resolve as never)), name: 'a' },
    { bee: await make(), name: 'b' }
  ])
  const watcher = union.watch()
  await until(() => open !== null)
  union.add(await make())
  ;(open as ((bee: TextBee) => void) | null)?.(counted)
  await watcher.ready()
  await watcher.close()
  expect(counts).toEqual({ opened: 1, closed: 1 })
})

test('a watcher that fails lets go of its sources, as Hyperbee’s does', async () => {
  const make = await beeMaker()
  const bee = await make()
  let closed = 0
  let fails = false
  const faulty = altered(bee, {
    watch: (...args: Parameters<TextBee['watch']>) => {
      const watcher = bee.watch(...args)
      const close = watcher.close.bind(watcher)
      return Object.assign(watcher, { close: () => (closed++, close()) })
    },
    snapshot: () => {
      if (fails) throw new Error('disk')
      return bee.snapshot()
    }
  })
  await using union = new UnionBee([faulty])
  const watcher = union.watch()
  await watcher.ready()
  fails = true
  await bee.put('a', 1)
  await expect(
    (async () => {
      for await (const _ of watcher) break
    })()
  ).rejects.toThrow('disk')
  expect(closed).toBe(1)
})

test('a watcher does not wait for ever for a source that never opens', async () => {
  const make = await beeMaker()
  const timer = new HangTimer()
  const stuck = altered(await make(), { ready: () => timer.hang() })
  const union = new UnionBee([stuck], { timeoutMs: 20, timer })
  const watcher = union.watch()
  await expect(watcher.ready()).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_TIMEOUT' })
})

test('a source whose watcher fails is left out when it may be, and named', async () => {
  const make = await beeMaker()
  const [a, b] = [await make(), await make()]
  const failing = altered(b, {
    watch: () => ({
      close: () => Promise.resolve(),
      // oxlint-disable-next-line require-yield
      async *[Symbol.asyncIterator]() {
        throw new Error('disk')
      }
    })
  })
  await using union = new UnionBee([a, { bee: failing, name: 'b', policy: 'degrade' }])
  await using watcher = union.watch()
  await watcher.ready()
  await until(() => watcher.skipped.length > 0)
  expect(watcher.skipped.map(({ source }) => source)).toEqual(['b'])
  await a.put('k', 1)
  expect((await watcher.next()).done).toBe(false)
  const strict = new UnionBee([failing])
  await expect(strict.watch().next()).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
  await strict.close()
})

test('a watcher is closed while a source never opens, or never answers', async () => {
  const make = await beeMaker()
  const stuck = altered(await make({ k: 1 }), { get: () => new Promise<never>(() => {}) })
  for (const bee of [() => new Promise<never>(() => {}), stuck]) {
    const union = new UnionBee([bee as BeeLike])
    const opening = union.getAndWatch('k')
    opening.catch(() => {})
    const watcher = union.watch()
    const step = watcher.next()
    await watcher.close()
    expect((await step).done).toBe(true)
    await union.close()
    await expect(opening).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  }
})

test('a watcher goes on from the last look that was whole', async () => {
  const make = await beeMaker()
  const [a, b] = [await make(), await make({ k: 1 })]
  let isOffline = false
  const flaky = altered(b, {
    snapshot: () => {
      const pin = b.snapshot()
      return isOffline ? altered(pin, { get: () => Promise.reject(new Error('offline')) }) : pin
    }
  })
  await using union = new UnionBee([a, { bee: flaky, policy: 'degrade' }])
  await using watcher = union.watch()
  await watcher.ready()
  const step = watcher.next()
  isOffline = true
  await b.put('k', 2)
  await a.put('other', 1)
  const first = await step
  expect((await collect(first.value?.[0].createReadStream() ?? [])).map(({ key }) => key)).toContain('other')
  isOffline = false
  await b.put('k', 3)
  const second = await watcher.next()
  expect((await second.value?.[0].get('k'))?.value).toBe(3)
})

test('a look that a source was left out of is not compared with again', async () => {
  const make = await beeMaker()
  const [a, b] = [await make(), await make({ k: 1 })]
  let isOffline = false
  let failed = 0
  const flaky = altered(b, {
    snapshot: () => {
      const pin = b.snapshot()
      if (!isOffline) return pin
      return altered(pin, {
        get: () => {
          failed++
          return Promise.reject(new Error('offline'))
        }
      })
    }
  })
  await using union = new UnionBee([a, { bee: flaky, policy: 'degrade' }])
  await using watcher = union.watch()
  await watcher.ready()
  const step = watcher.next()
  isOffline = true
  await b.put('k', 2)
  await until(() => failed > 0)
  isOffline = false
  await a.put('other', 1)
  const [current, previous] = (await step).value ?? []
  expect([(await previous?.get('k'))?.value, (await current?.get('k'))?.value]).toEqual([1, 2])
})
