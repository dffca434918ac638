import { tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { coreMemory, readChain, writeChain } from '../src/cores/index.ts'
import { IdentityMemory, type MemoryStore, Sigchain, verify } from '../src/index.ts'
import {
  ada,
  addDevice,
  bytesOf,
  codeOf,
  DAY,
  keyPair,
  keyPairs,
  keysOf,
  manualTime,
  publicKeys,
  START
} from './people.ts'
import { codeOfAsync, copyOf, family, ram } from './parties.ts'

/** What was written last survives; a write may be made to fail. */
function memoryStore(): MemoryStore & { bytes: Uint8Array | null; isFull: boolean } {
  const store = {
    bytes: null as Uint8Array | null,
    isFull: false,
    read: async () => store.bytes,
    write: async (bytes: Uint8Array) => {
      if (store.isFull) throw new Error('no space left')
      store.bytes = Buffer.from(bytes)
    }
  }
  return store
}

const options = { now: manualTime() }

/** Two chains that part after a common event. */
function forked(): { one: Sigchain; other: Sigchain } {
  const one = ada()
  addDevice(one, 'laptop')
  const other = Sigchain.open(one.toBytes(), { trusted: one.state.identity }, { now: () => START })
  addDevice(one, 'phone')
  addDevice(other, 'thief’s device')
  addDevice(other, 'thief’s second device')
  return { one, other }
}

test('what was seen stays seen: after a restart a shorter chain brings nothing, and a pin from it refuses one', async () => {
  const store = memoryStore()
  const chain = ada()
  const memory = await IdentityMemory.open(store, chain.state.identity, chain.toBytes(), options)
  const old = chain.toBytes()
  addDevice(chain, 'laptop')
  expect(await memory.receive(chain.toBytes())).toBe(true)
  expect(await memory.receive(chain.toBytes())).toBe(false)
  const again = await IdentityMemory.open(store, chain.state.identity, null, options)
  expect(again.state).toEqual(chain.state)
  expect(await again.receive(old)).toBe(false)
  expect(again.state.seq).toBe(1)
  expect(() => verify(old, { trusted: again.state })).toThrow('KEY_ROTATION_ROLLBACK')
})

test('two histories freeze it, both are shown, and a longer one does not win, also after a restart', async () => {
  const store = memoryStore()
  const { one, other } = forked()
  const { identity } = one.state
  const memory = await IdentityMemory.open(store, identity, one.toBytes(), options)
  await expect(memory.receive(other.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_FORKED' })
  for (const each of [memory, await IdentityMemory.open(store, identity, null, options)]) {
    expect(each.state).toEqual(one.state)
    expect(each.duplicity).toEqual({ seq: 2, branches: [one.events, other.events] })
  }
  addDevice(one, 'tablet')
  await expect(memory.receive(one.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_FORKED' })
  expect(memory.state.seq).toBe(2)
})

test('a person chooses a branch, which goes on, and the other one freezes nothing any more', async () => {
  const store = memoryStore()
  const { one, other } = forked()
  const { identity } = one.state
  const memory = await IdentityMemory.open(store, identity, other.toBytes(), options)
  await expect(memory.receive(one.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_FORKED' })
  await memory.choose(1)
  expect([memory.state, memory.duplicity]).toEqual([one.state, null])
  addDevice(other, 'a third')
  await expect(memory.receive(other.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_FORKED' })
  const again = await IdentityMemory.open(store, identity, null, options)
  expect(again.duplicity).toBe(null)
  addDevice(one, 'tablet')
  expect(await again.receive(one.toBytes())).toBe(true)
  await expect(again.choose(0)).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_ARGUMENT' })
})

test('what is no valid chain freezes nothing, and an event with other signatures is the same event', async () => {
  const chain = Sigchain.incept(
    {
      control: { keys: publicKeys('a', 'b', 'c'), threshold: 2 },
      next: { keys: publicKeys('d') },
      signers: keyPairs('a', 'b'),
      salt: bytesOf(1, 16)
    },
    options
  )
  const same = Sigchain.incept(
    {
      control: { keys: publicKeys('a', 'b', 'c'), threshold: 2 },
      next: { keys: publicKeys('d') },
      signers: keyPairs('b', 'c'),
      salt: bytesOf(1, 16)
    },
    options
  )
  const memory = await IdentityMemory.open(memoryStore(), chain.state.identity, chain.toBytes(), options)
  expect(await memory.receive(same.toBytes())).toBe(false)
  const damaged = Buffer.from(chain.toBytes())
  damaged[40] = (damaged[40] ?? 0) ^ 1
  await expect(memory.receive(damaged)).rejects.toThrow(/KEY_ROTATION/)
  await expect(memory.receive(ada().toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_WRONG_IDENTITY' })
  await expect(memory.receive([])).rejects.toMatchObject({ code: 'KEY_ROTATION_EMPTY' })
  expect(memory.duplicity).toBe(null)
})

test('nothing counts that could not be kept', async () => {
  const store = memoryStore()
  const chain = ada()
  const memory = await IdentityMemory.open(store, chain.state.identity, chain.toBytes(), options)
  store.isFull = true
  addDevice(chain, 'laptop')
  await expect(memory.receive(chain.toBytes())).rejects.toThrow('no space left')
  expect(memory.state.seq).toBe(0)
  store.isFull = false
  expect(await memory.receive(chain.toBytes())).toBe(true)
})

test('an event of a time that is still to come waits until then', async () => {
  const now = manualTime(START + 30 * DAY)
  const chain = ada(now)
  addDevice(chain, 'laptop')
  const clock = manualTime()
  const open = (): Promise<IdentityMemory> =>
    IdentityMemory.open(memoryStore(), chain.state.identity, chain.toBytes(), { now: clock })
  await expect(open()).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_TIME' })
  clock.at = START + 29 * DAY
  const memory = await open()
  expect(memory.state.seq).toBe(1)
  now.at = START + 31 * DAY
  addDevice(chain, 'phone')
  await expect(memory.receive(chain.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_TIME' })
  clock.at = START + 30 * DAY
  expect(await memory.receive(chain.toBytes())).toBe(true)
})

/** A quorum that announces and recovers by itself, and states what times it likes. */
function conspiracy(chain: Sigchain, announced: number, recovered: number): Sigchain {
  const now = manualTime(announced)
  const theirs = Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now })
  const keys = { control: { keys: publicKeys('conspirator') }, next: { keys: publicKeys('conspirator 2') } }
  theirs.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'conspirator'))
  now.at = recovered
  theirs.recover(keyPairs('conspirator'))
  return theirs
}

test('a quorum that conspires and states old times waits all the same, for who hears of it late, also after a restart', async () => {
  const [store, clock, chain] = [memoryStore(), manualTime(START + 30 * DAY), ada()]
  const { identity } = chain.state
  let memory = await IdentityMemory.open(store, identity, chain.toBytes(), { now: clock })
  const theirs = conspiracy(chain, START, START + 7 * DAY)
  const early = { code: 'KEY_ROTATION_RECOVERY_TOO_EARLY' }
  await expect(memory.receive(theirs.toBytes())).rejects.toMatchObject(early)
  // The announcement is known now, and can be vetoed.
  expect([memory.state.seq, memory.state.pending?.announced]).toEqual([1, START])
  clock.at += 7 * DAY - 1
  await expect(memory.receive(theirs.toBytes())).rejects.toMatchObject(early)
  memory = await IdentityMemory.open(store, identity, null, { now: clock })
  await expect(memory.receive(theirs.toBytes())).rejects.toMatchObject(early)
  clock.at += 1
  expect(await memory.receive(theirs.toBytes())).toBe(true)
  expect(memory.state.control.keys).toEqual(publicKeys('conspirator'))
})

test('in the time that is left the person objects, and the recovery comes to nothing', async () => {
  const clock = manualTime(START + 30 * DAY)
  const chain = ada(clock)
  const memory = await IdentityMemory.open(memoryStore(), chain.state.identity, chain.toBytes(), {
    now: clock
  })
  const theirs = conspiracy(chain, START + 30 * DAY, START + 37 * DAY)
  await expect(memory.receive(theirs.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_TIME' })
  chain.append(theirs.events[1] as Uint8Array)
  expect(memory.state).toEqual(chain.state)
  chain.vetoRecovery(keyPairs('control 0'))
  expect(await memory.receive(chain.toBytes())).toBe(true)
  expect(memory.state.pending).toBe(null)
})

test('a recovery that was heard of in time is taken in when it is due', async () => {
  const chain = ada()
  const { identity } = chain.state
  const theirs = conspiracy(chain, START, START + 7 * DAY)
  // Within an eighth of the delay.
  const clock = manualTime(START + (7 * DAY) / 8)
  const inTime = await IdentityMemory.open(memoryStore(), identity, chain.toBytes(), { now: clock })
  expect(await inTime.receive(theirs.events.slice(0, 2))).toBe(true)
  clock.at = START + 7 * DAY
  expect(await inTime.receive(theirs.toBytes())).toBe(true)

  const late = { now: manualTime(START + 30 * DAY) }
  const waits = await IdentityMemory.open(memoryStore(), identity, chain.toBytes(), late)
  await expect(waits.receive(theirs.toBytes())).rejects.toMatchObject({
    code: 'KEY_ROTATION_RECOVERY_TOO_EARLY'
  })
  // Who begins with a chain believes it.
  expect((await IdentityMemory.open(memoryStore(), identity, theirs.toBytes(), late)).state.seq).toBe(2)
})

test('in a Hypercore: the memory beside it, and the chain in its blocks', async () => {
  const store = await tmpStore()
  const chain = ada()
  const core = store.get({ name: 'identity' })
  await IdentityMemory.open(coreMemory(core), chain.state.identity, chain.toBytes(), options)
  await core.close()
  const again = store.get({ name: 'identity' })
  expect((await IdentityMemory.open(coreMemory(again), chain.state.identity, null, options)).state).toEqual(
    chain.state
  )
  expect(await writeChain(again, chain.events)).toBe(1)
  addDevice(chain, 'laptop')
  expect(await writeChain(again, chain.toBytes())).toBe(1)
  expect(await writeChain(again, chain.toBytes())).toBe(0)
  expect(verify(await readChain(again), { trusted: chain.state.identity }).state).toEqual(chain.state)
  const { one, other } = forked()
  await writeChain(again, one.events)
  await expect(writeChain(again, other.events)).rejects.toMatchObject({ code: 'KEY_ROTATION_FORKED' })
})

test('a memory of nothing, of somebody else, or that is damaged is refused', async () => {
  const chain = ada()
  const { identity } = chain.state
  await expect(IdentityMemory.open(memoryStore(), identity)).rejects.toMatchObject({
    code: 'KEY_ROTATION_EMPTY'
  })
  const store = memoryStore()
  await IdentityMemory.open(store, identity, chain.toBytes(), options)
  await expect(IdentityMemory.open(store, bytesOf(1))).rejects.toMatchObject({
    code: 'KEY_ROTATION_WRONG_IDENTITY'
  })
  const bytes = store.bytes as Uint8Array
  for (const damaged of [bytes.subarray(1), bytes.subarray(0, -1), Buffer.concat([bytes, bytes])])
    await expect(IdentityMemory.open({ ...store, read: async () => damaged }, identity)).rejects.toThrow(
      /KEY_ROTATION/
    )
})

/** Ada's chain, and what another holder of her key has made of it. */
function forks(count: number): { chain: Sigchain; branches: Sigchain[] } {
  const chain = ada()
  const trusted = chain.state.identity
  const branches = Array.from({ length: count }, (_, i) => {
    const branch = Sigchain.open(chain.toBytes(), { trusted }, { now: () => START })
    addDevice(branch, `branch ${i}`)
    return branch
  })
  return { chain, branches }
}

function memoryOf(chain: Sigchain): Promise<IdentityMemory> {
  return IdentityMemory.open(ram(), chain.state.identity, chain.toBytes(), { now: () => START })
}

test('after a decision no history that differs below it freezes, neither the one that was refused nor a third', async () => {
  const { branches } = forks(3)
  const [mine, one, two] = branches as [Sigchain, Sigchain, Sigchain]
  const memory = await memoryOf(mine)
  expect(await codeOfAsync(memory.receive(one.toBytes()))).toBe('KEY_ROTATION_FORKED')
  await memory.choose(0)
  for (const other of [two, one]) {
    expect(await codeOfAsync(memory.receive(other.toBytes()))).toBe('KEY_ROTATION_FORKED')
    expect(memory.duplicity).toBe(null)
  }
  // Above it there is nothing decided.
  const later = Sigchain.open(mine.toBytes(), { trusted: mine.state.identity }, { now: () => START })
  addDevice(mine, 'mine')
  addDevice(later, 'another')
  await memory.receive(mine.toBytes())
  expect(await codeOfAsync(memory.receive(later.toBytes()))).toBe('KEY_ROTATION_FORKED')
  expect(memory.duplicity?.seq).toBe(2)
})

test('a device whose own chain lost opens its memory as README shows it, on the next start, too', async () => {
  const { branches } = forks(2)
  const [mine, other] = branches as [Sigchain, Sigchain]
  const store = ram()
  const { identity } = mine.state
  const memory = await IdentityMemory.open(store, identity, mine.toBytes())
  await codeOfAsync(memory.receive(other.toBytes()))
  await memory.choose(1)
  expect(await codeOfAsync(IdentityMemory.open(store, identity, mine.toBytes()))).toBe(null)
})

test('a memory that is an old copy catches up with a newer pin when the chain is given', async () => {
  const chain = ada()
  const store = ram()
  await IdentityMemory.open(store, chain.state.identity, chain.toBytes())
  addDevice(chain, 'phone')
  const opened = IdentityMemory.open(store, chain.state, chain.toBytes())
  expect(await codeOfAsync(opened.then(({ state }) => expect(state.seq).toBe(1)))).toBe(null)
})

test('what a memory has taken in stays, whatever the caller does with its array and its bytes', async () => {
  const chain = ada()
  addDevice(chain, 'phone')
  const mine = chain.events.map((event) => Uint8Array.from(event))
  const memory = await IdentityMemory.open(ram(), chain.state.identity, mine)
  mine.push(Uint8Array.of(1, 2, 3))
  mine[1]?.fill(0)
  expect(codeOf(() => verify(memory.events, { trusted: chain.state.identity }))).toBe(null)
})

test('what this device wrote itself after old events is not taken in, and freezes nothing: nobody else has seen it', async () => {
  const [mine, others] = forks(2).branches as [Sigchain, Sigchain]
  const memory = await memoryOf(others)
  await expect(memory.extend(mine.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_BROKEN_CHAIN' })
  expect(memory.duplicity).toBe(null)
  addDevice(others, 'one more')
  expect([await memory.extend(others.toBytes()), await memory.extend(others.toBytes())]).toEqual([
    true,
    false
  ])
})

/** A memory whose store is full. */
async function full(
  chain: Sigchain
): Promise<{ memory: IdentityMemory; store: ReturnType<typeof memoryStore> }> {
  const store = memoryStore()
  const memory = await IdentityMemory.open(store, chain.state.identity, chain.toBytes(), options)
  store.isFull = true
  return { memory, store }
}

test('a revocation that was heard of, and could not be kept, is not forgotten for a weaker event in its place, and is kept with what comes next', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  const { memory, store } = await full(mine)
  mine.revokeDevice(keyPair('laptop').publicKey, { reason: 'compromised' }, keyPairs('control 0'))
  await memory.receive(mine.toBytes()).catch(() => {})
  store.isFull = false
  // The thief of the laptop, an admin, has been waiting for that.
  addDevice(theirs, 'puppet', 'writer', keyPairs('laptop'))
  expect(await codeOfAsync(memory.receive(theirs.toBytes()))).toBe('KEY_ROTATION_FORKED')
  expect([memory.latest, memory.duplicity]).toEqual([mine.state, null])
  addDevice(mine, 'another')
  await memory.receive(mine.toBytes())
  const again = await IdentityMemory.open(store, mine.state.identity, null, options)
  expect([memory.state, again.state]).toEqual([mine.state, mine.state])
})

test('an own event in the place of one that was heard of, and could not be kept, is to be written again', async () => {
  const mine = family()
  const others = copyOf(mine)
  const { memory, store } = await full(mine)
  addDevice(others, 'other')
  await memory.receive(others.toBytes()).catch(() => {})
  store.isFull = false
  addDevice(mine, 'mine')
  expect(await codeOfAsync(memory.extend(mine.toBytes()))).toBe('KEY_ROTATION_BROKEN_CHAIN')
  expect([memory.duplicity, memory.events]).toEqual([null, others.events])
  expect(await memory.receive(others.toBytes())).toBe(false)
})

test('a fork that is heard of while the store is full is shown, and choosing is asked for again till it is kept', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  addDevice(mine, 'mine')
  addDevice(theirs, 'theirs')
  const { memory, store } = await full(mine)
  await memory.receive(theirs.toBytes()).catch(() => {})
  expect(memory.duplicity?.seq).toBe(4)
  await expect(memory.choose(1)).rejects.toThrow('no space left')
  expect(memory.duplicity?.seq).toBe(4)
  store.isFull = false
  await memory.choose(0)
  expect([memory.duplicity, memory.superseded, memory.state]).toEqual([null, null, mine.state])
})

test('a stronger history that could not be kept is kept when what is on the disk is brought once more', async () => {
  const mine = family()
  const theirs = copyOf(mine)
  addDevice(mine, 'mine')
  theirs.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  const { memory, store } = await full(mine)
  await memory.receive(theirs.toBytes()).catch(() => {})
  expect([memory.latest, memory.state]).toEqual([theirs.state, mine.state])
  store.isFull = false
  expect([await memory.receive(memory.events), await memory.receive(memory.events)]).toEqual([true, false])
  const again = await IdentityMemory.open(store, mine.state.identity, null, options)
  expect([memory.state, again.state]).toEqual([theirs.state, theirs.state])
})
