import Corestore from 'corestore'
import { expect, test } from 'vitest'
import { tmpDir, tmpStore } from '@cloudpal/test-kit'
import { combine, corestoreKey } from '../src/index.ts'
import { deal, sharesOf } from './sets.ts'

test('a Corestore comes back from its key: the same cores, writable', async () => {
  const lost = await tmpStore()
  const key = await corestoreKey(lost)
  const core = lost.get({ name: 'notes' })
  await core.ready()
  const { secret } = combine(sharesOf(deal(key)).slice(1, 4))
  const store = new Corestore(await tmpDir(), { primaryKey: secret, unsafe: true })
  const again = store.get({ name: 'notes' })
  await again.ready()
  expect(again.key).toEqual(core.key)
  expect(again.writable).toBe(true)
  await store.close()
})

test('the key is a copy', async () => {
  const store = await tmpStore()
  const key = await corestoreKey(store)
  key.fill(0)
  expect(await corestoreKey(store)).not.toEqual(key)
})
