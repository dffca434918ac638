import { tmpStore } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import { checkBlockApi, readBlocks } from '../src/hypercore-blocks.ts'

test.each([
  ['encrypted', { key: b4a.alloc(32, 7) }],
  ['plain', null]
])(
  'blocks of an %s core that are read together are those that are read one by one',
  async (_, encryption) => {
    const store = await tmpStore()
    const core = store.get({ name: 'log', encryption })
    await core.ready()
    expect(checkBlockApi(core)).toEqual([])
    await core.append(Array.from({ length: 40 }, (_, i) => b4a.from(`block ${i}`.repeat(i))))

    const together = await readBlocks(core, 3, 40)
    expect(together).toHaveLength(37)
    for (const [i, block] of together.entries()) expect(block).toEqual(await core.get(3 + i))
    expect(await readBlocks(core, 3, 40)).toEqual(together)
    expect(await readBlocks(core, 5, 5)).toEqual([])
  }
)

test('a block that is not here is null', async () => {
  const core = (await tmpStore()).get({ name: 'log', encryption: { key: b4a.alloc(32, 7) } })
  await core.ready()
  await core.append([b4a.from('a'), b4a.from('b'), b4a.from('c')])
  await core.clear(1, 2)
  expect(await readBlocks(core, 0, 4)).toEqual([b4a.from('a'), null, b4a.from('c'), null])
})

test('a core that is closed is not read', async () => {
  const core = (await tmpStore()).get({ name: 'log' })
  await core.ready()
  await core.append([b4a.from('a')])
  await core.close()
  await expect(readBlocks(core, 0, 1)).rejects.toThrow('closed')
})
