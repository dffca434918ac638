import { expect, test } from 'vitest'
import { mesh, tmpStore, until } from '../src/index.ts'

test('a partition separates the groups, and heals', async () => {
  const stores = [await tmpStore(), await tmpStore(), await tmpStore()] as const
  const [a, b, c] = stores
  const writer = a.get({ name: 'core' })
  await writer.append('one')
  const [nearby, far] = [b.get({ key: writer.key }), c.get({ key: writer.key })]
  for (const reader of [nearby, far]) reader.download({ start: 0, end: -1 })
  const network = mesh(stores)
  await until(() => nearby.contiguousLength === 1 && far.contiguousLength === 1)

  await network.partition([a, b], [c])
  expect(network.wire(b, a).connected).toBe(true)
  expect(network.wire(c, a).connected).toBe(false)
  expect(network.wire(b, c).connected).toBe(false)
  await writer.append('two')
  await until(() => nearby.contiguousLength === 2)
  expect(far.length).toBe(1)

  await network.partition([b, c])
  await until(() => far.contiguousLength === 2)
  expect(writer.peers.length).toBe(0)

  network.heal()
  await until(() => writer.peers.length === 2)
})

test('a stranger has no wire', async () => {
  const [a, b] = [await tmpStore(), await tmpStore()]
  expect(() => mesh([a]).wire(a, b)).toThrow('not in the mesh')
})
