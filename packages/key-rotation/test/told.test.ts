import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { encodeEvents } from '../src/connections/messages.ts'
import { Turn } from '../src/connections/turn.ts'
import { decodeEvent, encodeBody, encodeEvent } from '../src/format/event.ts'
import { addDevice, bytesOf, keyPair, START } from './people.ts'
import { connect, copyOf, family, party, speak } from './parties.ts'

/** A laptop that knows a phone, which speaks by hand, and has three events more. */
async function spokenWith() {
  const mine = family()
  const laptop = await party('laptop', mine)
  const theirs = copyOf(mine)
  for (const name of ['one', 'two', 'three']) addDevice(theirs, name)
  const [end, other] = connect()
  const known = laptop.authenticator.authenticate(end)
  const phone = await speak(other, theirs, keyPair('phone'))
  await known
  return { laptop, phone, theirs }
}

test('messages that were on their way when a device asked are no fault of who sent them', async () => {
  const { laptop, phone, theirs } = await spokenWith()
  // It takes event 4 for one that the laptop has, and two events are made, one after the other.
  phone.tell(encodeEvents(5, theirs.events.slice(0, -1)).message)
  phone.tell(encodeEvents(6, theirs.events).message)
  await until(() => phone.asked === 1)
  phone.tell(encodeEvents(0, theirs.events).message)
  await until(() => laptop.memory.state.seq === theirs.state.seq || laptop.refused.length > 0)
  expect(laptop.refused).toEqual([])
})

test('who goes on with what nobody has, however often it is asked for everything, is closed', async () => {
  const { laptop, phone, theirs } = await spokenWith()
  for (let i = 0; i < 10; i++) {
    phone.tell(encodeEvents(6, theirs.events).message)
    phone.tell(encodeEvents(0, theirs.events.slice(0, 1)).message)
  }
  await until(() => laptop.refused.length > 0)
  expect(laptop.refused).toEqual(['KEY_ROTATION_OUT_OF_ORDER'])
})

test('a reader that tells one weaker event after the other, unsigned, is closed before it has kept a device busy', async () => {
  const mine = family()
  const laptop = await party('laptop', mine)
  const [end, other] = connect()
  const known = laptop.authenticator.authenticate(end)
  const phone = await speak(other, mine, keyPair('phone'))
  await known
  const { identity } = mine.state
  const weaker = (i: number): Uint8Array => {
    const previous = decodeEvent(mine.events[3] as Uint8Array).hash
    const change = { kind: 'revokeDevice', device: bytesOf(i), reason: 'lost', cutOffs: [] } as const
    return encodeEvent(encodeBody({ identity, seq: 4, time: START, previous, admin: 0, change }), [])
  }
  addDevice(mine, 'another')
  await laptop.authenticator.publish(mine.events)
  let weighed = 0
  const receive = laptop.memory.receive.bind(laptop.memory)
  laptop.memory.receive = (...given) => {
    weighed++
    return receive(...given)
  }
  for (let i = 0; i < 100; i++) phone.tell(encodeEvents(4, [...mine.events.slice(0, 4), weaker(i)]).message)
  await until(() => laptop.refused.length > 0)
  expect([laptop.refused, end.destroying]).toEqual([['KEY_ROTATION_TOO_LARGE'], true])
  expect(weighed).toBeLessThan(20)
})

test('more messages than can be taken in are refused while the store hangs, also those without a byte', () => {
  const turn = new Turn()
  const codes: unknown[] = []
  const hang = (): Promise<void> => new Promise(() => {})
  for (let i = 0; i < 5000; i++) turn.take(0, hang, (error) => codes.push((error as { code: string }).code))
  expect(new Set(codes)).toEqual(new Set(['KEY_ROTATION_TOO_LARGE']))
})
