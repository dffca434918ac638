import { until } from '@cloudpal/test-kit'
import { expect, test, vi } from 'vitest'
import { Authenticator } from '../src/connections/index.ts'
import { decodeEvents, encodeEvents } from '../src/connections/messages.ts'
import { encodeBody, encodeEvent } from '../src/format/event.ts'
import { IdentityMemory, readReceipt, Sigchain, verify } from '../src/index.ts'
import { addDevice, DAY, keyPair, keyPairs, keysOf, manualTime, START } from './people.ts'
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
  await until(() => tablet.memory.duplicity !== null)
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
  await until(() => tablet.memory.duplicity !== null || phone.memory.duplicity !== null)
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
  await until(isOver)
  expect([laptop.refused, tablet.refused]).toEqual([[], []])
})

test('who has seen two histories tells a third device of both', async () => {
  const base = family()
  const [one, other] = [copyOf(base), copyOf(base)]
  addDevice(one, 'one')
  addDevice(other, 'other')
  const [laptop, phone] = [await party('laptop', one), await party('phone', base)]
  await codeOfAsync(laptop.memory.receive(other.events))
  await meet(laptop, phone)
  await until(() => phone.memory.state.seq === 4)
  await until(() => phone.memory.duplicity !== null)
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
  await until(() => memory.state.seq === chain.state.seq)
})

test('devices whose clocks differ stay connected, and take in an event that is still to come when it is not any more', async () => {
  const base = family()
  const ahead = Sigchain.open(
    base.toBytes(),
    { trusted: base.state.identity },
    { now: () => START + DAY + 60_000 }
  )
  addDevice(ahead, 'thief')
  const clock = manualTime()
  const tablet = await party('tablet', base, { now: clock }, clock)
  const laptop = await party('laptop', ahead, {}, () => START + 120_000)
  const received = vi.spyOn(tablet.memory, 'receive')
  const ends = await meet(tablet, laptop)
  await until(() => received.mock.settledResults.length > 0)
  clock.at += 60_000
  tablet.authenticator.refresh()
  await until(() => tablet.memory.state.seq === ahead.state.seq)
  expect([tablet.refused, ends[0].destroying]).toEqual([[], false])
})

test('but who tells an event of a time before the one it follows is refused', async () => {
  const base = family()
  const [tablet, end] = [await party('tablet', base), connect()]
  const answer = codeOfAsync(tablet.authenticator.authenticate(end[0]))
  const speaker = await speak(end[1], base, keyPair('laptop'))
  expect(await answer).toBe(null)
  const { seq, hash, identity } = base.state
  const body = encodeBody({
    identity,
    seq: seq + 1,
    time: START - 1,
    previous: hash,
    admin: null,
    change: { kind: 'revokeDevice', device: keyPair('phone').publicKey, reason: 'lost', cutOffs: [] }
  } as never)
  speaker.tell(encodeEvents(seq + 1, [...base.events, encodeEvent(body, [])]).message)
  await until(() => tablet.refused.length > 0)
  expect(tablet.refused).toEqual(['KEY_ROTATION_BAD_TIME'])
})

test('a connected device that goes over to a stronger, shorter history is a witness of it', async () => {
  const [before, after] = [family(), family()]
  for (const name of ['one', 'two', 'three']) addDevice(before, name)
  after.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  const [laptop, tablet] = [await party('laptop', after), await party('tablet', before)]
  await meet(laptop, tablet)
  const { identity } = after.state
  const confirmed = (): number => {
    const { receipts } = laptop.authenticator
    return verify(after.toBytes(), { trusted: identity, witnesses: { receipts } }).witnesses.confirmed.length
  }
  await until(() => Buffer.compare(tablet.memory.state.hash, after.state.hash) === 0)
  await until(() => confirmed() === 1)
})

test('events that go on with nothing that is here are asked for from the beginning, and so are others later', async () => {
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
  await until(() => phone.asked === 2)
  phone.tell(encodeEvents(0, theirs.events).message)
  await until(() => laptop.memory.state.seq === theirs.state.seq)
  expect(laptop.refused).toEqual([])
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

test('devices whose clocks differ by minutes stay connected, and what came before an event that is still to come counts', async () => {
  const minute = 60_000
  const base = family()
  // A thief with the present keys states the latest time that some take, and others not yet.
  const ahead = Sigchain.open(
    base.toBytes(),
    { trusted: base.state.identity },
    { now: () => START + DAY + minute }
  )
  base.revokeDevice(keyPair('phone').publicKey, { reason: 'lost' }, keyPairs('control 0'))
  const events = base.events.slice(-1)
  ahead.append(events[0] as Uint8Array)
  addDevice(ahead, 'thief')
  const tablet = await party('tablet', copyOf(family()))
  const laptop = await party('laptop', ahead, {}, () => START + 2 * minute)
  const ends = await meet(tablet, laptop)
  await until(() => tablet.memory.state.seq >= base.state.seq || tablet.refused.length > 0)
  expect([tablet.memory.state.hash, tablet.refused, ends[0].destroyed]).toEqual([base.state.hash, [], false])
})
