import { collect, fakeClock, mesh, replicate, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { describe, expect, test } from 'vitest'
import type { MultiBee } from '../src/index.ts'
import { compareDots } from '../src/merge/canonical-order.ts'
import { HybridClock } from '../src/merge/hybrid-clock.ts'
import type { Dot } from '../src/merge/transaction.ts'
import { WriterTable } from '../src/merge/writer-table.ts'
import { openDevice, openReplica, untilShown, writerKeyOf, type DeviceOptions } from './support/devices.ts'
import { EngineDevice } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'

// The bugs of tradle/multi-hyperbee (2020), one by one: none of them may come back.

const NOON = Date.UTC(2026, 11, 31, 12)

/** Two members of one database that have met. */
async function pair(
  aOptions: DeviceOptions = {},
  bOptions: DeviceOptions = {}
): Promise<{ a: MultiBee; b: MultiBee; wire: ReturnType<typeof replicate> }> {
  const a = await openDevice({ name: 'a', ...aOptions })
  const b = await openReplica(a, { name: 'b', ...bOptions })
  await a.addWriter(writerKeyOf(b), { name: 'b' })
  const wire = replicate(a, b)
  await until(() => b.writable)
  return { a, b, wire }
}

async function valueOf(db: MultiBee, key = 'k'): Promise<unknown> {
  return (await db.get(key))?.value
}

/** Connected engines over logs in memory whose keys are given. */
class Engines {
  readonly logs: MemoryLog[]
  readonly devices: EngineDevice[]

  constructor(keys: readonly string[], now: () => number) {
    this.logs = keys.map((key) => new CountingLog(b4a.from(key, 'hex')))
    const [first] = this.logs as [MemoryLog]
    const originals = new Map(this.logs.map((log) => [hexOf(log.key), log]))
    this.devices = this.logs.map((log) => new EngineDevice(log, first.key, originals, now))
  }

  async open(): Promise<void> {
    for (const device of this.devices) await device.open()
    const [first, ...others] = this.devices as [EngineDevice, ...EngineDevice[]]
    const records = others.map(({ own }, i) => ({
      type: 'add' as const,
      writer: own.key,
      name: `device ${i + 1}`
    }))
    await first.engine.submit({
      type: 'membership',
      records: [{ type: 'genesis', deleteWins: false, ownerKey: null, name: '' }, ...records]
    })
    for (const device of others) await this.deliver(first, device)
  }

  async deliver(from: EngineDevice, to: EngineDevice): Promise<void> {
    to.log(hexOf(from.own.key)).deliver(from.own.blocks.length)
    await to.engine.settle()
  }

  async close(): Promise<void> {
    for (const device of this.devices) await device.engine.close()
  }
}

/** Counts the blocks that are read. A replica of it is an ordinary one; `readsOf` looks at those. */
class CountingLog extends MemoryLog {
  reads = 0

  override read(start: number, end: number): Promise<Uint8Array[]> {
    this.reads += end - start
    return super.read(start, end)
  }
}

async function put(device: EngineDevice, text: string, key = 'k'): Promise<void> {
  const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(text) } }
  await device.engine.submit({
    type: 'write',
    writes: [{ key: b4a.from(key), intent, base: null, compare: null }],
    atomic: false
  })
}

const KEY = hexOf(b4a.from('k'))

async function textOf(device: EngineDevice, key = KEY): Promise<unknown> {
  return ((await device.shown([key])).entries[key] as { text?: string } | undefined)?.text
}

function hexOf(bytes: Uint8Array): string {
  return b4a.toString(bytes, 'hex')
}

test('bug 1: a received time counts whole, so that what is written after it is later, on the last day of a year too', async () => {
  const [aClock, bClock] = [fakeClock(NOON), fakeClock(NOON - 30_000)]
  const { a, b } = await pair({ clock: aClock.now }, { clock: bClock.now })
  await a.put('k', 'first')
  await untilShown('k', 'first', b)
  await b.put('k', 'second')
  await untilShown('k', 'second', a)
  const times = (await collect(b.createHistoryStream())).map(({ value, time }) => [value, time])
  // Half a minute behind, b takes over a's time and counts on from it.
  expect(times).toEqual([
    ['first', NOON],
    ['second', NOON]
  ])
})

test('bug 2: two devices that create one key with different fields get the fields of both', async () => {
  const { a, b, wire } = await pair()
  await wire.cut()
  await a.put('k', { f: 'a', g: 'a' })
  await b.put('k', { g: 'b' })
  wire.heal()
  await until(async () => (await a.conflicts('k')).length === 1 && (await b.conflicts('k')).length === 1)
  const shown = await valueOf(a)
  expect(await valueOf(b)).toEqual(shown)
  expect([
    { f: 'a', g: 'a' },
    { f: 'a', g: 'b' }
  ]).toContainEqual(shown)
  const [conflict] = await a.conflicts('k')
  expect(conflict).toMatchObject({ path: ['g'], value: (shown as { g: string }).g === 'a' ? 'b' : 'a' })
})

test('bug 3: deletes replicate, of entries and of fields, also to a device that comes later', async () => {
  const { a, b } = await pair()
  await a.put('gone', { f: 1 })
  await a.put('k', { f: 1, g: 1 })
  await untilShown('k', { f: 1, g: 1 }, b)
  await b.del('gone')
  await b.put('k', { g: 1 })
  await untilShown('k', { g: 1 }, a)
  expect(await a.get('gone')).toBe(null)
  const c = await openReplica(a)
  replicate(b, c)
  await untilShown('k', { g: 1 }, c)
  expect(await c.get('gone')).toBe(null)
  expect((await collect(c.createReadStream())).map(({ key }) => key)).toEqual(['k'])
})

describe('bug 4: edits of the same millisecond', () => {
  /** They differ in their last byte. */
  const prefix = '55'.repeat(31)
  const keys = ['02', '01', '03'].map((end) => prefix + end)

  test.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0]
  ])(
    'converge on devices whose keys share a prefix, whatever arrives first (%i, %i, %i)',
    async (...order) => {
      const network = new Engines(keys, () => NOON)
      await network.open()
      const { devices } = network
      for (const [i, device] of devices.entries()) await put(device, `"${i}"`)
      const shown = []
      for (const to of devices) {
        for (const from of order)
          if (devices[from] !== to) await network.deliver(devices[from] as EngineDevice, to)
        shown.push(await to.shown([KEY]))
      }
      expect(shown[1]).toEqual(shown[0])
      expect(shown[2]).toEqual(shown[0])
      expect(Object.keys(shown[0]?.conflicts as object)).toEqual([KEY])
      // All three have the same time; the greatest whole key decides.
      expect(await textOf(devices[0] as EngineDevice)).toBe('"2"')
      const [lost] = Object.values(shown[0]?.conflicts as Record<string, { value: { text: string } }[]>)
      expect(lost?.map(({ value }) => value.text)).toEqual(['"0"', '"1"'])
      await network.close()
    }
  )

  test('of one device stand in the order in which they were made', async () => {
    const network = new Engines(keys.slice(0, 2), () => NOON)
    await network.open()
    const [a, b] = network.devices as [EngineDevice, EngineDevice]
    for (let i = 0; i < 20; i++) await put(a, String(i))
    await network.deliver(a, b)
    expect([await textOf(a), await textOf(b)]).toEqual(['19', '19'])
    await network.close()
  })
})

test('bug 5: a clock that is restored has the counter it had, also one that looks like hexadecimal', async () => {
  const store = await tmpStore()
  const first = await openDevice({ store, clock: () => NOON })
  for (let i = 0; i < 17; i++) await first.put('k', i)
  await first.close()
  const again = await openDevice({ store, clock: () => NOON })
  await again.put('k', 'last')
  expect(await valueOf(again)).toBe('last')
  const b = await openReplica(again, { clock: () => NOON })
  replicate(again, b)
  await untilShown('k', 'last', b)
  expect(await b.conflicts('k')).toEqual([])
  // 0x10 read as decimal would be 10.
  for (const counter of [9, 15, 16, 255, 4096])
    expect(new HybridClock(() => NOON, { ms: NOON, counter }).tick()).toEqual({
      ms: NOON,
      counter: counter + 1
    })
  const values = (await collect(again.createHistoryStream())).map(({ value }) => value)
  expect(values).toEqual([...Array.from({ length: 17 }, (_, i) => i), 'last'])
})

test('bug 6: what a device has missed reaches it, also from somebody it has never met, and when it was away all the time', async () => {
  const { a, b, wire } = await pair()
  const c = await openReplica(a, { name: 'c' })
  await a.addWriter(writerKeyOf(c), { name: 'c' })
  for (let i = 0; i < 50; i++) await a.put(`k${i}`, i)
  await untilShown('k49', 49, b)
  await wire.cut()
  await a.put('late', 1)
  // c has met nobody before, and meets b only.
  replicate(b, c)
  await untilShown('k49', 49, c)
  for (let i = 0; i < 50; i++) expect(await valueOf(c, `k${i}`)).toBe(i)
  expect(await c.get('late')).toBe(null)
  await until(() => c.writable)
  await c.put('from c', 1)
  wire.heal()
  await untilShown('late', 1, b, c)
  await untilShown('from c', 1, a)
})

test('bug 7: the logs of several devices are merged in one order, the same everywhere', async () => {
  const clocks = [fakeClock(NOON), fakeClock(NOON), fakeClock(NOON)]
  const first = await openDevice({ name: 'a', clock: () => clocks[0]?.now() ?? 0 })
  const all = [first]
  for (const name of ['b', 'c']) {
    const db = await openReplica(first, { name, clock: () => clocks[all.length]?.now() ?? 0 })
    await first.addWriter(writerKeyOf(db), { name })
    all.push(db)
  }
  const network = mesh(all)
  await until(() => all.every((db) => db.writable))
  await network.partition()
  for (let i = 0; i < 10; i++) {
    for (const [device, db] of all.entries()) {
      await db.put(`${device}/${i}`, i)
      clocks[device]?.advance((i * 7 + device * 3) % 5)
    }
  }
  network.heal()
  for (const [device] of all.entries()) await untilShown(`${device}/9`, 9, ...all)
  const orders = await Promise.all(
    all.map(async (db) =>
      (await collect(db.createHistoryStream())).map(({ key, time }) => [key, time] as const)
    )
  )
  expect(orders[1]).toEqual(orders[0])
  expect(orders[2]).toEqual(orders[0])
  const [order = []] = orders
  expect(order.length).toBe(30)
  expect(order.map(([, time]) => time)).toEqual(order.map(([, time]) => time).sort((x, y) => x - y))
  const backwards = await collect(first.createHistoryStream({ reverse: true }))
  expect(backwards.map(({ key, time }) => [key, time])).toEqual([...order].reverse())
})

test('bug 8: arrays of objects', async () => {
  const { a, b, wire } = await pair()
  const phones = [{ number: '1', type: 'home' }, { number: '2', tags: [{ of: null }], type: 'work' }, []]
  await a.put('k', { name: 'Ada', phones })
  await untilShown('k', { name: 'Ada', phones }, b)
  await b.put('k', { name: 'Ada', phones: [...phones, { type: 'fax' }] })
  await untilShown('k', { name: 'Ada', phones: [...phones, { type: 'fax' }] }, a)
  await a.put('list', [{ a: 1 }, { a: 2 }])
  await untilShown('list', [{ a: 1 }, { a: 2 }], b)
  await wire.cut()
  await a.put('list', [{ a: 1 }])
  await b.put('list', [{ a: 2 }])
  wire.heal()
  await until(
    async () => (await a.conflicts('list')).length === 1 && (await b.conflicts('list')).length === 1
  )
  expect(await valueOf(a, 'list')).toEqual(await valueOf(b, 'list'))
})

describe('bug 9: an old value that is falsy is a value', () => {
  test.each([0, '', false, null, [], {}])('%j', async (falsy) => {
    const { a, b, wire } = await pair()
    await a.put('k', { field: falsy, other: 1 })
    await a.put('whole', falsy)
    await untilShown('whole', falsy, b)
    expect(await valueOf(b)).toEqual({ field: falsy, other: 1 })
    await wire.cut()
    // One changes it, the other leaves it as it is: the change lives, and nothing competes with it.
    await a.put('k', { field: 'changed', other: 1 })
    await b.put('k', { field: falsy, other: 2 })
    await a.put('dropped', { field: falsy })
    await a.put('dropped', {})
    wire.heal()
    await untilShown('k', { field: 'changed', other: 2 }, a, b)
    expect(await b.conflicts('k')).toEqual([])
    await b.put('k', { field: falsy, other: 2 })
    await untilShown('k', { field: falsy, other: 2 }, a)
    await untilShown('dropped', {}, a, b)
    await b.del('whole')
    await until(async () => (await a.get('whole')) === null)
  })

  test('several items that are removed from an array are all gone', async () => {
    const { a, b } = await pair()
    await a.put('k', { list: [0, 1, 2, 3, '', false] })
    await untilShown('k', { list: [0, 1, 2, 3, '', false] }, b)
    await b.put('k', { list: [2] })
    await untilShown('k', { list: [2] }, a)
  })
})

describe('bug 10: a crash between log and view loses nothing and parts nobody', () => {
  test('what was appended is shown after it, once', async () => {
    const network = new Engines(['01'.repeat(32), '02'.repeat(32)], () => NOON)
    await network.open()
    const [a, b] = network.devices as [EngineDevice, EngineDevice]
    await put(a, '{"f":1}')
    await a.engine.flush()
    await put(a, '{"f":1,"g":1}')
    await put(a, '{"g":1}')
    // The last two stand in the log alone.
    const before = await a.shown([KEY])
    await a.crash()
    expect(await a.shown([KEY])).toEqual(before)
    await put(a, '{"g":2}')
    await a.crash()
    await network.deliver(a, b)
    expect((await b.shown([KEY])).entries).toEqual((await a.shown([KEY])).entries)
    expect(await textOf(b)).toBe('{"g":2}')
    await network.close()
  })

  test('a block that was appended while the process died is taken up, though its put never resolved', async () => {
    const network = new Engines(['01'.repeat(32), '02'.repeat(32)], () => NOON)
    await network.open()
    const [a, b] = network.devices as [EngineDevice, EngineDevice]
    const append = a.own.append.bind(a.own)
    let appended = (): void => {}
    const isAppended = new Promise<void>((resolve) => (appended = resolve))
    let die = (): void => {}
    const dies = new Promise<void>((_, reject) => (die = () => reject(new Error('killed'))))
    a.own.append = async (blocks) => {
      await append(blocks)
      appended()
      await dies
    }
    const writing = put(a, '"torn"').catch((error: unknown) => error)
    await isAppended
    const { contents } = a.store
    die()
    expect(await writing).toBeInstanceOf(Error)
    a.own.append = append
    a.store.contents = contents
    await a.crash()
    expect(await textOf(a)).toBe('"torn"')
    await network.deliver(a, b)
    expect(await textOf(b)).toBe('"torn"')
    await put(a, '"next"')
    await network.deliver(a, b)
    expect([await textOf(a), await textOf(b)]).toEqual(['"next"', '"next"'])
    await network.close()
  })

  test('a view that cannot be written for a while costs nothing either', async () => {
    const network = new Engines(['01'.repeat(32)], () => NOON)
    await network.open()
    const [a] = network.devices as [EngineDevice]
    a.store.failure = new Error('disk full')
    await put(a, '1')
    await expect(a.engine.flush()).rejects.toMatchObject({ code: 'MULTI_BEE_STORE_FAILED' })
    await put(a, '2')
    a.store.failure = null
    await a.crash()
    expect(await textOf(a)).toBe('2')
    await network.close()
  })

  test('the view is written in one piece, together with what it covers', async () => {
    const network = new Engines(['01'.repeat(32)], () => NOON)
    await network.open()
    const [a] = network.devices as [EngineDevice]
    await put(a, '1')
    await a.engine.flush()
    await put(a, '2')
    const write = a.store.write.bind(a.store)
    let writes = 0
    a.store.write = (rows) => (writes++ === 0 ? write(rows) : Promise.reject(new Error('killed')))
    await a.engine.flush().catch(() => {})
    a.store.write = write
    await a.crash()
    expect(await textOf(a)).toBe('2')
    await network.close()
  })
})

describe('bug 11: an update reads what is new, not the history', () => {
  test('of a log, block by block', async () => {
    const network = new Engines(['01'.repeat(32), '02'.repeat(32)], () => NOON)
    await network.open()
    const [a, b] = network.devices as [EngineDevice, EngineDevice]
    for (let i = 0; i < 200; i++) await put(a, String(i), `k${i}`)
    const copy = b.log(hexOf(a.own.key))
    let reads = 0
    const read = copy.read.bind(copy)
    copy.read = (start, end) => {
      reads += end - start
      return read(start, end)
    }
    await network.deliver(a, b)
    expect(reads).toBe(200)
    for (let i = 0; i < 50; i++) {
      await put(a, 'true', `k${i}`)
      await network.deliver(a, b)
    }
    expect(reads).toBe(250)
    // Nor does the device that writes read its own log.
    expect((a.own as CountingLog).reads).toBe(0)
    await network.close()
  })

  test('nor does a restart', async () => {
    const network = new Engines(['01'.repeat(32), '02'.repeat(32)], () => NOON)
    await network.open()
    const [a, b] = network.devices as [EngineDevice, EngineDevice]
    for (let i = 0; i < 200; i++) await put(a, String(i), `k${i}`)
    await network.deliver(a, b)
    const logs = [a.own, b.log(hexOf(a.own.key))]
    for (const log of logs) {
      log.read = (start, end) => {
        throw new Error(`read ${start} to ${end}`)
      }
    }
    await a.restart()
    await b.restart()
    expect(await textOf(b, hexOf(b4a.from('k7')))).toBe('7')
    expect(a.failures.concat(b.failures)).toEqual([])
    for (const log of logs) Reflect.deleteProperty(log, 'read')
    await network.close()
  })
})

describe('bug 12:', () => {
  test('a batch is one transaction, all or nothing', async () => {
    const { a, b } = await pair()
    await a.put('gone', 1)
    const batch = a.batch()
    await batch.put('x', { n: 1 })
    await batch.put('y', { n: 2 })
    await batch.del('gone')
    expect((await batch.get('x'))?.value).toEqual({ n: 1 })
    expect(await a.get('x')).toBe(null)
    await batch.flush()
    await untilShown('x', { n: 1 }, a, b)
    expect([await valueOf(b, 'y'), await b.get('gone')]).toEqual([{ n: 2 }, null])
    const seqs = (await collect(b.createHistoryStream({ reverse: true, limit: 3 }))).map(({ seq }) => seq)
    expect(new Set(seqs).size).toBe(1)
  })

  test('the caller’s value is neither mutated nor kept', async () => {
    const db = await openDevice()
    const value = Object.freeze({
      name: 'Ada',
      phones: Object.freeze(['1']),
      nested: Object.freeze({ a: 1 })
    })
    const before = JSON.stringify(value)
    await db.put('k', value)
    await db.put('k', { ...value, name: 'B' })
    expect(JSON.stringify(value)).toBe(before)
    expect(Reflect.ownKeys(value)).toEqual(['name', 'phones', 'nested'])
    const mine = { list: [1] }
    const writing = db.put('mine', mine)
    mine.list.push(2)
    await writing
    mine.list.push(3)
    expect(await valueOf(db, 'mine')).toEqual({ list: [1] })
    const { list } = (await valueOf(db, 'mine')) as { list: number[] }
    list.push(4)
    expect(await valueOf(db, 'mine')).toEqual({ list: [1] })
    const bytes = b4a.from('key')
    const binary = await openDevice<Uint8Array, Uint8Array>({
      keyEncoding: 'binary',
      valueEncoding: 'binary'
    })
    const content = b4a.from('value')
    const pending = binary.put(bytes, content)
    bytes.fill(0)
    content.fill(0)
    await pending
    expect(b4a.toString((await binary.get(b4a.from('key')))?.value ?? b4a.alloc(0))).toBe('value')
  })

  test('keys with a slash and a timestamp are keys like any other', async () => {
    const { a, b } = await pair({ clock: () => NOON }, { clock: () => NOON })
    const keys = [
      'k',
      'k/',
      'k/2026-12-31T12:00:00.000Z',
      `k/${NOON}`,
      `k/${NOON}-0000-aa`,
      'k/0',
      'k\0',
      '/',
      ''
    ]
    for (const [i, key] of keys.entries()) await (i % 2 === 0 ? a : b).put(key, { key })
    for (const key of keys) await untilShown(key, { key }, a, b)
    expect((await collect(a.createReadStream())).map(({ key }) => key)).toEqual([...keys].sort())
    await a.del('k')
    await until(async () => (await b.get('k')) === null)
    expect((await collect(b.createReadStream())).map(({ key }) => key)).toEqual(keys.slice(1).sort())
    expect((await collect(b.createHistoryStream({ gte: 'k/', lt: 'k0' }))).length).toBe(5)
  })
})

test('bug 12: older versions of a key are not mixed up with those of a longer key', async () => {
  const db = await openDevice<Uint8Array>({ keyEncoding: 'binary' })
  const key = b4a.from('k')
  await db.put(key, 'old')
  // In the view a version stands after its key, counted down; this key looks like the next one.
  const counted = b4a.alloc(8)
  new DataView(counted.buffer, counted.byteOffset).setBigUint64(
    0,
    BigInt(Number.MAX_SAFE_INTEGER - db.version - 1)
  )
  const longer = b4a.concat([key, counted])
  await db.put(longer, 'other')
  await db.put(longer, 'another')
  const { version } = db
  await db.put(key, 'new')
  await db.flush()
  expect((await db.checkout(version).get(key))?.value).toBe('old')
  expect((await db.checkout(version).get(longer))?.value).toBe('another')
})

describe('bug 13: no two operations are equal in order', () => {
  test('across sessions of one device that fall into one millisecond', async () => {
    const network = new Engines(['01'.repeat(32), '02'.repeat(32)], () => NOON)
    await network.open()
    const [a, b] = network.devices as [EngineDevice, EngineDevice]
    for (const [i, how] of (['restart', 'crash', 'restart'] as const).entries()) {
      await put(a, `"a${i}"`)
      await put(b, `"b${i}"`)
      await a[how]()
      await b[how]()
    }
    await network.deliver(a, b)
    await network.deliver(b, a)
    const shown = await a.shown([KEY])
    expect(await b.shown([KEY])).toEqual(shown)
    const [lost] = Object.values(shown.conflicts) as { value: { text: string } }[][]
    expect([...(lost ?? []).map(({ value }) => value.text), await textOf(a)].sort()).toEqual(['"a2"', '"b2"'])
    await network.close()
  })

  test('whatever they have in common', () => {
    const writers = new WriterTable()
    for (const key of ['02', '01', 'ff', '00']) writers.idOf(b4a.from('00'.repeat(31) + key, 'hex'))
    const dots: Dot[] = []
    for (const ms of [0, 1]) {
      for (const counter of [0, 1]) {
        for (const writer of [0, 1, 2, 3])
          for (const seq of [0, 1]) for (const index of [0, 1]) dots.push({ ms, counter, writer, seq, index })
      }
    }
    for (const a of dots) {
      for (const b of dots) {
        const order = compareDots(a, b, writers)
        expect(Math.sign(order)).toBe(-Math.sign(compareDots(b, a, writers)) + 0)
        expect(order === 0).toBe(a === b)
      }
    }
    const sorted = [...dots].reverse().sort((a, b) => compareDots(a, b, writers))
    const key = (dot: Dot): string =>
      [dot.ms, dot.counter, hexOf(writers.keyOf(dot.writer)), dot.seq, dot.index].join(' ')
    expect(sorted.map(key)).toEqual(dots.map(key).sort())
  })
})
