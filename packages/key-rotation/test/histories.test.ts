import { until } from '@cloudpal/test-kit'
import { expect, test, vi } from 'vitest'
import { Authenticator } from '../src/connections/index.ts'
import { decodeEvents, encodeEvents } from '../src/connections/messages.ts'
import { IdentityMemory, readReceipt } from '../src/index.ts'
import { addDevice, DAY, keyPair, keyPairs, manualTime } from './people.ts'
import { codeOfAsync, connect, copyOf, family, meet, party, ram, recovered, speak } from './parties.ts'

const lost = { reason: 'compromised' } as const

test('who has the longer of two histories hears of the shorter: length does not win', async () => {
  const base = family()
  const [mine, thiefs] = [copyOf(base), copyOf(base)]
  mine.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
  addDevice(thiefs, 'one')
  addDevice(thiefs, 'two')
  const [laptop, tablet] = [await party('laptop', mine), await party('tablet', thiefs)]
  await meet(laptop, tablet)
  await until(() => laptop.memory.duplicity !== null)
  await until(() => tablet.memory.duplicity !== null, { timeoutMs: 2_000 })
})

test('and also where the shorter one has let the device in that is connected', async () => {
  const base = family()
  const [mine, thiefs] = [copyOf(base), copyOf(base)]
  addDevice(mine, 'new phone')
  addDevice(thiefs, 'one')
  addDevice(thiefs, 'two')
  const [phone, tablet] = [await party('new phone', mine), await party('tablet', thiefs)]
  const ends = connect()
  await Promise.all([
    codeOfAsync(phone.authenticator.authenticate(ends[0])),
    codeOfAsync(tablet.authenticator.authenticate(ends[1]))
  ])
  await until(() => tablet.memory.duplicity !== null || phone.memory.duplicity !== null, {
    timeoutMs: 2_000
  })
})

test('a thief who revokes the other devices in a history of his own does not silence them', async () => {
  const base = family()
  const [mine, thiefs] = [copyOf(base), copyOf(base)]
  mine.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
  thiefs.revokeDevice(keyPair('laptop').publicKey, lost, keyPairs('control 0'))
  addDevice(thiefs, 'one')
  const [laptop, tablet] = [await party('laptop', mine), await party('tablet', thiefs)]
  const ends = connect()
  const asked = [laptop, tablet].map(({ authenticator }, i) =>
    codeOfAsync(authenticator.authenticate(ends[i] as (typeof ends)[0]))
  )
  await until(() => tablet.memory.duplicity !== null)
  expect((await Promise.all(asked))[1]).toBe('KEY_ROTATION_DEVICE_REVOKED')
})

test('two histories that do not fit into one message are seen whole, and nobody is disconnected', async () => {
  const base = family()
  const [one, other] = [copyOf(base), copyOf(base)]
  for (let i = 0; i < 1_200; i++) {
    addDevice(one, `one ${i}`, 'reader')
    addDevice(other, `other ${i}`, 'reader')
  }
  const [laptop, tablet] = [await party('laptop', one), await party('tablet', other)]
  await meet(laptop, tablet)
  await until(() => laptop.memory.duplicity !== null || tablet.memory.duplicity !== null)
  const isOver = (): boolean =>
    laptop.refused.length + tablet.refused.length > 0 ||
    [laptop, tablet].every(({ memory }) => memory.duplicity?.branches[1].length === 1_204)
  await until(isOver, { timeoutMs: 20_000 })
  expect([laptop.refused, tablet.refused]).toEqual([[], []])
}, 60_000)

test('who has seen two histories tells a third device of both', async () => {
  const base = family()
  const [one, other] = [copyOf(base), copyOf(base)]
  addDevice(one, 'one')
  addDevice(other, 'other')
  const [laptop, phone] = [await party('laptop', one), await party('phone', base)]
  await codeOfAsync(laptop.memory.receive(other.events))
  await meet(laptop, phone)
  await until(() => phone.memory.state.seq === 4)
  await until(() => phone.memory.duplicity !== null, { timeoutMs: 1_000 })
})

test('who has decided for one history stays connected to a device that still has the other', async () => {
  const base = family()
  const [one, other] = [copyOf(base), copyOf(base)]
  addDevice(one, 'one')
  addDevice(other, 'other')
  const [laptop, tablet] = [await party('laptop', one), await party('tablet', other)]
  const ends = await meet(laptop, tablet)
  await until(() => laptop.memory.duplicity !== null && tablet.memory.duplicity !== null)
  await laptop.memory.choose(0)
  for (const end of ends) end.destroy()
  const received = vi.spyOn(laptop.memory, 'receive')
  const [end] = await meet(laptop, tablet)
  // It is told of the other history once more, and goes on as before.
  await until(() => received.mock.settledResults.some(({ type }) => type === 'rejected'))
  addDevice(one, 'two')
  await laptop.authenticator.publish(one.events)
  await until(() =>
    tablet.authenticator.receipts.some((receipt) => readReceipt(receipt).seq === one.state.seq)
  )
  expect([laptop.refused, tablet.refused, end.destroying]).toEqual([[], [], false])
})

test('who holds a recovery back is not disconnected by the events after it', async () => {
  const base = family()
  const { chain, late } = recovered(base)
  const [laptop, tablet] = [
    await party('laptop', base, {}, () => late),
    await party('tablet', chain, {}, () => late)
  ]
  const received = vi.spyOn(laptop.memory, 'receive')
  await meet(laptop, tablet)
  for (const [i, name] of ['one', 'two', 'three'].entries()) {
    await until(() => received.mock.settledResults.length > i)
    addDevice(chain, name, 'reader', keyPairs('new control'))
    await tablet.authenticator.publish(chain.events)
  }
  await until(() => received.mock.settledResults.length > 3)
  expect([laptop.memory.state.pending === null, laptop.refused, tablet.refused]).toEqual([false, [], []])
})

test('a recovery that was held back is taken in when its time has come, without a new connection', async () => {
  const base = family()
  const { chain, late } = recovered(base)
  const clock = manualTime(late)
  const memory = await IdentityMemory.open(ram(), base.state.identity, base.toBytes(), { now: clock })
  const laptop = new Authenticator(memory, keyPair('laptop'), { now: clock })
  const tablet = await party('tablet', chain, { now: clock }, () => late)
  const [one, other] = connect()
  await Promise.all([laptop.authenticate(one), tablet.authenticator.authenticate(other)])
  await until(() => memory.state.pending !== null)
  clock.at += 8 * DAY
  laptop.refresh()
  tablet.authenticator.refresh()
  await until(() => memory.state.seq === chain.state.seq, { timeoutMs: 1_000 })
})

test('events that go on with nothing that is here are asked for from the beginning, once', async () => {
  const base = family()
  const theirs = copyOf(base)
  for (const name of ['one', 'two', 'three']) addDevice(theirs, name)
  const laptop = await party('laptop', base)
  const [mine, other] = connect()
  const asked = laptop.authenticator.authenticate(mine)
  const phone = await speak(other, theirs, keyPair('phone'))
  await asked
  phone.tell(encodeEvents(5, theirs.events).message)
  await until(() => phone.asked === 1)
  phone.tell(encodeEvents(0, theirs.events.slice(0, -1)).message)
  await until(() => laptop.memory.state.seq === 5)
  addDevice(theirs, 'four')
  phone.tell(encodeEvents(7, theirs.events).message)
  await until(() => mine.destroying)
  expect([laptop.refused, phone.asked]).toEqual([['KEY_ROTATION_OUT_OF_ORDER'], 1])
})

test('who asks is told everything again, but not without end', async () => {
  const base = family()
  const laptop = await party('laptop', base)
  const [mine, other] = connect()
  const known = laptop.authenticator.authenticate(mine)
  const phone = await speak(other, base, keyPair('phone'))
  await known
  for (let i = 0; i < 6; i++) phone.ask()
  addDevice(base, 'one')
  // What is published after them comes after all answers.
  await until(() => phone.told.length === 4)
  await laptop.authenticator.publish(base.events)
  await until(() => phone.told.length === 5)
  expect(phone.told.map((message) => decodeEvents(message).from)).toEqual([0, 0, 0, 0, 4])
})
