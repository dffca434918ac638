import b4a from 'b4a'
import { describe, expect, test } from 'vitest'
import { oracle } from './oracle/oracle.ts'
import type { Transaction, World } from './oracle/types.ts'
import { KEYS, SPARES, WRITERS } from './oracle/values.ts'
import { EngineDevice, shownByOracle } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'
import { blocksOf, worldOf } from './support/world-blocks.ts'

const [A, B, C, D] = WRITERS as [string, string, string, string]
const [X] = SPARES as [string]
const READER = 'dd'.repeat(32)
const KEY = KEYS[0] as string

const add = (...writers: string[]): Partial<Transaction> => ({
  membership: writers.map((writer) => ({ type: 'add', writer, name: '' }))
})
const remove = (writer: string, length: number): Partial<Transaction> => ({
  membership: [{ type: 'remove', writer, length }]
})
const succeed = (previous: string, ...others: Partial<Transaction>[]): Partial<Transaction> => ({
  membership: [{ type: 'succeed', previous }, ...others.flatMap(({ membership }) => membership ?? [])]
})
const put = (text: string): Partial<Transaction> => ({
  operations: [{ type: 'assign', key: KEY, path: [], value: { kind: 'document', text } }]
})

/** One block a transaction, all at the same time, unless said otherwise. */
function log(
  ...transactions: [context: Record<string, number>, what: Partial<Transaction>][]
): Transaction[] {
  return transactions.map(([context, what], seq) => ({
    seq,
    length: 1,
    ms: 1,
    counter: 0,
    membership: [],
    operations: [],
    ...what,
    context
  }))
}

async function reader(world: World): Promise<EngineDevice> {
  const originals = new Map<string, MemoryLog>()
  for (const [key, blocks] of blocksOf(world)) {
    const original = new MemoryLog(b4a.from(key, 'hex'))
    original.blocks.push(...blocks)
    originals.set(key, original)
  }
  const device = new EngineDevice(
    new MemoryLog(b4a.from(READER, 'hex')),
    b4a.from(world.first, 'hex'),
    originals,
    () => 1
  )
  await device.open()
  return device
}

/** Lets the device see so many blocks of each log, and compares. */
async function deliver(device: EngineDevice, world: World, lengths: Record<string, number>): Promise<void> {
  for (const [name, length] of Object.entries(lengths)) device.log(name).deliver(length)
  device.engine.kick()
  const shown = await device.shown(KEYS)
  const held = Object.keys(world.logs).map((name): [string, Uint8Array[]] => [
    name,
    device.log(name).blocks.slice(0, device.log(name).available)
  ])
  expect(shown).toEqual(shownByOracle(oracle(worldOf(world.first, new Map(held))), KEYS))
}

describe('a removal that arrives late', () => {
  const world: World = {
    first: A,
    logs: {
      [A]: log([{}, add(B, C)], [{}, remove(B, 1)], [{ [B]: 2 }, put('"after"')]),
      [B]: log([{ [A]: 1 }, put('"kept"')], [{ [A]: 1 }, put('"taken back"')], [{ [A]: 1 }, put('"late"')]),
      [C]: log([{ [A]: 1, [B]: 2 }, { operations: [{ type: 'unset', key: 'aa', path: [] }] }])
    }
  }

  test('takes back what had been applied past the cut-off, as one more version', async () => {
    const device = await reader(world)
    await deliver(device, world, { [A]: 1, [B]: 2 })
    const before = device.engine.state.version
    expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '"taken back"' })
    await deliver(device, world, { [A]: 2 })
    expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '"kept"' })
    expect(device.engine.state.version).toBe(before + 1)
    const old = await device.view.get(b4a.from(KEY, 'hex'), before)
    expect(b4a.toString(old?.value.bytes ?? b4a.alloc(0))).toBe('"taken back"')
    await device.engine.close()
  })

  test('takes back more when a second one cuts lower', async () => {
    const twice: World = {
      first: A,
      logs: { ...world.logs, [A]: log([{}, add(B, C)], [{}, remove(B, 2)], [{}, remove(B, 1)]), [C]: [] }
    }
    const device = await reader(twice)
    await deliver(device, twice, { [A]: 2, [B]: 3 })
    expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '"taken back"' })
    await deliver(device, twice, { [A]: 3 })
    expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '"kept"' })
    await device.engine.close()
  })

  test('keeps taking nothing in after a restart and a crash', async () => {
    const device = await reader(world)
    await deliver(device, world, { [A]: 2, [B]: 2, [C]: 1 })
    await device.restart()
    await deliver(device, world, { [B]: 3 })
    await device.crash()
    await deliver(device, world, { [A]: 3 })
    expect(device.engine.state.logs.size).toBe(4)
    await device.engine.close()
  })
})

test('a removal is one more version also where a writer waits for one that joined later', async () => {
  const world: World = {
    first: A,
    logs: {
      [A]: log([{}, add(B)], [{ [B]: 1 }, put('"a"')], [{ [B]: 1 }, remove(B, 1)]),
      [B]: log([{ [A]: 1 }, put('"b"')], [{ [A]: 1 }, put('"taken back"')])
    }
  }
  const device = await reader(world)
  await deliver(device, world, { [A]: 2, [B]: 2 })
  const before = device.engine.state.version
  await deliver(device, world, { [A]: 3 })
  expect(device.engine.state.version).toBe(before + 1)
  await device.engine.close()
})

test('what was put by one whose add was taken back is replaced all the same', async () => {
  const world: World = {
    first: A,
    logs: {
      // B adds C, and the removal of B honours nothing of B's. It has seen the add, so C stays.
      [A]: log([{}, add(B, READER)], [{ [B]: 1 }, remove(B, 0)]),
      [B]: log([{ [A]: 1 }, add(C)]),
      [C]: log([{ [A]: 1, [B]: 1 }, put('"c"')])
    }
  }
  const device = await reader(world)
  await deliver(device, world, { [A]: 2, [B]: 1, [C]: 1 })
  expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '"c"' })
  const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from('"mine"') } }
  const writes = [{ key: b4a.from(KEY, 'hex'), intent, base: null, compare: null }]
  await device.engine.submit({ type: 'write', writes, atomic: false })
  const shown = await device.shown(KEYS)
  expect(shown.entries[KEY]).toMatchObject({ text: '"mine"' })
  expect(shown.conflicts).toEqual({})
  await device.engine.close()
})

test('of two that remove each other the one with the owner key stays, whoever joined first', async () => {
  const genesis = { type: 'genesis' as const, deleteWins: false, ownerKey: B, name: '' }
  const members = [C, B].map((writer) => ({ type: 'add' as const, writer, name: '' }))
  const removals = { [B]: log([{ [A]: 1 }, remove(C, 0)]), [C]: log([{ [A]: 1 }, remove(B, 0)]) }
  for (const first of [B, C]) {
    const world: World = {
      first: A,
      logs: { [A]: log([{}, { membership: [genesis, ...members] }]), ...removals }
    }
    const device = await reader(world)
    await deliver(device, world, { [A]: 1, [first]: 1 })
    await deliver(device, world, { [B]: 1, [C]: 1 })
    const cutOffs = device.engine.state.membership.members.map(({ cutOff }) => cutOff?.length ?? null)
    expect(cutOffs).toEqual([null, 0, null])
    await device.engine.close()
  }
  // The first device of all is no exception.
  const world: World = {
    first: A,
    logs: {
      [A]: log([{}, { membership: [genesis, ...members] }], [{}, remove(B, 0)]),
      [B]: log([{ [A]: 1 }, remove(A, 1)])
    }
  }
  const device = await reader(world)
  await deliver(device, world, { [A]: 2, [B]: 1 })
  expect(device.engine.state.membership.members[0]?.cutOff).toMatchObject({ length: 1 })
  await device.engine.close()
})

describe('a removed device', () => {
  const membersOf = (device: EngineDevice): string[] => {
    const { membership, writers } = device.engine.state
    return membership.members.map(({ writer }) => b4a.toString(writers.keyOf(writer), 'hex'))
  }

  test('does not come back by a log that knows nothing of its removal, nor does that log bring another in', async () => {
    const world: World = {
      first: A,
      logs: {
        [A]: log([{}, add(B)], [{ [B]: 1 }, remove(B, 1)]),
        [B]: log([{ [A]: 1 }, put('"b"')]),
        [X]: log([
          { [A]: 1, [B]: 1 },
          { ...succeed(B, add(D)), ...put('"x"') }
        ])
      }
    }
    const device = await reader(world)
    await device.engine.introduce(b4a.from(X, 'hex'))
    await deliver(device, world, { [A]: 1, [B]: 1, [X]: 1 })
    expect(membersOf(device)).toEqual([A, B, X, D])
    await deliver(device, world, { [A]: 2 })
    expect(membersOf(device)).toEqual([A, B])
    expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '"b"' })
    await device.engine.close()
  })

  test('lends its rank to nobody', async () => {
    const world: World = {
      first: A,
      logs: {
        [A]: log([{}, add(B, C, X)], [{}, remove(B, 0)]),
        [C]: log([{ [A]: 1 }, remove(X, 1)]),
        [X]: log([{ [A]: 1 }, succeed(B)], [{ [A]: 1 }, remove(C, 0)])
      }
    }
    const device = await reader(world)
    await deliver(device, world, { [A]: 2, [C]: 1, [X]: 2 })
    const { membership } = device.engine.state
    expect(membership.members.map(({ cutOff }) => cutOff?.length ?? null)).toEqual([null, 0, null, 1])
    await device.engine.close()
  })
})

test('a context is read anew when the add it knew a writer by stops counting', async () => {
  const world: World = {
    first: A,
    logs: {
      // A and B both add D. C knows D by B alone, and replaces what D put.
      [A]: log([{}, add(B, C)], [{}, add(D)], [{}, remove(B, 0)]),
      [B]: log([{ [A]: 1 }, add(D)]),
      [C]: log([{ [A]: 1, [B]: 1, [D]: 1 }, put('"c"')]),
      [D]: log([{ [A]: 1, [B]: 1 }, put('"d"')])
    }
  }
  const device = await reader(world)
  await deliver(device, world, { [A]: 2, [B]: 1, [D]: 1, [C]: 1 })
  expect((await device.shown(KEYS)).conflicts).toEqual({})
  await deliver(device, world, { [A]: 3 })
  expect((await device.shown(KEYS)).conflicts).toHaveProperty(KEY)
  await device.engine.close()
})

test('an add that waited counts before anything that comes after it is applied', async () => {
  const world: World = {
    first: A,
    logs: {
      [A]: log([{}, add(B)], [{ [B]: 1 }, add(C)]),
      [B]: log([{ [A]: 1, [C]: 1 }, put('1')], [{ [A]: 2, [C]: 1 }, put('2')]),
      [C]: []
    }
  }
  const device = await reader(world)
  await deliver(device, world, { [A]: 2 })
  await deliver(device, world, { [B]: 2 })
  expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '1' })
  await device.engine.close()
})

test('adding devices never reads the logs again', async () => {
  const world: World = {
    first: A,
    logs: {
      [A]: log([{}, add(B)], [{}, add(C)], [{}, add(D)]),
      [B]: log([{ [A]: 1 }, put('1')]),
      [C]: [],
      [D]: []
    }
  }
  const device = await reader(world)
  await deliver(device, world, { [A]: 1, [B]: 1 })
  let reads = 0
  const { read } = device.log(B)
  device.log(B).read = (start, end) => {
    reads++
    return read.call(device.log(B), start, end)
  }
  await deliver(device, world, { [A]: 3 })
  expect(reads).toBe(0)
  expect(device.engine.state.membership.members).toHaveLength(4)
  await device.engine.close()
})

test('a restart does not read again what changed membership and no entry', async () => {
  const world: World = { first: A, logs: { [A]: log([{}, add(B)]), [B]: [] } }
  const device = await reader(world)
  await deliver(device, world, { [A]: 1 })
  await device.restart()
  device.log(A).read = (start, end) => Promise.reject(new Error(`read ${start} to ${end}`))
  await device.restart()
  expect(device.failures).toEqual([])
  expect(device.engine.state.membership.members).toHaveLength(2)
  await device.engine.close()
})

test('a view that cannot be written loses nothing, and is written when it can be again', async () => {
  const world: World = { first: A, logs: { [A]: log([{}, add(B)], [{}, put('1')]), [B]: [] } }
  const device = await reader(world)
  device.store.failure = new Error('disk full')
  device.log(A).deliver(2)
  await expect(device.engine.flush()).rejects.toMatchObject({
    code: 'MULTI_BEE_STORE_FAILED',
    cause: { message: 'disk full' }
  })
  expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '1' })
  device.store.failure = null
  await device.engine.flush()
  await device.crash()
  await deliver(device, world, {})
  expect((await device.shown(KEYS)).entries[KEY]).toMatchObject({ text: '1' })
  await device.engine.close()
})

test('before the view is written its version is announced, so that it can be noted elsewhere', async () => {
  const world: World = { first: A, logs: { [A]: log([{}, put('1')], [{}, put('2')]) } }
  const device = await reader(world)
  await deliver(device, world, { [A]: 2 })
  const { version } = device.engine.state
  device.store.failure = new Error('disk full')
  await expect(device.engine.flush()).rejects.toMatchObject({ code: 'MULTI_BEE_STORE_FAILED' })
  expect(version).toBeGreaterThan(0)
  expect(device.announcedVersion).toBe(version)
  device.store.failure = null
  await device.engine.close()
})

test('a log that cannot be read for a while is read on later', async () => {
  const world: World = { first: A, logs: { [A]: log([{}, add(B)], [{}, put('1')]), [B]: [] } }
  const device = await reader(world)
  const { read } = device.log(A)
  device.log(A).read = () => Promise.reject(new Error('disk'))
  device.log(A).deliver(2)
  device.engine.kick()
  await device.engine.settle()
  expect(device.failures).toMatchObject([{ message: 'disk' }])
  device.log(A).read = read
  await deliver(device, world, {})
  await device.engine.close()
})
