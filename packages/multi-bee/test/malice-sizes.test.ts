import b4a from 'b4a'
import c from 'compact-encoding'
import { describe, expect, test } from 'vitest'
import { MAX_BLOCK_BYTES, MAX_KEY_BYTES } from '../src/log/limits.ts'
import { LogCursor } from '../src/log/log-cursor.ts'
import { initialLogState } from '../src/log/log-state.ts'
import { alternatives } from '../src/merge/show.ts'
import { WriterTable } from '../src/merge/writer-table.ts'
import { hexOf, operation, siege, type MaliciousMember, type Siege } from './support/malicious-member.ts'
import { MemoryLog } from './support/memory-log.ts'

const only = ({ members }: Siege): MaliciousMember => members[0] as MaliciousMember

/** Both devices agree about these keys, and go on. */
async function expectAgreement({ a, b, put, get, meet }: Siege, ...keys: string[]): Promise<void> {
  await put(a, 'usable', '1')
  await meet()
  expect(await get(b, 'usable')).toBe('1')
  const hexKeys = keys.map((key) => b4a.toString(b4a.from(key), 'hex'))
  // As text: a diff of so much would take longer than the rest.
  expect(JSON.stringify(await a.shown(hexKeys)) === JSON.stringify(await b.shown(hexKeys))).toBe(true)
  expect([...a.failures, ...b.failures]).toEqual([])
}

async function close({ a, b }: Siege): Promise<void> {
  await Promise.all([a.engine.close(), b.engine.close()])
}

describe('chains without an end', () => {
  const first = (length: number): Uint8Array =>
    b4a.concat([b4a.from('0104' + '00'.repeat(8), 'hex'), c.encode(c.uint, length), b4a.alloc(3)])
  const next = (count: number): Uint8Array =>
    b4a.concat([b4a.from([1, 1]), c.encode(c.uint, count), b4a.from('02016b00'.repeat(count), 'hex')])

  test('each block is read once when it comes, and once more when all are here', async () => {
    const log = new MemoryLog(b4a.alloc(32, 9))
    const copy = new MemoryLog(log.key, log)
    let blocks = 0
    const read = copy.read.bind(copy)
    copy.read = (start, end) => {
      blocks += end - start
      return read(start, end)
    }
    const cursor = new LogCursor(copy, new WriterTable(), 0, initialLogState(0))
    log.blocks.push(first(64))
    for (let i = 1; i < 64; i++) {
      copy.deliver(log.blocks.length)
      expect(await cursor.peek()).toBeNull()
      log.blocks.push(next(2))
    }
    copy.deliver(63)
    expect(await cursor.peek()).toBeNull()
    expect(blocks).toBeLessThanOrEqual(64)
    copy.deliver(64)
    expect(await cursor.peek()).toMatchObject({ length: 64, operations: { length: 126 } })
    expect(blocks).toBeLessThanOrEqual(128)
  })

  test('a chain is broken as soon as one of its blocks is, whatever is still missing', async () => {
    for (const bad of ['0101', '0201', '010000', '', '01010104016b00']) {
      const log = new MemoryLog(b4a.alloc(32, 9))
      const copy = new MemoryLog(log.key, log)
      const cursor = new LogCursor(copy, new WriterTable(), 0, initialLogState(0))
      log.blocks.push(first(64), next(1), next(1), b4a.from(bad, 'hex'))
      for (const here of [1, 2, 3]) {
        copy.deliver(here)
        expect(await cursor.peek()).toBeNull()
      }
      copy.deliver(4)
      expect(await cursor.peek()).toMatchObject({ length: 1, operations: [] })
      expect(cursor.state.malformed).toBe(0)
      cursor.advance()
      expect(cursor.state.malformed).toBe(1)
    }
  })

  test('hold up their author alone, and nothing is kept of what has come', async () => {
    const world = await siege()
    only(world).append(first(64), ...Array.from({ length: 62 }, () => next(10)))
    await world.meet()
    await expectAgreement(world)
    expect(await world.statusOf(world.a, only(world))).toMatchObject({ applied: 0, waiting: 63 })
    await close(world)
  })
})

describe('large things', () => {
  test('of membership a log says 2,048 things and no more', async () => {
    const world = await siege()
    const { b } = world
    const admit = (i: number) => ({ type: 'admit' as const, writer: b4a.alloc(32, `made up ${i}`) })
    for (const start of [0, 1023, 2046])
      only(world).write({
        membership: Array.from({ length: start === 2046 ? 1 : 1023 }, (_, i) => admit(start + i))
      })
    const cutOff = { length: 0, fork: 0, treeHash: b4a.alloc(32) }
    const removal = { type: 'remove' as const, writer: b.own.key, cutOff }
    only(world).write({ membership: [removal, admit(5000)] })
    await world.meet()
    expect(b.isWritable).toBe(true)
    only(world).write({ membership: [admit(5001)] })
    only(world).write({ membership: [removal] })
    await world.meet()
    expect(b.isWritable).toBe(true)
    expect(await world.statusOf(b, only(world))).toMatchObject({ applied: 6, malformed: 2 })
    await expectAgreement(world)
    await close(world)
  })

  test('blocks of 15 MiB are read up to the limit, and one byte more is a malformed block', async () => {
    const world = await siege()
    const head = b4a.from('0100' + '00'.repeat(8) + '0000', 'hex')
    const value = (size: number): Uint8Array =>
      b4a.concat([b4a.from('02016b', 'hex'), c.encode(c.uint, size), b4a.alloc(size, 1)])
    const large = value(8 * 1024 * 1024)
    const rest = MAX_BLOCK_BYTES - head.byteLength - 1 - large.byteLength - 8
    only(world).append(b4a.concat([head, b4a.from([2]), large, value(rest)]))
    only(world).append(b4a.concat([head, b4a.from([2]), large, value(rest + 1)]))
    expect(only(world).log.blocks.map(({ byteLength }) => byteLength - MAX_BLOCK_BYTES)).toEqual([0, 1])
    await world.meet()
    await expectAgreement(world, 'k')
    expect(await world.statusOf(world.b, only(world))).toMatchObject({ applied: 2, malformed: 1 })
    await close(world)
  })

  test('keys of 16 KiB, documents 128 levels deep and fields called __proto__ are like any others', async () => {
    const world = await siege()
    const key = 'k'.repeat(MAX_KEY_BYTES)
    const deep = (levels: number): string => '{"__proto__":'.repeat(levels) + '1' + '}'.repeat(levels)
    only(world).write({
      operations: [operation(key, '', deep(128)), operation('k', '"__proto__"', '{"constructor":1}')]
    })
    only(world).write({ operations: [operation('k', '', deep(129))] })
    only(world).write({ operations: [operation(`${key}k`, '', '1')] })
    await world.meet()
    await expectAgreement(world, 'k', key)
    expect(await world.get(world.b, key)).toBe(deep(128))
    expect(await world.get(world.b, 'k')).toBe('{"__proto__":{"constructor":1}}')
    expect(({} as { constructor?: unknown }).constructor).toBe(Object)
    expect(await world.statusOf(world.b, only(world))).toMatchObject({ applied: 3, malformed: 2 })
    await close(world)
  })
})

describe('much under one key costs what it takes to read it, and no square of that', () => {
  const COUNT = 5000
  const fields = Array.from({ length: COUNT }, (_, i) => `"f${i}"`)

  /** What one block of these operations leaves of the key. A square would be minutes, and gigabytes. */
  async function shownAfter(
    operations: [path: string, json: string | null][]
  ): Promise<{ elements: number; tombstones: number; over: number; conflicts: number }> {
    const world = await siege()
    only(world).write({
      context: { [hexOf(world.a.own.key)]: 1 },
      operations: operations.map(([path, json]) => operation('k', path, json))
    })
    await world.meet()
    await expectAgreement(world, 'k')
    await world.a.engine.flush()
    await world.a.restart()
    const [stored] = await world.a.view.load([b4a.from('k')])
    if (stored == null) throw new Error('nothing is there')
    const { elements, tombstones } = stored.register
    const conflicts = [...alternatives(stored.register, world.a.engine.state.writers)].length
    await close(world)
    return {
      elements: elements.length,
      tombstones: tombstones.length,
      over: tombstones.reduce((sum, { over }) => sum + over.length, 0),
      conflicts
    }
  }

  test('fields', async () => {
    expect(await shownAfter(fields.map((path) => [path, '1']))).toEqual({
      elements: COUNT,
      tombstones: 0,
      over: 0,
      conflicts: 0
    })
  })

  test('values of one field', async () => {
    expect(await shownAfter(fields.map((_, i) => ['"f"', `${i}`]))).toEqual({
      elements: COUNT,
      tombstones: 0,
      over: 0,
      conflicts: COUNT - 1
    })
  })

  test('unsets of everything, besides as many fields', async () => {
    const all: [string, string | null][] = [
      ...fields.map((path): [string, string] => [path, '1']),
      ...fields.map((): [string, null] => ['', null])
    ]
    expect(await shownAfter(all)).toEqual({ elements: COUNT, tombstones: 1, over: COUNT, conflicts: 1 })
  })

  test('unsets of as many fields, and a value in each', async () => {
    const all = fields.flatMap((path): [string, string | null][] => [
      [path, null],
      [`${path}"x"`, '1']
    ])
    expect(await shownAfter(all)).toEqual({
      elements: COUNT,
      tombstones: COUNT,
      over: COUNT,
      conflicts: COUNT
    })
  })

  test('a flood of unsets, each a transaction that has not seen the one before it', async () => {
    const world = await siege()
    for (let i = 0; i < 3000; i++) {
      const unset = { ...operation('k', '', null), seen: [] }
      only(world).write({ context: { [hexOf(world.a.own.key)]: 1 }, operations: [unset] })
    }
    await world.meet()
    await expectAgreement(world, 'k')
    const [stored] = await world.a.view.load([b4a.from('k')])
    expect(stored?.register.tombstones).toHaveLength(1)
    await close(world)
  })
})
