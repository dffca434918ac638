import type { EventEmitter } from 'node:events'
import { collect, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker, makeBee, type TextBee } from './support/bees.ts'
import { heldCore } from './support/held-core.ts'

/** A bee with nothing in its caches, which can be opened again. */
async function reopened(rows: Record<string, unknown>) {
  const store = await tmpStore()
  await (await makeBee(store, 'bee', rows)).close()
  const open = async (): Promise<TextBee> => {
    const bee: TextBee = new Hyperbee(store.get({ name: 'bee' }), {
      keyEncoding: 'utf-8',
      valueEncoding: 'json'
    })
    await bee.ready()
    return bee
  }
  return { open, bee: await open() }
}

/** Truncates a bee to nothing while a key is looked up in a union of it, and writes what is given before the lookup goes on. */
async function crossed(
  union: UnionBee,
  bee: TextBee,
  key: string,
  rows: Record<string, unknown> = {}
): Promise<void> {
  const disk = heldCore(bee)
  disk.hold()
  const settled = Promise.allSettled([union.get(key)])
  await disk.reached()
  await bee.core.truncate(1)
  for (const [name, value] of Object.entries(rows)) await bee.put(name, value)
  disk.letGo()
  await settled
}

test('a lookup that a truncation crosses ends, and the bee can be written after it', async () => {
  const names = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6']
  const { bee } = await reopened(Object.fromEntries(names.map((name) => [name, 'old'])))
  await using union = new UnionBee([bee])
  await crossed(union, bee, 'k4')
  for (const name of names) await bee.put(name, 'new')
  for (const name of names) expect((await bee.get(name))?.value).toBe('new')
})

test('a lookup that a truncation crosses leaves nothing of the old fork in the bee', async () => {
  const { bee } = await reopened({ a: 'old' })
  await using union = new UnionBee([bee])
  await crossed(union, bee, 'a', { b: 'new' })
  expect(await union.get('b')).toEqual({ seq: 1, key: 'b', value: 'new' })
  expect(await bee.get('a')).toBeNull()
  expect(await bee.get('b')).toEqual({ seq: 1, key: 'b', value: 'new' })
  await bee.put('c', 'newer')
  expect((await collect(bee.createReadStream())).map(({ key }) => key)).toEqual(['b', 'c'])
})

test('a write after such a lookup is on disk as it should be', async () => {
  const { bee, open } = await reopened({ a: 'old' })
  await using union = new UnionBee([bee])
  await crossed(union, bee, 'a', { z: 'new' })
  await bee.put('c', 'newer')
  await bee.close()
  const again = await open()
  const rows = await collect(again.createReadStream())
  expect(rows.map(({ key, value }) => [key, value])).toEqual([
    ['c', 'newer'],
    ['z', 'new']
  ])
  expect((await again.get('z'))?.value).toBe('new')
})

/** As long as before, and with other entries. */
async function rewrite(bee: TextBee): Promise<void> {
  await bee.core.truncate(bee.core.length - 1)
  await bee.put('a', 2)
}

test('a diff across a truncation tells what has changed', async () => {
  const make = await beeMaker()
  const [bee, other] = [await make({ a: 1, c: 1 }), await make({ d: 1 })]
  await bee.put('b', 'old')
  await using union = new UnionBee([bee, other])
  await using before = union.snapshot()
  await before.ready()
  await rewrite(bee)
  expect((await before.get('a'))?.value).toBe(1)
  const changes = await collect(union.createDiffStream(before))
  expect(changes.map(({ left, right }) => [left?.value, right?.value])).toEqual([
    [2, 1],
    [undefined, 'old']
  ])
})

test('a watcher sees a change that came by a truncation', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  await bee.put('b', 'old')
  await using union = new UnionBee([bee])
  await using watcher = union.watch()
  await watcher.ready()
  await rewrite(bee)
  const { value } = await watcher.next()
  expect((await value?.[0].get('a'))?.value).toBe(2)
})

test('a watcher sees a truncation that the bee’s own watcher does not tell, and listens no longer than it is open', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  await bee.put('b', 'old')
  const mute = altered(bee, {
    watch: () => {
      let end = (): void => {}
      const ended = new Promise<void>((resolve) => (end = resolve))
      return {
        // oxlint-disable-next-line require-yield
        async *[Symbol.asyncIterator]() {
          await ended
        },
        close: async () => end()
      }
    }
  })
  const core = bee.core as unknown as EventEmitter
  const listeners = core.listenerCount('truncate')
  await using union = new UnionBee([mute])
  const watcher = union.watch()
  await watcher.ready()
  const next = watcher.next()
  await bee.core.truncate(bee.core.length - 1)
  expect(await (await next).value?.[0].get('b')).toBeNull()
  await watcher.close()
  expect(core.listenerCount('truncate')).toBe(listeners)
})
