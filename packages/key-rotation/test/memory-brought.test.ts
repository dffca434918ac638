import { expect, test, vi } from 'vitest'
import { decodeEvent, encodeChain, IdentityMemory, Sigchain } from '../src/index.ts'
import { encodeBody, encodeEvent } from '../src/format/event.ts'
import { BranchCheck } from '../src/memory/branch-check.ts'
import { addDevice, DAY, keyPair, keyPairs, keysOf, manualTime, START } from './people.ts'
import { codeOfAsync, copyOf, family, ram } from './parties.ts'

const now = (): number => START + 30 * DAY

/** To be gone on with at another time. */
function copyAt(chain: Sigchain, time: () => number): Sigchain {
  return Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: time })
}

/** Events without their signatures, which have the same hashes. */
function unsigned(events: readonly Uint8Array[]): Uint8Array[] {
  return events.map((bytes) => encodeEvent(encodeBody(decodeEvent(bytes)), []))
}

test('who passes a stronger history on, and has no keys, cannot make a memory that never opens again', async () => {
  const mine = family()
  const before = copyOf(mine)
  addDevice(before, 'watch')
  mine.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  const store = ram()
  const memory = await IdentityMemory.open(store, mine.state.identity, before.toBytes(), { now })
  const last = mine.events.slice(-1)
  expect(await memory.receive(encodeChain([...unsigned(mine.events.slice(0, -1)), ...last]))).toBe(true)
  const again = await IdentityMemory.open(store, mine.state.identity, null, { now })
  expect(again.events).toEqual(mine.events)
})

test('nor a second history that can be shown, and not be chosen', async () => {
  const [mine, theirs] = [family(), family()]
  addDevice(mine, 'mine')
  addDevice(theirs, 'theirs')
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  await codeOfAsync(memory.receive([...unsigned(theirs.events.slice(0, -1)), ...theirs.events.slice(-1)]))
  expect(memory.duplicity?.branches[1]).toEqual(theirs.events)
  await memory.choose(1)
  expect(memory.state).toEqual(theirs.state)
})

test('what is no event gives a code, also among those that are known', async () => {
  const mine = family()
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  const brought = [...mine.events.slice(0, 2), null as never]
  expect(await codeOfAsync(memory.receive(brought))).toBe('KEY_ROTATION_MALFORMED')
  expect(await codeOfAsync(memory.extend(brought))).toBe('KEY_ROTATION_MALFORMED')
})

test('what is ahead of the clock waits, and what came before it counts', async () => {
  const clock = manualTime()
  const base = family()
  const ahead = copyOf(base)
  base.revokeDevice(keyPair('phone').publicKey, { reason: 'lost' }, keyPairs('control 0'))
  ahead.append(base.events.at(-1) as Uint8Array)
  const written = copyAt(ahead, () => START + DAY + 1)
  addDevice(written, 'thief')
  const memory = await IdentityMemory.open(ram(), base.state.identity, family().toBytes(), { now: clock })
  expect(await codeOfAsync(memory.receive(written.toBytes()))).toBe('KEY_ROTATION_BAD_TIME')
  expect(memory.state).toEqual(base.state)
  clock.at++
  expect(await memory.receive(written.toBytes())).toBe(true)
})

test('a history of which a part waits is not written again each time that it is brought', async () => {
  const clock = manualTime(START + DAY)
  const begun = family()
  const trusted = begun.state.identity
  let written = 0
  const write = async (): Promise<void> => void written++
  const store = { read: async () => null, write }
  const memory = await IdentityMemory.open(store, trusted, begun.toBytes(), { now: clock })
  const friends = copyOf(begun)
  friends.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'friend 1', 'new'))
  const theirs = copyAt(friends, () => START + 7 * DAY)
  theirs.recover(keyPairs('new'))
  addDevice(friends, 'by an admin', 'writer', keyPairs('laptop'))
  clock.at += 10 * DAY
  await memory.receive(friends.toBytes())
  const before = written
  for (let i = 0; i < 3; i++)
    expect(await codeOfAsync(memory.receive(theirs.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  expect(written).toBe(before)
})

test('a second history that begins with a time that is still to come, which nobody needs to have signed, costs no walk over all that both have', async () => {
  const mine = family()
  const ahead = copyAt(mine, () => now() + 2 * DAY)
  addDevice(mine, 'mine')
  addDevice(ahead, 'ahead')
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  const walks = vi.spyOn(BranchCheck.prototype, 'stateBefore')
  try {
    expect(await codeOfAsync(memory.receive(ahead.toBytes()))).toBe('KEY_ROTATION_BAD_TIME')
    expect([walks.mock.calls.length, memory.state, memory.duplicity]).toEqual([0, mine.state, null])
  } finally {
    walks.mockRestore()
  }
})
