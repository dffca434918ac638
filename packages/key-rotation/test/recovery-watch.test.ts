import { describe, expect, test } from 'vitest'
import { createReceipt, IdentityMemory, Sigchain, verify } from '../src/index.ts'
import { takeIn } from '../src/memory/recovery-watch.ts'
import { ada, addDevice, DAY, keyPair, keyPairs, keysOf, manualTime, publicKeys, START } from './people.ts'
import { codeOfAsync, ram } from './parties.ts'

/** A quorum that conspires: it announces at a time that it states, and completes when that allows. */
function conspiracy(
  announced: number,
  delayMs: number,
  live: (chain: Sigchain) => void = () => {}
): { begun: Uint8Array; chain: Sigchain } {
  const now = manualTime()
  const chain = Sigchain.incept(
    {
      control: { keys: publicKeys('control 0') },
      next: { keys: publicKeys('control 1') },
      recovery: { quorum: { threshold: 1, keys: publicKeys('friend 0') }, delayMs },
      signers: keyPairs('control 0')
    },
    { now }
  )
  live(chain)
  const begun = chain.toBytes()
  now.at = announced
  chain.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'new'))
  now.at = announced + delayMs
  chain.recover(keyPairs('new'))
  return { begun, chain }
}

describe('a quorum cannot take over at once, whatever times it states', () => {
  test.each([
    ['a delay of a day, announced a day ago', DAY],
    ['a delay of an hour', DAY / 24]
  ])('%s', async (_, delayMs) => {
    const today = START + 30 * DAY
    const { begun, chain } = conspiracy(today - DAY, delayMs)
    const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, { now: () => today })
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  })
})

describe('clock nonsense is a code, and lets no recovery through', () => {
  const { begun, chain } = conspiracy(START + DAY, 7 * DAY)
  const today = START + 30 * DAY
  test.each<[string, unknown]>([
    ['`now` is NaN', Number.NaN],
    ['`now` is no number', '2026-02-01']
  ])('%s', async (_, then) => {
    let now: unknown = today
    const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, { now: () => now as number })
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
    now = then
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).not.toBe(null)
  })
})

describe('a device that was away waits for as long as the policy gives everybody to object', () => {
  const announced = START + DAY
  const { begun, chain } = conspiracy(announced, 7 * DAY, (chain) => addDevice(chain, 'stolen'))
  const { identity } = chain.state

  test('counted from when it hears of the recovery, to the millisecond', async () => {
    const now = manualTime()
    const memory = await IdentityMemory.open(ram(), identity, begun, { now })
    const heard = START + 30 * DAY
    for (const time of [heard, heard + 7 * DAY - 1]) {
      now.at = time
      expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
    }
    now.at = heard + 7 * DAY
    expect(await memory.receive(chain.toBytes())).toBe(true)
  })

  test('whoever says to have known of it before, one of the identity’s devices or a service that stamps', async () => {
    const announcement = verify(chain.events.slice(0, -1), { trusted: identity }).state
    const receipt = createReceipt(announcement, keyPair('stolen'), announced)
    for (const option of [{ receipts: () => [receipt] }, { seenBy: () => announced }]) {
      const options = { now: () => START + 30 * DAY, ...option } as never
      expect(await codeOfAsync(IdentityMemory.open(ram(), identity, begun, options))).toBe(
        'KEY_ROTATION_BAD_ARGUMENT'
      )
    }
  })
})

test('choosing a branch does not forget since when a recovery was known of', async () => {
  const now = manualTime()
  const { begun, chain } = conspiracy(START + DAY, 7 * DAY)
  now.at = START + 30 * DAY
  const { identity } = chain.state
  const memory = await IdentityMemory.open(ram(), identity, begun, { now })
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  const branch = Sigchain.open(begun, { trusted: identity }, { now: () => START })
  branch.announceRecovery(keysOf('other', 'other next'), keyPairs('friend 0', 'other'))
  expect(await codeOfAsync(memory.receive(branch.toBytes()))).toBe('KEY_ROTATION_FORKED')
  await memory.choose(0)
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  now.at += 7 * DAY
  expect(await memory.receive(chain.toBytes())).toBe(true)
})

test('a recovery of which it is not known since when it was known is known of from now on', () => {
  const { chain } = conspiracy(START, 7 * DAY)
  const { identity } = chain.state
  const { state } = verify(chain.events.slice(0, 2), { trusted: identity })
  const events = chain.events.slice(2)
  const late = START + 30 * DAY
  const { count, sightings } = takeIn({ state, sightings: [] }, events, late)
  expect([count, sightings]).toEqual([0, [{ announcement: state.hash, time: late }]])
  const after = (now: number): number => takeIn({ state, sightings }, events, now).count
  expect([after(late + 7 * DAY - 1), after(late + 7 * DAY)]).toEqual([0, 1])
})

test.each([
  ['an eighth of a short delay', 4 * DAY, DAY / 2],
  ['a day of a long one', 80 * DAY, DAY]
])(
  'an announcement of which it is heard within %s is of the time that it states, and later of when it was heard of',
  (_, delayMs, grace) => {
    const { chain } = conspiracy(START, delayMs)
    const { state } = verify(chain.events.slice(0, 2), { trusted: chain.state.identity })
    const taken = (heard: number, now: number): number => {
      const sightings = [{ announcement: state.hash, time: START + heard }]
      return takeIn({ state, sightings }, chain.events.slice(2), START + now).count
    }
    expect([taken(grace, delayMs - 1), taken(grace, delayMs)]).toEqual([0, 1])
    const late = grace + 1
    expect([taken(late, late + delayMs - 1), taken(late, late + delayMs)]).toEqual([0, 1])
  }
)

test('of so many recoveries as a memory has room for it knows since when, the newest ones, and goes on', async () => {
  const clock = manualTime()
  const chain = ada(clock)
  const friends = ['friend 0', 'friend 1']
  for (let i = 0; i < 70; i++)
    chain.announceRecovery(keysOf(`new ${i}`, `next ${i}`), keyPairs(...friends, `new ${i}`))
  const store = ram()
  const { identity } = chain.state
  const memory = await IdentityMemory.open(store, identity, chain.events.slice(0, 1), { now: clock })
  expect(await memory.receive(chain.events)).toBe(true)
  expect((await IdentityMemory.open(store, identity, null, { now: clock })).state).toEqual(chain.state)
})

describe('a quorum that was replaced', () => {
  const friends = ['friend 0', 'friend 1']
  const forked = 'KEY_ROTATION_FORKED'

  /** Whose quorum was replaced, after it has brought Ada back or without; and what the old one announces in the place before. */
  function replaced(isBroughtBack: boolean) {
    const clock = manualTime()
    const chain = ada(clock)
    const old = Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: () => START })
    if (isBroughtBack) {
      chain.announceRecovery(keysOf('new', 'control 1'), keyPairs(...friends, 'new'))
      clock.at += 7 * DAY
      chain.recover(keyPairs('new'))
    }
    const recovery = { quorum: { threshold: 1, keys: publicKeys('better friend') }, delayMs: 7 * DAY }
    chain.rotate({ ...keysOf('control 1', 'control 2'), recovery }, keyPairs('control 1', ...friends))
    // More than a memory has room for.
    for (let i = 0; i < 65; i++)
      old.announceRecovery(keysOf(`theirs ${i}`, `next ${i}`), keyPairs(...friends, `theirs ${i}`))
    return { chain, old, clock }
  }

  test.each([
    ['', false],
    [', also where it has brought the person back before', true]
  ])('makes no device forget since when a recovery by the present one was known of%s', async (_, isBack) => {
    const { chain, old, clock } = replaced(isBack)
    const now = manualTime(clock.at)
    const memory = await IdentityMemory.open(ram(), chain.state.identity, chain.toBytes(), { now })
    chain.announceRecovery(keysOf('mine', 'mine next'), keyPairs('better friend', 'mine'))
    await memory.receive(chain.toBytes())
    now.at = clock.at += 7 * DAY
    chain.recover(keyPairs('mine'))
    expect(await codeOfAsync(memory.receive(old.toBytes()))).toBe(forked)
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe(null)
    expect(memory.state).toEqual(chain.state)
  })

  test('nor where it freezes what was before, with the keys that were replaced, till a person has decided', async () => {
    const { chain, old, clock } = replaced(true)
    const now = manualTime(clock.at)
    const memory = await IdentityMemory.open(ram(), chain.state.identity, chain.toBytes(), { now })
    chain.announceRecovery(keysOf('mine', 'mine next'), keyPairs('better friend', 'mine'))
    await memory.receive(chain.toBytes())
    old.vetoRecovery(keyPairs('control 0'))
    expect(await codeOfAsync(memory.receive(old.toBytes()))).toBe(forked)
    expect(memory.duplicity?.seq).toBe(1)
    await memory.choose(0)
    now.at = clock.at += 7 * DAY
    chain.recover(keyPairs('mine'))
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe(null)
  })

  test('announces for nothing, which is not even checked: nor where a person has decided against it', async () => {
    for (const isBack of [false, true]) {
      const { chain, old, clock } = replaced(isBack)
      const { identity } = chain.state
      const now = manualTime(clock.at)
      const memory = await IdentityMemory.open(ram(), identity, chain.toBytes(), { now })
      const wrong = old.events.map((event) => Buffer.from(event))
      wrong[1]?.subarray(-64).fill(1)
      if (isBack) {
        expect(await codeOfAsync(memory.receive(wrong))).toBe('KEY_ROTATION_BAD_SIGNATURE')
        const theirs = Sigchain.open(old.events.slice(0, 2), { trusted: identity }, { now })
        theirs.recover(keyPairs('theirs 0'))
        expect(await codeOfAsync(memory.receive(theirs.events.slice(0, 2)))).toBe(forked)
        now.at += 7 * DAY
        expect(await codeOfAsync(memory.receive(theirs.events))).toBe(forked)
        await memory.choose(0)
      }
      expect([await codeOfAsync(memory.receive(wrong)), memory.duplicity]).toEqual([forked, null])
    }
  })
})

test('a recovery that was heard of by a clock that was ahead then waits for its delay from now on, and no longer', async () => {
  const { begun, chain } = conspiracy(START, 7 * DAY)
  const now = manualTime(START + 9000 * DAY)
  const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, { now })
  await memory.receive(chain.events.slice(0, 2))
  now.at = START + 8 * DAY
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  now.at += 7 * DAY
  expect(await memory.receive(chain.toBytes())).toBe(true)
})
