import b4a from 'b4a'
import { describe, expect, test } from 'vitest'
import { MAX_RECORDS_PER_LOG } from '../src/log/limits.ts'
import { MAX_NAMED } from '../src/membership/controls.ts'
import { MAX_MEMBERS } from '../src/membership/membership.ts'
import { HybridClock } from '../src/merge/hybrid-clock.ts'
import { MemoryViewStore } from './support/memory-view-store.ts'
import { hexOf, NOW, operation, siege, type MaliciousMember, type Siege } from './support/malicious-member.ts'

const END = { ms: 2 ** 48 - 1, counter: 2 ** 16 - 1 }
const STRANGERS = Array.from({ length: 1023 }, (_, i) => i.toString(16).padStart(64, '0'))

/** Both devices write, see each other's writes, and agree, whatever the members have done. */
async function expectUsable(world: Siege, key = 'usable'): Promise<void> {
  const { a, b } = world
  await world.put(a, key, '"a"')
  await world.meet()
  await world.put(b, key, '"b"')
  await world.meet()
  expect([await world.get(a, key), await world.get(b, key)]).toEqual(['"b"', '"b"'])
  expect(await a.shown([])).toEqual(await b.shown([]))
  expect([...a.failures, ...b.failures]).toEqual([])
}

const only = ({ members }: Siege): MaliciousMember => members[0] as MaliciousMember
const close = async ({ a, b }: Siege): Promise<void> =>
  void (await Promise.all([a.engine.close(), b.engine.close()]))

describe('contexts that lie', () => {
  test('1,023 strangers and 2^53 - 1 blocks of each hold up nobody, and not even their author', async () => {
    const world = await siege()
    only(world).write({ context: Object.fromEntries(STRANGERS.map((key) => [key, Number.MAX_SAFE_INTEGER])) })
    only(world).write({ operations: [operation('k', '', '1')] })
    await world.meet()
    await expectUsable(world)
    expect(await world.statusOf(world.a, only(world))).toMatchObject({ applied: 2, waiting: 0 })
    await close(world)
  })

  test('one more writer than a log may name is a malformed block, and the log goes on without it', async () => {
    const world = await siege()
    expect(() =>
      only(world).write({
        context: Object.fromEntries([...STRANGERS, 'dd'.repeat(32)].map((key) => [key, 1]))
      })
    ).not.toThrow()
    only(world).append(`0100${'00'.repeat(8)}000000`)
    await world.meet()
    await expectUsable(world)
    expect(await world.statusOf(world.b, only(world))).toMatchObject({ applied: 2, malformed: 1 })
    await close(world)
  })

  test('blocks of members that never come hold up their author alone, and status says so', async () => {
    const world = await siege(2)
    const { a, b, members } = world
    const genesis = { [hexOf(a.own.key)]: 1 }
    only(world).write({
      context: { ...genesis, [hexOf(b.own.key)]: Number.MAX_SAFE_INTEGER },
      operations: [operation('usable', '', '"lie"')]
    })
    members[1]?.write({ context: { ...genesis, [hexOf(members[0]?.log.key as Uint8Array)]: 7 } })
    await world.meet()
    await expectUsable(world)
    for (const member of members)
      expect(await world.statusOf(a, member)).toMatchObject({ applied: 0, waiting: 1, malformed: 0 })
    await a.restart()
    expect(await world.statusOf(a, only(world))).toMatchObject({ waiting: 1 })
    await close(world)
  })

  test('a format version to come ends its author’s log alone, also behind blocks that wait', async () => {
    const world = await siege(2)
    const [first, second] = world.members as [MaliciousMember, MaliciousMember]
    first.write({ operations: [operation('k', '', '1')] })
    first.append('02')
    first.write({ operations: [operation('k', '', '2')] })
    second.write({ context: { [hexOf(world.a.own.key)]: 1, [hexOf(world.b.own.key)]: 1000 } })
    second.append('ff')
    await world.meet()
    await expectUsable(world)
    expect(await world.statusOf(world.b, first)).toMatchObject({ applied: 1, unknownFormat: 2 })
    expect(await world.statusOf(world.b, second)).toMatchObject({ applied: 0, unknownFormat: 255 })
    await close(world)
  })
})

describe('the end of time', () => {
  test('a member there is named, and edits made after seeing it win', async () => {
    const world = await siege()
    only(world).write({ ...END, operations: [operation('k', '', '"end"'), operation('usable', '', '"end"')] })
    await world.meet()
    expect(await world.get(world.a, 'k')).toBe('"end"')
    await expectUsable(world)
    for (const device of [world.a, world.b]) {
      await device.restart()
      expect(await world.statusOf(device, only(world))).toMatchObject({ clockSkewMs: END.ms - NOW })
    }
    await close(world)
  })

  test('a device whose own clock is there writes on, and what it writes can be read', async () => {
    const world = await siege(1, () => Infinity)
    only(world).write({ ...END, operations: [operation('usable', '', '"end"')] })
    await world.meet()
    await expectUsable(world)
    expect(await world.statusOf(world.a, only(world))).toMatchObject({ malformed: 0, applied: 1 })
    await close(world)
    const clock = new HybridClock(() => Infinity, END)
    expect([clock.tick(), clock.tick()]).toEqual([END, END])
  })
})

describe('membership records', () => {
  const add = (key: Uint8Array): { type: 'add'; writer: Uint8Array; name: string } => ({
    type: 'add',
    writer: key,
    name: ''
  })
  const remove = (key: Uint8Array, length: number): object => ({
    type: 'remove',
    writer: key,
    cutOff: { length, fork: 0, treeHash: b4a.alloc(32) }
  })
  type Records = NonNullable<Parameters<MaliciousMember['write']>[0]['membership']>

  test('circular, mutual and self removals end the same for both', async () => {
    const world = await siege(4)
    const keys = world.members.map(({ log }) => log.key)
    const genesis = { [hexOf(world.a.own.key)]: 1 }
    for (const [i, member] of world.members.entries()) {
      const records = [
        remove(keys[(i + 1) % 4] as Uint8Array, i),
        remove(keys[(i + 3) % 4] as Uint8Array, 1),
        remove(keys[i] as Uint8Array, 2)
      ]
      for (const record of records) member.write({ context: genesis, membership: [record] as Records })
      member.write({ operations: [operation('usable', '', '"late"')] })
    }
    await world.meet()
    await expectUsable(world)
    for (const member of world.members) {
      const { isMember, quarantined, waiting } = await world.statusOf(world.b, member)
      expect([isMember, quarantined + waiting > 0]).toEqual([false, true])
    }
    await close(world)
  })

  test('adds of 100,000 made-up writers let in as many as there may be, and give the rest not even a number', async () => {
    const world = await siege()
    for (let i = 0; i < 98; i++) {
      const records = Array.from({ length: 1024 }, (_, j) =>
        add(b4a.from((i * 1024 + j).toString(16).padStart(64, '0'), 'hex'))
      )
      only(world).write({ context: { [hexOf(world.a.own.key)]: 1 }, membership: records })
    }
    await world.meet()
    await expectUsable(world)
    expect(world.a.engine.state.membership.members).toHaveLength(MAX_MEMBERS)
    // Those that are followed only because they are named, and the first, whom nobody names.
    expect(world.a.engine.state.writers.size).toBe(MAX_NAMED + 1)
    await close(world)
  })

  test('a flood of them is worked out for all at once: in walks, and in what is read of the log', async () => {
    const world = await siege()
    const { a } = world
    await world.meet()
    const count = MAX_RECORDS_PER_LOG
    const records = Array.from({ length: count }, (_, i) =>
      i % 2 ? add(only(world).log.key) : remove(b4a.alloc(32, 0x33), count - i)
    )
    for (const record of records)
      only(world).write({ context: { [hexOf(a.own.key)]: 1 }, membership: [record] as Records })
    const copy = a.log(hexOf(only(world).log.key))
    const read = copy.read.bind(copy)
    let blocks = 0
    copy.read = (start, end) => {
      blocks += end - start
      return read(start, end)
    }
    await world.meet()
    await expectUsable(world)
    expect(blocks).toBeLessThan(4 * count)
    expect(a.engine.state.controls.records).toBe(count + 3)
    await a.crash()
    await world.meet()
    await expectUsable(world)
    expect(await world.statusOf(a, only(world))).toMatchObject({ applied: count, isMember: true })
    await close(world)
  })
})

test('a device’s time goes on after all that its own log holds, also what waited when it was opened', async () => {
  const world = await siege(2)
  const { a, members, meet, put } = world
  const [second, third] = members as [MaliciousMember, MaliciousMember]
  third.write({ ms: NOW + 60_000, operations: [operation('k', '', '1')] })
  await meet()
  await put(a, 'own', '1')
  // Nothing of the others is left, and what it wrote waits for them; then for nobody.
  const copy = a.copy()
  copy.store.contents = new MemoryViewStore().contents
  for (const { log } of members) copy.logs.delete(hexOf(log.key))
  await copy.open()
  const cutOff = { length: 0, fork: 0, treeHash: b4a.alloc(32) }
  second.write({
    membership: [{ type: 'remove', writer: third.log.key, cutOff }],
    context: { [hexOf(a.own.key)]: 1 }
  })
  second.write({ ms: NOW + 30_000, operations: [operation('x', '', '"theirs"')] })
  copy.log(hexOf(second.log.key)).deliver(1)
  await copy.engine.settle()
  await put(copy, 'x', '"ours"')
  copy.log(hexOf(second.log.key)).deliver(2)
  await copy.engine.settle()
  expect(await world.get(copy, 'x')).toBe('"ours"')
  await copy.engine.close()
  await Promise.all([a.engine.close(), world.b.engine.close()])
})
