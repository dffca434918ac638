import { expect, test } from 'vitest'
import { IdentityMemory, type Sigchain } from '../src/index.ts'
import { addDevice, DAY, keyPairs, keysOf, START } from './people.ts'
import { codeOfAsync, copyOf, family, ram } from './parties.ts'

const options = { now: (): number => START + 30 * DAY }

/** A longer history that counted, and the one that takes its place. */
function superseding(): { before: Sigchain; after: Sigchain } {
  const [before, after] = [family(), family()]
  for (const name of ['one', 'two', 'three']) addDevice(before, name)
  after.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  return { before, after }
}

test('a memory that went over to a stronger history opens with a pin of what it had believed, and with none of what it never did', async () => {
  const { before, after } = superseding()
  const store = ram()
  const memory = await IdentityMemory.open(store, before.state.identity, before.toBytes(), options)
  const { identity, seq, hash } = memory.state
  await memory.receive(after.toBytes())
  const again = await IdentityMemory.open(store, { identity, seq, hash }, null, options)
  expect(again.state).toEqual(after.state)
  addDevice(before, 'four')
  expect(await codeOfAsync(IdentityMemory.open(store, before.state, null, options))).toBe(
    'KEY_ROTATION_ROLLBACK'
  )
})

test('so does one whose person has chosen the other history, which shows what it had believed', async () => {
  const [mine, other] = [family(), family()]
  addDevice(mine, 'mine')
  addDevice(other, 'other')
  const store = ram()
  const memory = await IdentityMemory.open(store, mine.state.identity, mine.toBytes(), options)
  const pin = memory.state
  await codeOfAsync(memory.receive(other.toBytes()))
  expect(await codeOfAsync(IdentityMemory.open(store, other.state, null, options))).toBe(null)
  await memory.choose(1)
  const again = await IdentityMemory.open(store, pin, null, options)
  expect([again.state, again.superseded?.events]).toEqual([other.state, mine.events])
})

test('a device that wrote after old events, and stopped before anybody had seen it, does not freeze itself when it opens its memory', async () => {
  const mine = family()
  const others = copyOf(mine)
  const store = ram()
  const { identity } = mine.state
  const memory = await IdentityMemory.open(store, identity, mine.toBytes(), options)
  addDevice(others, 'other')
  await memory.receive(others.toBytes())
  addDevice(mine, 'mine')
  const again = await IdentityMemory.open(store, identity, mine.toBytes(), options)
  expect([again.duplicity, again.state]).toEqual([null, others.state])
})
