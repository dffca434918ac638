import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { Authenticator } from '../src/connections/index.ts'
import { IdentityMemory } from '../src/index.ts'
import { copyOf, family, meet, party, ram } from './parties.ts'
import { keyPair, keyPairs, START } from './people.ts'

test('who is revoked is closed before the store has kept it, which may take its time', async () => {
  const mine = family()
  const [laptop, phone] = [await party('laptop', mine), await party('phone', copyOf(mine))]
  let isSlow = false
  let asked = (): void => {}
  const write = (): Promise<void> => {
    asked()
    return isSlow ? new Promise<void>(() => {}) : Promise.resolve()
  }
  const now = (): number => START
  const memory = await IdentityMemory.open({ ...ram(), write }, mine.state.identity, mine.toBytes(), { now })
  const authenticator = new Authenticator(memory, keyPair('tablet'), { now, onrefused: () => {} })
  const tablet = { memory, authenticator, refused: [] }
  const [toPhone] = await meet(tablet, phone)
  await meet(tablet, laptop)
  isSlow = true
  const writing = new Promise<void>((resolve) => (asked = resolve))
  mine.revokeDevice(keyPair('phone').publicKey, { reason: 'compromised' }, keyPairs('control 0'))
  await laptop.authenticator.publish(mine.events)
  await writing
  await new Promise((resolve) => setImmediate(resolve))
  expect(toPhone.destroying).toBe(true)
})

test('and by the device that revokes it, too', async () => {
  const mine = family()
  const phone = await party('phone', copyOf(mine))
  let isSlow = false
  const write = (): Promise<void> => (isSlow ? new Promise(() => {}) : Promise.resolve())
  const now = (): number => START
  const memory = await IdentityMemory.open({ ...ram(), write }, mine.state.identity, mine.toBytes(), { now })
  const authenticator = new Authenticator(memory, keyPair('laptop'), { now, onrefused: () => {} })
  const [toPhone] = await meet({ memory, authenticator, refused: [] }, phone)
  isSlow = true
  mine.revokeDevice(keyPair('phone').publicKey, { reason: 'compromised' }, keyPairs('control 0'))
  void authenticator.publish(mine.events)
  await until(() => toPhone.destroying)
  expect(memory.state.seq).toBeLessThan(mine.state.seq)
})
