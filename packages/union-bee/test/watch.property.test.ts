import { collect, until } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOverlay, newest, UnionBee } from '../src/index.ts'
import { aKey, rows, runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'
import { entriesOf } from './support/model.ts'

const aStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write'),
      at: fc.nat(3),
      key: aKey,
      value: fc.option(fc.nat(3))
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('reorder', 'add', 'remove', 'compact', 'wait') })
  }
)

test('what watchers tell, step by step, leads to what is shown, through overlays and unions of unions', async () => {
  const make = await beeMaker()
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 3, maxLength: 3 }),
      fc.array(aStep, { maxLength: 12 }),
      fc.boolean(),
      aKey,
      async (data, steps, isNewest, key) => {
        const [top, lower, beside] = await Promise.all(data.map((one) => make(one)))
        if (top === undefined || lower === undefined || beside === undefined) return
        await using overlay = createOverlay({ top, lower })
        await using union = new UnionBee(
          [
            { bee: overlay, name: 'overlay' },
            { bee: beside, name: 'beside' }
          ],
          {
            ...(isNewest && {
              resolve: newest(({ value }) => (typeof value === 'number' ? value : null))
            })
          }
        )
        await using watcher = union.watch()
        await using entry = await union.getAndWatch(key)
        await watcher.ready()
        let last = await collect(union.createReadStream())
        let waiting: ReturnType<typeof watcher.next> | null = null
        for (const step of steps) {
          if (step.type === 'write' && 'key' in step) {
            const target = step.at === 3 ? beside : overlay
            if (step.value === null) await target.del(step.key)
            else await target.put(step.key, step.value)
          } else if (step.type === 'reorder')
            union.reorder(union.sources.map(({ name }) => name).toReversed())
          else if (step.type === 'add' && union.sources.length < 4)
            union.add({ bee: await make({ [key]: 9, added: 1 }), name: `added ${union.sources.length}` })
          else if (step.type === 'remove' && union.sources.length > 2)
            void union.remove(union.sources.find(({ name }) => name.startsWith('added'))?.name as string)
          else if (step.type === 'compact') await overlay.compact(await make())
          else if (step.type === 'wait') waiting ??= watcher.next()
        }
        await overlay.put('\u{10ffff}', 'the end')
        for (;;) {
          const { value } = await (waiting ?? watcher.next())
          waiting = null
          if (value === undefined) throw new Error('the watcher has ended')
          const [current, previous] = value
          expect(entriesOf(await collect(previous.createReadStream()))).toEqual(entriesOf(last))
          last = await collect(current.createReadStream())
          if ((await current.get('\u{10ffff}')) !== null) break
        }
        expect(entriesOf(last)).toEqual(entriesOf(await collect(union.createReadStream())))
        const shown = (await union.get(key))?.value
        await until(() => entry.node?.value === shown)
      }
    ),
    runs(40)
  )
})
