import { collect, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { UnionBee } from '../src/index.ts'
import { beeMaker } from './support/bees.ts'
import { entriesOf } from './support/model.ts'

const rowsOf = async (view: Pick<UnionBee, 'createReadStream'>) =>
  entriesOf(await collect(view.createReadStream()))

test('empty keys, mounts, deferred sources and bytes beyond U+FFFF come in order, both ways, with limits', async () => {
  const make = await beeMaker()
  const [a, b, c] = [
    await make({ '': 'a', '\uffff': 'a', '\u{10000}': 'a' }),
    await make({ '': 'b', '\u{10000}': 'b' }),
    await make({ '\ue000': 'c', '\ud7ff': 'c' })
  ]
  await using union = new UnionBee([
    a,
    { bee: b, prefix: '\uffff' },
    { bee: c, cost: 1, range: { gte: '\ud7ff', lte: '\ue000' } },
    { bee: () => c, prefix: '\u{10000}' }
  ])
  const want = [
    '',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\uffff\u{10000}',
    '\u{10000}',
    '\u{10000}\ud7ff',
    '\u{10000}\ue000'
  ]
  expect((await rowsOf(union)).map(([key]) => key)).toEqual(want)
  expect((await collect(union.createReadStream({ reverse: true }))).map(({ key }) => key)).toEqual(
    want.toReversed()
  )
  for (let limit = 0; limit < 9; limit++)
    for (const reverse of [false, true])
      expect((await collect(union.createReadStream({ reverse, limit }))).map(({ key }) => key)).toEqual(
        (reverse ? want.toReversed() : want).slice(0, limit)
      )
  for (const key of want) expect((await union.get(key))?.key).toBe(key)
  expect(
    (await collect(union.createReadStream({ gt: '\uffff', lte: '\u{10000}' }))).map(({ key }) => key)
  ).toEqual(['\uffff\u{10000}', '\u{10000}'])
})

test('binary keys: prefixes of ff, empty keys, mounts and subs in order, both ways', async () => {
  const store = await tmpStore()
  const bee = async (name: string, keys: string[]) => {
    const made = new Hyperbee<Uint8Array, unknown>(store.get({ name }), {
      keyEncoding: 'binary',
      valueEncoding: 'json'
    })
    for (const key of keys) await made.put(Buffer.from(key, 'hex'), name)
    return made
  }
  const hex = (entries: readonly { key: Uint8Array }[]) =>
    entries.map(({ key }) => Buffer.from(key).toString('hex'))
  await using union = new UnionBee<Uint8Array>(
    [
      await bee('a', ['ff', 'ff00', 'ffff', '7f']),
      { bee: await bee('b', ['00', 'ff', '0001']), prefix: Buffer.from('ff', 'hex') }
    ],
    { keyEncoding: 'binary' }
  )
  const want = ['7f', 'ff', 'ff00', 'ff0001', 'ffff']
  expect(hex(await collect(union.createReadStream()))).toEqual(want)
  expect(hex(await collect(union.createReadStream({ reverse: true })))).toEqual(want.toReversed())
  expect(
    hex(
      await collect(
        union.createReadStream({ gt: Buffer.from('ff', 'hex'), lt: Buffer.from('ff0001', 'hex') })
      )
    )
  ).toEqual(['ff00'])
  expect(
    hex(await collect(union.sub(Buffer.from('ff', 'hex')).createReadStream({ gte: Buffer.alloc(0) })))
  ).toEqual(['', '01'])
})
