import { until } from '@cloudpal/test-kit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeEvent, IdentityMemory, type MemoryStore, Sigchain } from '../src/index.ts'
import { ada, addDevice, DAY, keyPair, keyPairs, keysOf, manualTime, publicKeys, START } from './people.ts'
import { codeOfAsync, connect, copyOf, family, meet, party, ram } from './parties.ts'

const now = manualTime()

/** A device that has seen `first`, and then is brought others. */
async function seen(
  first: Sigchain,
  ...others: Sigchain[]
): Promise<IdentityMemory & { store: MemoryStore }> {
  const store = ram()
  const memory = await IdentityMemory.open(store, first.state.identity, first.toBytes(), { now })
  for (const other of others) await codeOfAsync(memory.receive(other.toBytes()))
  return Object.assign(memory, { store })
}

/** A quorum has brought Ada back, who has rotated since; and what there was before. */
function broughtBack(revealed: string[]): { mine: Sigchain; before: Sigchain } {
  const clock = manualTime()
  const mine = ada(clock)
  const before = copyOf(mine)
  const keys = {
    ...keysOf('new', 'new next'),
    revealed: revealed.length > 0 ? { keys: publicKeys(...revealed) } : null
  }
  mine.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new', ...revealed))
  clock.at += 7 * DAY
  mine.recover(keyPairs('new'))
  mine.rotate(keysOf('new next', 'new next 2'), keyPairs('new next'))
  return { mine, before }
}

/** Whichever comes first, this one counts. */
async function expectWinner(winner: Sigchain, loser: Sigchain): Promise<void> {
  for (const memory of [await seen(winner, loser), await seen(loser, winner)])
    expect([memory.state, memory.duplicity]).toEqual([winner.state, null])
}

async function expectFreeze(one: Sigchain, other: Sigchain): Promise<void> {
  for (const memory of [await seen(one, other), await seen(other, one)])
    expect(memory.duplicity).not.toBe(null)
}

function rotate(chain: Sigchain, next = 'control 2'): void {
  chain.rotate(keysOf('control 1', next), keyPairs('control 1'))
}

describe('of two histories that both are signed as they should be', () => {
  test('that with the keys from the drawer counts, over a thief’s with the present ones, however long', async () => {
    const mine = family()
    const theirs = copyOf(mine)
    for (const name of ['one', 'two', 'three']) addDevice(theirs, name, 'admin')
    rotate(mine)
    await expectWinner(mine, theirs)
  })

  test('a final recovery counts, too, once it is announced, and when it is completed', async () => {
    const mine = family()
    const theirs = copyOf(mine)
    addDevice(theirs, 'thief’s phone')
    const revealed = { keys: publicKeys('control 1') }
    const keys = { ...keysOf('new', 'new next'), revealed }
    mine.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new', 'control 1'))
    await expectWinner(mine, theirs)
    const late = copyOf(mine)
    mine.recover(keyPairs('new'))
    late.revokeDevice(keyPair('phone').publicKey, { reason: 'lost' }, keyPairs('control 0'))
    await expectWinner(mine, late)
  })

  test('keys that were rotated away freeze nothing: what was rotated since counts', async () => {
    const mine = family()
    const theirs = copyOf(mine)
    mine.rotate(keysOf('control 1', 'control 2'), keyPairs('control 0', 'control 1'))
    addDevice(theirs, 'thief', 'reader', keyPairs('control 0'))
    await expectWinner(mine, theirs)
  })

  test('a revoked admin freezes nothing: the identity’s keys have acted since', async () => {
    const mine = family()
    const theirs = copyOf(mine)
    mine.revokeDevice(keyPair('laptop').publicKey, { reason: 'compromised' }, keyPairs('control 0'))
    addDevice(theirs, 'thief', 'reader', keyPairs('laptop'))
    await expectWinner(mine, theirs)
  })

  test('as strong ones freeze: by present keys, by admins, and by keys that both rotated to', async () => {
    const [one, other] = [family(), family()]
    addDevice(one, 'one')
    addDevice(other, 'other')
    await expectFreeze(one, other)
    const [byAdmin, byAnother] = [family(), family()]
    addDevice(byAdmin, 'one', 'reader', keyPairs('laptop'))
    addDevice(byAnother, 'other', 'reader', keyPairs('laptop'))
    await expectFreeze(byAdmin, byAnother)
    const [rotated, elsewhere] = [family(), family()]
    rotate(rotated)
    rotate(elsewhere, 'control 3')
    await expectFreeze(rotated, elsewhere)
  })

  test('keys that were next once can still freeze what they were next for, and take nothing over', async () => {
    const mine = family()
    const theirs = copyOf(mine)
    rotate(mine)
    mine.rotate(keysOf('control 2', 'control 3'), keyPairs('control 2'))
    rotate(theirs, 'thief')
    theirs.rotate(keysOf('thief', 'thief 2'), keyPairs('thief'))
    await expectFreeze(mine, theirs)
  })
})

describe('after a recovery', () => {
  beforeEach(() => void (now.at = START + 30 * DAY))
  afterEach(() => void (now.at = START))

  test('that was made without them, the keys that were next still are the identity, whatever was rotated and decided since', async () => {
    const { mine, before: theirs } = broughtBack([])
    const rival = copyOf(theirs)
    addDevice(rival, 'rival')
    theirs.rotate(keysOf('control 1', 'finder'), keyPairs('control 1'))
    await expectWinner(theirs, mine)
    const memory = await seen(mine, rival)
    await memory.choose(0)
    await memory.receive(theirs.toBytes())
    expect([memory.state, memory.superseded?.events]).toEqual([theirs.state, mine.events])
  })

  test('that was made with them, they only freeze, till somebody decides', async () => {
    const { mine, before: theirs } = broughtBack(['control 1'])
    theirs.rotate(keysOf('control 1', 'finder'), keyPairs('control 1'))
    await expectFreeze(mine, theirs)
    const memory = await seen(mine, theirs)
    await memory.choose(0)
    theirs.rotate(keysOf('finder', 'finder 2'), keyPairs('finder'))
    expect(await codeOfAsync(memory.receive(theirs.toBytes()))).toBe('KEY_ROTATION_FORKED')
    expect([memory.state, memory.duplicity]).toEqual([mine.state, null])
  })

  test('the present keys that it has replaced freeze where they were, and after one decision nothing', async () => {
    const { mine, before: theirs } = broughtBack([])
    const again = copyOf(theirs)
    addDevice(theirs, 'thief')
    addDevice(again, 'thief, again')
    // Who hears of it after the thief has to know of it for as long as there was to object.
    const late = await seen(theirs, mine)
    expect([late.state, late.duplicity]).toEqual([theirs.state, null])
    now.at += 7 * DAY
    expect(await codeOfAsync(late.receive(mine.toBytes()))).toBe('KEY_ROTATION_FORKED')
    expect(late.duplicity).not.toBe(null)
    const memory = await seen(mine, theirs)
    expect(memory.duplicity).not.toBe(null)
    await memory.choose(0)
    for (const chain of [again, theirs])
      expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_FORKED')
    expect([memory.state, memory.duplicity]).toEqual([mine.state, null])
  })
})

describe('the quorum and the present keys are worth as much', () => {
  /** A quorum that announces; the keys object, and it goes on as if they had not. */
  function vetoed(): { mine: Sigchain; theirs: Sigchain } {
    const clock = manualTime()
    const begun = ada(clock)
    begun.announceRecovery(
      keysOf('conspirator', 'conspirator 2'),
      keyPairs('friend 0', 'friend 1', 'conspirator')
    )
    const open = (): Sigchain =>
      Sigchain.open(begun.toBytes(), { trusted: begun.state.identity }, { now: clock })
    const [mine, theirs] = [open(), open()]
    mine.vetoRecovery(keyPairs('control 0'))
    clock.at += 7 * DAY
    theirs.recover(keyPairs('conspirator'))
    theirs.rotate(keysOf('conspirator 2', 'conspirator 3'), keyPairs('conspirator 2'))
    return { mine, theirs }
  }

  test('so that it does not overrule a veto, also by rotating to keys of its own choice', async () => {
    const { mine, theirs } = vetoed()
    now.at = START + 30 * DAY
    try {
      await expectFreeze(mine, theirs)
      // The keys from the drawer decide.
      rotate(mine)
      await expectWinner(mine, theirs)
    } finally {
      now.at = START
    }
  })
})

test('a freeze ends by itself when either history is gone on with by stronger keys, also after a restart', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  addDevice(mine, 'mine')
  addDevice(theirs, 'theirs')
  for (const [first, second] of [
    [mine, theirs],
    [theirs, mine]
  ] as const) {
    const memory = await seen(first, second)
    expect(memory.duplicity?.seq).toBe(4)
    const again = await IdentityMemory.open(memory.store, mine.state.identity, null, { now })
    const rotated = copyOf(mine)
    rotate(rotated)
    expect(await again.receive(rotated.toBytes())).toBe(true)
    expect([again.state, again.duplicity]).toEqual([rotated.state, null])
  }
})

test('what was believed till a stronger history came is shown, after a restart, too', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  addDevice(theirs, 'thief’s phone')
  rotate(mine)
  const memory = await seen(theirs, mine)
  const again = await IdentityMemory.open(memory.store, mine.state.identity, null, { now })
  for (const each of [memory, again]) expect(each.superseded).toEqual({ seq: 4, events: theirs.events })
  expect((await seen(mine, theirs)).superseded).toBe(null)
})

test('a person whose own history comes third, when two others are shown already, can choose it all the same', async () => {
  const [one, other, mine, weak] = [family(), family(), family(), family()]
  addDevice(one, 'one')
  addDevice(other, 'other')
  addDevice(mine, 'mine')
  addDevice(mine, 'mine, too')
  addDevice(weak, 'weak', 'reader', keyPairs('laptop'))
  const memory = await seen(one, other, mine)
  expect(memory.duplicity?.branches).toEqual([one.events, other.events])
  for (const none of [weak.toBytes(), family().toBytes(), ada(now).toBytes(), 2 as never])
    expect(await codeOfAsync(memory.choose(none))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  const wrong = mine.events.map((event) => Buffer.from(event))
  wrong.at(-1)?.subarray(-64).fill(0)
  expect(await codeOfAsync(memory.choose(wrong))).toBe('KEY_ROTATION_BAD_SIGNATURE')
  await memory.choose(mine.toBytes())
  expect([memory.state, memory.duplicity, memory.superseded?.events]).toEqual([mine.state, null, one.events])
  for (const chain of [one, other]) expect(await codeOfAsync(memory.receive(chain.toBytes()))).not.toBe(null)
  expect(memory.duplicity).toBe(null)
  const again = await seen(one, other)
  addDevice(other, 'more of it')
  await again.choose(other.toBytes())
  expect(again.state.hash).toEqual(decodeEvent(other.events[4] as Uint8Array).hash)
})

test('a decision is of as strong histories: one that is stronger counts all the same', async () => {
  const [mine, theirs] = [family(), family()]
  addDevice(mine, 'mine')
  addDevice(theirs, 'theirs')
  const memory = await seen(mine, theirs)
  await memory.choose(0)
  addDevice(theirs, 'theirs 2')
  expect(await codeOfAsync(memory.receive(theirs.toBytes()))).toBe('KEY_ROTATION_FORKED')
  expect([memory.state, memory.duplicity]).toEqual([mine.state, null])
  rotate(theirs)
  expect(await memory.receive(theirs.toBytes())).toBe(true)
  expect(memory.state).toEqual(theirs.state)
})

test('a decision is of the history that it was made for: after a stronger one devices come to the same again', async () => {
  // Both have decided between two histories that part at event 7.
  const base = family()
  const stale = copyOf(base)
  for (const name of ['a', 'b', 'c']) addDevice(base, name)
  const other = copyOf(base)
  addDevice(base, 'one')
  addDevice(other, 'other')
  // Then a laptop that has not heard of it rotates, and its new keys are used twice.
  rotate(stale)
  const rival = copyOf(stale)
  addDevice(stale, 'mine', 'writer', keyPairs('control 1'))
  addDevice(rival, 'thief', 'writer', keyPairs('control 1'))
  for (const order of [
    [stale, rival],
    [rival, stale]
  ]) {
    const memory = await seen(base, other)
    await memory.choose(0)
    for (const chain of order) await codeOfAsync(memory.receive(chain.toBytes()))
    expect(memory.duplicity?.seq).toBe(5)
  }
})

test('a weaker history that is not right changes nothing either, and is not even checked', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  addDevice(theirs, 'thief', 'reader', keyPairs('laptop'))
  addDevice(mine, 'mine')
  const memory = await seen(mine)
  const wrong = Buffer.from(theirs.events.at(-1) as Uint8Array)
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1
  expect(await codeOfAsync(memory.receive([...theirs.events.slice(0, -1), wrong]))).toBe(
    'KEY_ROTATION_FORKED'
  )
  expect(memory.duplicity).toBe(null)
})

test('a stronger one that is not right is refused', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  addDevice(mine, 'mine')
  rotate(theirs)
  const wrong = Buffer.from(theirs.events.at(-1) as Uint8Array)
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1
  const memory = await seen(mine)
  expect(await codeOfAsync(memory.receive([...theirs.events.slice(0, -1), wrong]))).toBe(
    'KEY_ROTATION_BAD_SIGNATURE'
  )
  expect(memory.state).toEqual(mine.state)
})

test('of two connected devices that have different ones both go on with the stronger one, and stay connected', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  for (const name of ['one', 'two']) addDevice(theirs, name)
  rotate(mine)
  const [laptop, tablet] = [await party('laptop', mine), await party('tablet', theirs)]
  const ends = await meet(laptop, tablet)
  await until(() => tablet.memory.state.seq === mine.state.seq)
  expect([tablet.memory.state, laptop.memory.state]).toEqual([mine.state, mine.state])
  expect([laptop.refused, tablet.refused, ends.map(({ destroyed }) => destroyed)]).toEqual([
    [],
    [],
    [false, false]
  ])
})

test('a revoked admin freezes nothing either who is a stranger on a connection, and is told why', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  mine.revokeDevice(keyPair('laptop').publicKey, { reason: 'compromised' }, keyPairs('control 0'))
  addDevice(theirs, 'thief', 'reader', keyPairs('laptop'))
  const [tablet, laptop] = [await party('tablet', mine), await party('laptop', theirs)]
  const [one, other] = connect()
  const asked = codeOfAsync(tablet.authenticator.authenticate(one))
  void laptop.authenticator.authenticate(other).catch(() => {})
  expect(await asked).toBe('KEY_ROTATION_DEVICE_REVOKED')
  expect([tablet.memory.state, tablet.memory.duplicity]).toEqual([mine.state, null])
})

describe('a quorum that only announces', () => {
  const friends = ['friend 0', 'friend 1']

  test('takes nothing back at once: who an admin has revoked stays revoked, and it freezes', async () => {
    const mine = family()
    const theirs = copyOf(mine)
    mine.revokeDevice(keyPair('phone').publicKey, { reason: 'compromised' }, keyPairs('laptop'))
    theirs.announceRecovery(keysOf('new', 'new next'), keyPairs(...friends, 'new'))
    const memory = await seen(mine, theirs)
    expect(memory.state).toEqual(mine.state)
    await expectFreeze(mine, theirs)
    addDevice(mine, 'another')
    await expectWinner(mine, theirs)
  })

  test.each(['before it', 'after it'])(
    'is not stopped by a stolen admin that forks %s: the delay runs while all is frozen, and what it brings ends that',
    async (when) => {
      now.at = START
      const clock = manualTime()
      const base = Sigchain.open(family().toBytes(), { trusted: family().state.identity }, { now: clock })
      const forks = ['one', 'two'].map((name) => {
        const fork = copyOf(base)
        addDevice(fork, name, 'reader', keyPairs('laptop'))
        return fork
      })
      const [first, second] = forks as [Sigchain, Sigchain]
      const quorums = Sigchain.open(
        when === 'before it' ? first.toBytes() : base.toBytes(),
        { trusted: base.state.identity },
        { now: clock }
      )
      quorums.announceRecovery(keysOf('new', 'new next'), keyPairs(...friends, 'new'))
      const announced = quorums.toBytes()
      clock.at += 7 * DAY
      quorums.recover(keyPairs('new'))
      const memory = await IdentityMemory.open(ram(), base.state.identity, base.toBytes(), { now })
      for (const chain of [first.toBytes(), second.toBytes(), announced])
        await codeOfAsync(memory.receive(chain))
      expect(memory.duplicity?.seq).toBe(4)
      now.at = START + 7 * DAY
      try {
        expect(await codeOfAsync(memory.receive(quorums.toBytes()))).toBe(null)
        expect([memory.state, memory.duplicity]).toEqual([quorums.state, null])
      } finally {
        now.at = START
      }
    }
  )
})

test('two devices with one decision come to the same, in whatever order they hear of rotations since: next keys that were used twice are shown to both', async () => {
  const base = family()
  const stale = copyOf(base)
  for (const name of ['a', 'b', 'c']) addDevice(base, name)
  const [other, chosen] = [copyOf(base), copyOf(base)]
  addDevice(chosen, 'one')
  addDevice(other, 'other')
  const rotated = copyOf(chosen)
  rotate(rotated)
  rotate(stale, 'thief')
  for (const order of [
    [rotated, stale],
    [stale, rotated]
  ]) {
    const memory = await seen(chosen, other)
    await memory.choose(0)
    for (const chain of order) await codeOfAsync(memory.receive(chain.toBytes()))
    expect(memory.duplicity?.seq).toBe(4)
  }
})

test('choosing what counts already leaves what was superseded before to be seen', async () => {
  const base = family()
  const [mine, rotated] = [copyOf(base), copyOf(base)]
  addDevice(mine, 'mine')
  rotate(rotated)
  const other = copyOf(rotated)
  addDevice(rotated, 'one', 'reader', keyPairs('control 1'))
  addDevice(other, 'other', 'reader', keyPairs('control 1'))
  const memory = await seen(mine, rotated, other)
  expect(memory.duplicity?.seq).toBe(5)
  await memory.choose(0)
  expect([memory.state, memory.superseded]).toEqual([rotated.state, { seq: 4, events: mine.events }])
})

test('a quorum that puts a recovery of its own in the place of a final one is no stronger than the present keys', async () => {
  const clock = manualTime()
  const base = ada(clock)
  const friends = ['friend 0', 'friend 1']
  const revealed = { keys: publicKeys('control 1') }
  base.announceRecovery({ ...keysOf('new', 'new next'), revealed }, keyPairs(...friends, 'new', 'control 1'))
  const [mine, theirs] = [
    copyOf(base),
    Sigchain.open(base.toBytes(), { trusted: base.state.identity }, { now: clock })
  ]
  addDevice(mine, 'mine')
  theirs.announceRecovery(keysOf('thief', 'thief next'), keyPairs(...friends, 'thief'))
  clock.at += 7 * DAY
  theirs.recover(keyPairs('thief'))
  now.at = START + 30 * DAY
  try {
    const memory = await seen(mine, theirs)
    now.at += 7 * DAY
    expect(await codeOfAsync(memory.receive(theirs.toBytes()))).toBe('KEY_ROTATION_FORKED')
    expect([memory.state, memory.duplicity?.seq]).toEqual([mine.state, 2])
  } finally {
    now.at = START
  }
})
