import { afterEach, expect, test, vi } from 'vitest'
import type { LocalRequest, Write } from '../src/engine/requests.ts'
import { pathOf } from '../src/merge/path.ts'
import { keyPairOf, OWN_SPARES, WRITERS } from './oracle/values.ts'
import { fromHex } from './support/block-vectors.ts'
import { EngineDevice } from './support/engine-device.ts'
import { forkOf } from './support/fork-proofs.ts'
import { callForked, put } from './support/forked-device.ts'
import { MaliciousMember, NOW, operation } from './support/malicious-member.ts'
import { MemoryLog } from './support/memory-log.ts'

const [FIRST, SECOND, THIRD] = WRITERS as [string, string, string]
const NEXT = OWN_SPARES[0]?.[0] as string
const KEYS = ['61', '62', '63', '64']
const text = (json: string) => ({ document: true, bytes: new TextEncoder().encode(json) })
const shows = (json: string) => ({ kind: 'document', text: json })
const add = (writer: string) => ({ type: 'add' as const, writer: fromHex(writer), name: '' })

afterEach(() => void vi.restoreAllMocks())

interface Scene {
  device: EngineDevice
  /** Another member. */
  member: MaliciousMember
  third: MaliciousMember
  /** Brings all that the others wrote. */
  hear(): Promise<void>
}

/** A device that has made a database with another member: one block. */
async function scene(deleteWins = false, now = (): number => NOW): Promise<Scene> {
  const member = new MaliciousMember(fromHex(SECOND))
  const third = new MaliciousMember(fromHex(THIRD))
  const originals = new Map([
    [SECOND, member.log],
    [THIRD, third.log]
  ])
  const device = new EngineDevice(
    new MemoryLog(fromHex(FIRST)),
    fromHex(FIRST),
    originals,
    now,
    OWN_SPARES[0]
  )
  await device.open()
  await device.engine.submit({
    type: 'membership',
    records: [{ type: 'genesis', deleteWins, ownerKey: null, name: '' }, add(SECOND)]
  })
  const hear = async (): Promise<void> => {
    device.log(SECOND).deliver(member.log.blocks.length)
    device.log(THIRD).deliver(third.log.blocks.length)
    await device.engine.settle()
  }
  return { device, member, third, hear }
}

function batch(writes: readonly (readonly [key: string, value: Write['intent']])[]): LocalRequest {
  return {
    type: 'write',
    atomic: true,
    writes: writes.map(([key, intent]) => ({ key: fromHex(key), intent, base: null, compare: null }))
  }
}

function resolve(key: string, path: readonly string[], json: string | null): LocalRequest {
  return batch([[key, { type: 'resolve', path: pathOf(path), value: json === null ? null : text(json) }]])
}

const keyOf = (i: number): string => i.toString(16).padStart(8, '0')

test('a batch of more than 4,096 keys that a fork cuts off is done again as one', async () => {
  const { device, member, hear } = await scene()
  const keys = Array.from({ length: 4097 }, (_, i) => keyOf(i))
  await device.engine.submit(batch(keys.map((key) => [key, { type: 'put', value: text('1') }])))
  callForked(member, FIRST, 1)
  await hear()
  const { entries } = await device.shown([])
  expect(device.failures).toEqual([])
  expect(Object.keys(entries)).toHaveLength(4097)
  // The succession, the batch, and that it is done again.
  expect(device.own.available).toBe(3)
  await device.engine.close()
})

test('what is too large to be done again stops neither reading nor writing', async () => {
  const { device, member, hear } = await scene()
  const keys = Array.from({ length: 4097 }, (_, i) => keyOf(i))
  await device.engine.submit(batch(keys.map((key) => [key, { type: 'put', value: text('1') }])))
  callForked(member, FIRST, 1)
  await hear()
  member.write({ operations: [operation('b', '', '7')] })
  await hear()
  const written = await put(device, '61', '5').catch((error: unknown) => error)
  const { entries } = await device.shown([])
  expect.soft(written).toBeUndefined()
  expect.soft(entries['62']).toEqual(shows('7'))
  await device.engine.close()
})

test('a transaction nearly as large as there can be is done again', async () => {
  const { device, member, hear } = await scene()
  // Two fit into a block; with a few bytes more, which say what was seen, they do not.
  const value = { document: false, bytes: new Uint8Array(512 * 1024 - 8) }
  const keys = Array.from({ length: 126 }, (_, i) => keyOf(i))
  await device.engine.submit(batch(keys.map((key) => [key, { type: 'put', value }])))
  callForked(member, FIRST, 1)
  await hear()
  expect(device.failures).toEqual([])
  expect(Object.keys((await device.shown([])).entries)).toHaveLength(126)
  await device.engine.close()
})

test('a log that holds all the membership records it can does not keep its device from writing and reading', async () => {
  const { device, member, hear } = await scene()
  await put(device, '61', '1')
  await put(device, '61', '2')
  await put(device, '61', '3')
  callForked(member, FIRST, 3)
  await hear()
  // Its new log holds three: a succession, a fork, and that all is done again.
  for (const count of [1000, 1000, 44])
    await device.engine.submit({
      type: 'membership',
      records: Array.from({ length: count }, () => add(SECOND))
    })
  callForked(member, FIRST, 2)
  member.write({ operations: [operation('b', '', '7')] })
  await hear()
  const written = await put(device, '64', '5').catch((error: unknown) => error)
  const { entries } = await device.shown([])
  expect.soft(device.failures).toEqual([])
  expect.soft(written).toBeUndefined()
  expect.soft(entries).toMatchObject({ 61: shows('3'), 62: shows('7') })
  await device.engine.close()
})

test('a log that holds all the membership records it can loses nothing of what another fork cuts off', async () => {
  const { device, member, hear } = await scene()
  await put(device, '61', '1')
  await put(device, '62', '2')
  await put(device, '63', '3')
  callForked(member, FIRST, 3)
  await hear()
  for (const count of [1000, 1000, 45])
    await device.engine.submit({
      type: 'membership',
      records: Array.from({ length: count }, () => add(SECOND))
    })
  callForked(member, FIRST, 1)
  await hear()
  const { entries } = await device.shown([])
  expect(entries).toMatchObject({ 61: shows('1'), 62: shows('2'), 63: shows('3') })
  await device.engine.close()
})

test.each([
  ['a map with a leaf there', { type: 'put', value: text('{"a":5}') }],
  ['a leaf', { type: 'put', value: text('5') }],
  ['opaque bytes', { type: 'put', value: { document: false, bytes: new Uint8Array([1]) } }]
] as const)('a path that was resolved since is not brought back: over %s', async (_, intent) => {
  const { device, member, hear } = await scene()
  await device.engine.submit(batch([['61', intent]]))
  await put(device, '62', '1')
  callForked(member, FIRST, 3)
  await hear()
  await device.engine.submit(resolve('61', ['a', 'b'], '2'))
  const before = await device.shown(KEYS)
  expect(before.entries).toMatchObject({ 61: shows('{"a":{"b":2}}') })
  callForked(member, FIRST, 1)
  await hear()
  const after = await device.shown(KEYS)
  expect(after.entries).toEqual(before.entries)
  expect(after.conflicts).toEqual({})
  await device.engine.close()
})

test.each([false, true])(
  'a field that was deleted and then resolved below stays as it was, with deleteWins %s',
  async (deleteWins) => {
    const { device, member, hear } = await scene(deleteWins)
    await put(device, '61', '{"a":{"b":1},"c":1}')
    await put(device, '61', '{"c":1}')
    callForked(member, FIRST, 3)
    await hear()
    await device.engine.submit(resolve('61', ['a', 'b'], '2'))
    const before = await device.shown(KEYS)
    expect(before.entries).toMatchObject({ 61: shows('{"a":{"b":2},"c":1}') })
    callForked(member, FIRST, 2)
    await hear()
    const after = await device.shown(KEYS)
    expect.soft(after.entries).toEqual(before.entries)
    if (deleteWins) expect.soft(after.conflicts).toEqual({})
    await device.engine.close()
  }
)

test('with deleteWins, a deletion that is done again takes away nothing that was put by who had seen it', async () => {
  const { device, member, hear } = await scene(true)
  await put(device, '61', '1')
  await device.engine.submit(batch([['61', { type: 'del' }]]))
  member.write({ ms: NOW + 1000, operations: [operation('a', '', '9')], context: { [FIRST]: 3 } })
  await hear()
  expect((await device.shown(KEYS)).entries['61']).toEqual(shows('9'))
  callForked(member, FIRST, 2)
  await hear()
  expect((await device.shown(KEYS)).entries['61']).toEqual(shows('9'))
  await device.engine.close()
})

test('who was let in stays, and so does all it wrote', async () => {
  const { device, member, third, hear } = await scene()
  await device.engine.submit({ type: 'membership', records: [add(THIRD)] })
  third.write({ operations: [operation('c', '', '1')], context: { [FIRST]: 2 } })
  await hear()
  expect((await device.shown(KEYS)).entries).toEqual({ 63: shows('1') })
  callForked(member, FIRST, 1)
  await hear()
  const { entries, members } = await device.shown(KEYS)
  expect.soft(members.map(({ writer }) => writer)).toContain(THIRD)
  expect.soft(entries).toEqual({ 63: shows('1') })
  await device.engine.close()
})

test('who was removed stays removed', async () => {
  const { device, member, third, hear } = await scene()
  await device.engine.submit({ type: 'membership', records: [add(THIRD)] })
  third.write({ operations: [operation('c', '', '1')], context: { [FIRST]: 2 } })
  await hear()
  const cutOff = { length: 1, fork: 0, treeHash: new Uint8Array(32) }
  await device.engine.submit({
    type: 'membership',
    records: [{ type: 'remove', writer: fromHex(THIRD), cutOff }]
  })
  callForked(member, FIRST, 2)
  third.write({ operations: [operation('c', '', '"of the thief"')] })
  await hear()
  const { entries, members } = await device.shown(KEYS)
  expect.soft(members.find(({ writer }) => writer === THIRD)).toMatchObject({ removed: true })
  expect.soft(entries).toEqual({ 63: shows('1') })
  await device.engine.close()
})

test('a device whose own log waits, as removals were taken back, does not fail again with all that comes in', async () => {
  const [Y, X, B, R] = WRITERS.slice(1) as [string, string, string, string]
  const [y, x, b, r] = [Y, X, B, R].map((key) => new MaliciousMember(fromHex(key))) as [
    MaliciousMember,
    MaliciousMember,
    MaliciousMember,
    MaliciousMember
  ]
  const device = new EngineDevice(
    new MemoryLog(fromHex(FIRST)),
    fromHex(FIRST),
    new Map([
      [Y, y.log],
      [X, x.log],
      [B, b.log],
      [R, r.log]
    ]),
    () => NOW,
    OWN_SPARES[0]
  )
  const hear = async (): Promise<void> => {
    for (const [key, { log }] of [
      [Y, y],
      [X, x],
      [B, b]
    ] as const)
      device.log(key).deliver(log.blocks.length)
    await device.engine.settle()
  }
  const remove = (key: string) => ({
    type: 'remove' as const,
    writer: fromHex(key),
    cutOff: { length: 0, fork: 0, treeHash: new Uint8Array(32) }
  })
  await device.open()
  await device.engine.submit({
    type: 'membership',
    records: [{ type: 'genesis', deleteWins: false, ownerKey: null, name: '' }, ...[Y, X, B, R].map(add)]
  })
  await put(device, '61', '1')
  x.write({ membership: [remove(R)], context: { [FIRST]: 1 } })
  b.write({ operations: [operation('b', '', '1')], context: { [FIRST]: 1, [R]: 2 } })
  await hear()
  callForked(y, FIRST, 2)
  await hear()
  await put(device, '63', '1')
  // What B says it has seen of R counts again.
  y.write({ membership: [remove(X)] })
  await hear()
  await expect(put(device, '64', '1')).rejects.toMatchObject({ code: 'MULTI_BEE_NOT_WRITABLE' })
  expect(device.failures).toEqual([])
  // It has something to say, and to do again.
  callForked(y, FIRST, 1)
  await hear()
  for (const json of ['1', '2', '3']) {
    y.write({ operations: [operation('d', '', json)] })
    await hear()
  }
  // And this lets it write.
  y.write({ membership: [remove(R)] })
  await hear()
  const written = await put(device, '64', '1').catch((error: unknown) => error)
  expect.soft(written).toBeUndefined()
  expect.soft(device.failures).toEqual([])
  expect.soft((await device.shown(KEYS)).entries).toMatchObject({ 61: shows('1'), 63: shows('1') })
  await device.engine.close()
})

test('what does not count any more replaces nothing that is done again', async () => {
  const { device, member, hear } = await scene()
  await put(device, '61', '1')
  await put(device, '62', '1')
  callForked(member, FIRST, 3)
  await hear()
  const { length } = device.own.blocks
  await put(device, '61', '2')
  await device.engine.close()
  await device.moveStore()
  await device.open()
  await device.engine.introduce(fromHex(NEXT))
  await device.engine.settle()
  // A copied store does not do again what it wrote last.
  callForked(member, NEXT, length)
  await hear()
  expect((await device.shown(KEYS)).entries).toMatchObject({ 61: shows('1'), 62: shows('1') })
  callForked(member, FIRST, 1)
  await hear()
  expect((await device.shown(KEYS)).entries).toMatchObject({ 61: shows('1'), 62: shows('1') })
  await device.engine.close()
})

test('who has a copy of the store cannot stop the device with operations that overlap', async () => {
  const { device, member, hear } = await scene()
  const first = device.own
  await put(device, '61', '1')
  // What the copy wrote is longer, and so the device goes on in a new log and follows the old one.
  const thief = new MaliciousMember(fromHex(FIRST))
  thief.write({ operations: [operation('b', '', '1'), operation('b', '"x"', '2')] })
  thief.write({ operations: [operation('c', '', '1')] })
  first.isOvertaken = true
  await hear()
  expect(device.own.key).toEqual(fromHex(NEXT))
  first.blocks.push(...thief.log.blocks)
  await hear()
  first.fork = forkOf(keyPairOf(FIRST), 4)
  await hear()
  callForked(member, FIRST, 2)
  member.write({ operations: [operation('d', '', '7')] })
  await hear()
  const written = await put(device, '61', '5').catch((error: unknown) => error)
  expect.soft(written).toBeUndefined()
  expect.soft(device.failures).toEqual([])
  expect.soft((await device.shown(KEYS)).entries).toMatchObject({ 61: shows('5'), 64: shows('7') })
  await device.engine.close()
})

test('what is put against what was read before the fork was known replaces what was read', async () => {
  const { device, member, hear } = await scene()
  await put(device, '61', '{"f":1,"g":1}')
  const { base } = device.engine
  callForked(member, FIRST, 1)
  await hear()
  await device.engine.submit({
    type: 'write',
    atomic: false,
    writes: [{ key: fromHex('61'), intent: { type: 'put', value: text('{"g":2}') }, base, compare: null }]
  })
  const { entries, conflicts } = await device.shown(KEYS)
  expect.soft(entries).toMatchObject({ 61: shows('{"g":2}') })
  expect.soft(conflicts).toEqual({})
  await device.engine.close()
})

test('and when it comes in in time, it is', async () => {
  const { device, member, hear } = await scene()
  const first = device.own
  await put(device, '61', '1')
  const before = new MaliciousMember(fromHex(FIRST))
  before.write({ operations: [operation('b', '', '2')] })
  first.isOvertaken = true
  await hear()
  first.blocks.push(...before.log.blocks)
  first.fork = forkOf(keyPairOf(FIRST), 3)
  await hear()
  callForked(member, FIRST, 2)
  await hear()
  expect((await device.shown(KEYS)).entries).toMatchObject({ 61: shows('1'), 62: shows('2') })
  await device.engine.close()
})

test('what a device wrote before its store was moved is not lost when that log is found to be forked, before it has gone on', async () => {
  const { device, member, hear } = await scene()
  await put(device, '61', '1')
  await put(device, '62', '1')
  await device.engine.close()
  await device.moveStore()
  callForked(member, FIRST, 2)
  device.log(SECOND).deliver(1)
  await device.open()
  await device.engine.introduce(fromHex(NEXT))
  await device.engine.settle()
  await hear()
  expect((await device.shown(KEYS)).entries).toMatchObject({ 61: shows('1'), 62: shows('1') })
  await device.engine.close()
})
