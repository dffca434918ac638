import { collect, replicate, tmpDir, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { UnionBee } from '../src/index.ts'
import { beeMaker, makeBee, type TextBee } from './support/bees.ts'
import { HangTimer } from './support/fake-source.ts'

/** A replica that has all, of an app that was started again and has no network yet. */
async function startedAgain(rows: Record<string, unknown>): Promise<{ replica: TextBee; done: () => void }> {
  const dir = await tmpDir()
  const source = await makeBee(await tmpStore(), 'bee', rows)
  const open = async () => {
    const store = await tmpStore({ dir })
    const bee: TextBee = new Hyperbee(store.get({ key: source.core.key as never }), {
      keyEncoding: 'utf-8',
      valueEncoding: 'json'
    })
    await bee.ready()
    return { store, bee }
  }
  const first = await open()
  const wire = replicate(source.core, first.bee.core)
  await first.bee.core.update({ wait: true })
  await collect(first.bee.createReadStream())
  await wire.destroy()
  await first.store.close()
  const { bee: replica } = await open()
  return { replica, done: replica.core.findingPeers() }
}

test('what a replica has is found while peers are still being looked for', async () => {
  const { replica, done } = await startedAgain({ a: 1, b: 2 })
  const timer = new HangTimer()
  await using union = new UnionBee([replica, await (await beeMaker())({ a: 'stale' })], {
    policy: 'degrade',
    timeoutMs: 200,
    timer
  })
  expect(await union.get('a')).toEqual({ seq: 1, key: 'a', value: 1 })
  expect(await union.lookup('b')).toMatchObject({ source: 'source-0', skipped: [] })
  expect((await collect(union.createReadStream())).map(({ key }) => key)).toEqual(['a', 'b'])
  expect(timer.armed).toBe(0)
  done()
})
