import { mesh, replicate, until, type Mesh } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { describe, expect, test } from 'vitest'
import type { Conflict, MultiBee, MultiBeeOptions } from '../src/index.ts'
import { decodeTransaction } from '../src/log/decode.ts'
import { initialLogState, type LogState } from '../src/log/log-state.ts'
import { pathNames } from '../src/merge/path.ts'
import { WriterTable } from '../src/merge/writer-table.ts'
import { expectCode, openDevice, openReplica, untilShown, writerKeyOf } from './support/devices.ts'
import { EngineDevice } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'

// What property tests over logs cannot see: how a call at one device becomes operations, and what it had seen.

/** Members of one database, connected, with nothing in it. */
async function devices(
  count: number,
  options: MultiBeeOptions = {}
): Promise<{ all: MultiBee[]; network: Mesh }> {
  const first = await openDevice({ name: 'device 0', ...options })
  const all = [first]
  for (let i = 1; i < count; i++) {
    const db = await openReplica(first, { name: `device ${i}` })
    await first.addWriter(writerKeyOf(db), { name: `device ${i}` })
    all.push(db)
  }
  const network = mesh(all)
  await until(() => all.every((db) => db.writable))
  return { all, network }
}

async function pair(
  options: MultiBeeOptions = {}
): Promise<{ a: MultiBee; b: MultiBee; apart: () => Promise<void>; together: () => Promise<void> }> {
  const { all, network } = await devices(2, options)
  const [a, b] = all as [MultiBee, MultiBee]
  return {
    a,
    b,
    apart: () => network.partition(),
    together: async () => {
      network.heal()
      await untilMerged(a, b)
    }
  }
}

/** Waits until each device has applied all that the others have written. */
async function untilMerged(...all: readonly MultiBee[]): Promise<void> {
  const lengths = async (db: MultiBee): Promise<string> =>
    JSON.stringify((await db.status()).devices.map(({ applied }) => applied))
  await until(
    async () => {
      for (const db of all) {
        const own = (await db.status()).devices.find(({ isSelf }) => isSelf)?.applied
        for (const other of all) {
          const seen = (await other.status()).devices.find(({ key }) =>
            b4a.equals(key, writerKeyOf(db))
          )?.applied
          if (seen !== own) return false
        }
      }
      return true
    },
    { message: 'the devices to have the same' }
  )
  const [first, ...rest] = await Promise.all(all.map(lengths))
  for (const other of rest) expect(other).toBe(first)
}

async function valueOf(db: MultiBee, key = 'k'): Promise<unknown> {
  return (await db.get(key))?.value
}

async function entryOf(db: MultiBee, key = 'k'): Promise<NonNullable<Awaited<ReturnType<MultiBee['get']>>>> {
  const entry = await db.get(key)
  if (entry === null) throw new Error(`${key} is absent`)
  return entry
}

/** What lost, without who and when. */
function lost(conflicts: readonly Conflict[]): { path: string[]; value?: unknown; deleted?: true }[] {
  return conflicts.map(({ path, value, deleted }) => (deleted ? { path, deleted } : { path, value }))
}

/** Blocks of the device's own log. */
async function blocksOf(db: MultiBee): Promise<number> {
  return (await db.status()).devices.find(({ isSelf }) => isSelf)?.applied ?? 0
}

describe('a put against a base', () => {
  test('an unseen edit of the same field becomes a conflict and is not reverted silently', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { name: 'Ada', phone: '1' })
    await untilShown('k', { name: 'Ada', phone: '1' }, b)
    const form = await entryOf(a)
    await apart()
    await b.put('k', { name: 'Ada', phone: 'b' })
    await together()
    // The form was opened before the sync and is saved after it.
    await a.put('k', { name: 'Ada', phone: 'a' }, { base: form })
    await together()
    for (const db of [a, b]) {
      const shown = (await valueOf(db)) as { name: string; phone: string }
      const other = shown.phone === 'a' ? 'b' : 'a'
      expect(shown.name).toBe('Ada')
      expect(lost(await db.conflicts('k'))).toEqual([{ path: ['phone'], value: other }])
    }
  })

  test('an unseen edit of another field lives, also where the form still shows the old value', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { name: 'Ada', phone: '1' })
    await untilShown('k', { name: 'Ada', phone: '1' }, b)
    const form = await entryOf(a)
    await apart()
    await b.put('k', { name: 'Ada', phone: 'b', mail: 'b' })
    await together()
    await a.put('k', { name: 'Lovelace', phone: '1' }, { base: form })
    await together()
    for (const db of [a, b]) {
      expect(await valueOf(db)).toEqual({ mail: 'b', name: 'Lovelace', phone: 'b' })
      expect(await db.conflicts('k')).toEqual([])
    }
  })

  test('an own put in between is not reverted either', async () => {
    const db = await openDevice()
    await db.put('k', { name: 'Ada', phone: '1' })
    const form = await entryOf(db)
    await db.put('k', { name: 'Ada', phone: '2' })
    await db.put('k', { name: 'Ada Lovelace', phone: '1' }, { base: form })
    expect(await valueOf(db)).toEqual({ name: 'Ada Lovelace', phone: '2' })
    expect(await db.conflicts('k')).toEqual([])
  })

  test('an own put of the same field in between becomes a conflict', async () => {
    const db = await openDevice({ name: 'only' })
    await db.put('k', { phone: '1' })
    const form = await entryOf(db)
    await db.put('k', { phone: '2' })
    await db.put('k', { phone: '3' }, { base: form })
    expect(await valueOf(db)).toEqual({ phone: '3' })
    expect(lost(await db.conflicts('k'))).toEqual([{ path: ['phone'], value: '2' }])
    await db.put('k', { phone: '4' })
    expect(await valueOf(db)).toEqual({ phone: '4' })
    expect(await db.conflicts('k')).toEqual([])
  })

  test('a del against a base leaves what came since', async () => {
    const db = await openDevice()
    await db.put('k', { a: 1, b: 1 })
    const form = await entryOf(db)
    await db.put('k', { a: 2, b: 1 })
    await db.del('k', { base: form })
    expect(await valueOf(db)).toEqual({ a: 2 })
    expect(lost(await db.conflicts('k'))).toEqual([{ path: [], deleted: true }])
  })

  test('only the very entry is a base', async () => {
    const db = await openDevice()
    await db.put('k', 1)
    const entry = await entryOf(db)
    await expectCode(db.put('k', 2, { base: { ...entry } }), 'MULTI_BEE_BAD_BASE')
    await expectCode(db.put('k', 2, { base: null as never }), 'MULTI_BEE_BAD_BASE')
    expect(await valueOf(db)).toBe(1)
  })

  test('two puts of one key that are pending together, one with a base, end in separate transactions', async () => {
    const db = await openDevice()
    await db.put('k', { a: 1, b: 1 })
    const base = await entryOf(db)
    const [before, version] = [await blocksOf(db), db.version]
    await Promise.all([
      db.put('k', { a: 2, b: 1 }),
      db.put('k', { a: 1, b: 2 }, { base }),
      db.put('k', { a: 2, b: 2, c: 3 })
    ])
    expect((await blocksOf(db)) - before).toBe(3)
    expect(db.version - version).toBe(3)
    expect(await valueOf(db)).toEqual({ a: 2, b: 2, c: 3 })
    expect(await db.conflicts('k')).toEqual([])
  })

  test('a batch takes a base of its own for a put', async () => {
    const db = await openDevice()
    await db.put('k', { a: 1, b: 1 })
    const base = await entryOf(db)
    await db.put('k', { a: 2, b: 1 })
    const batch = db.batch()
    await batch.put('k', { a: 1, b: 2 }, { base })
    await batch.flush()
    expect(await valueOf(db)).toEqual({ a: 2, b: 2 })
  })
})

describe('update', () => {
  test('dominates only what it read', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { n: 1, other: 0 })
    await untilShown('k', { n: 1, other: 0 }, b)
    await apart()
    await b.put('k', { n: 10, other: 10 })
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => (letGo = resolve))
    const updating = a.update('k', async (value) => {
      await held
      return { ...(value as object), n: 2 }
    })
    // What b wrote is merged between the read and the write.
    await together()
    expect(await valueOf(a)).toEqual({ n: 10, other: 10 })
    letGo()
    await updating
    await together()
    for (const db of [a, b]) {
      const shown = (await valueOf(db)) as { n: number; other: number }
      expect(shown.other).toBe(10)
      expect(lost(await db.conflicts('k'))).toEqual([{ path: ['n'], value: shown.n === 2 ? 10 : 2 }])
    }
  })

  test('updates of one key follow one another', async () => {
    const db = await openDevice<string, number>()
    await Promise.all(Array.from({ length: 50 }, () => db.update('n', (n) => (n ?? 0) + 1)))
    expect((await db.get('n'))?.value).toBe(50)
    expect(await db.conflicts('n')).toEqual([])
  })

  test('writes nothing when it changes nothing, or returns nothing', async () => {
    const db = await openDevice()
    await db.put('k', { a: 1 })
    const before = await blocksOf(db)
    await db.update('k', (value) => ({ ...(value as object) }))
    await db.update('k', () => undefined)
    expect(await blocksOf(db)).toBe(before)
  })
})

describe('a put without a base', () => {
  test('never resolves a conflict of a field it does not change; resolve does', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { name: 'Ada', phone: '0' })
    await untilShown('k', { name: 'Ada', phone: '0' }, b)
    await apart()
    await a.put('k', { name: 'Ada', phone: 'a' })
    await b.put('k', { name: 'Ada', phone: 'b' })
    await together()
    const shown = (await valueOf(a)) as { phone: string }
    const other = shown.phone === 'a' ? 'b' : 'a'
    await a.put('k', { ...shown, name: 'Ada Lovelace' })
    await together()
    for (const db of [a, b]) {
      expect(await valueOf(db)).toEqual({ name: 'Ada Lovelace', phone: shown.phone })
      expect(lost(await db.conflicts('k'))).toEqual([{ path: ['phone'], value: other }])
    }
    const [conflict] = await b.conflicts('k')
    expect(conflict).toMatchObject({
      device: other === 'a' ? 'device 0' : 'device 1',
      time: expect.any(Number)
    })
    await b.resolve('k', ['phone'], other)
    await together()
    for (const db of [a, b]) {
      expect(await valueOf(db)).toEqual({ name: 'Ada Lovelace', phone: other })
      expect(await db.conflicts('k')).toEqual([])
    }
  })

  test('resolve with what is shown already resolves too, and without a value removes', async () => {
    const db = await openDevice()
    await db.put('k', { a: 1, b: 1 })
    const base = await entryOf(db)
    await db.put('k', { a: 2, b: 1 })
    await db.put('k', { a: 3, b: 1 }, { base })
    const before = await blocksOf(db)
    await db.resolve('k', ['a'], 3)
    expect(await blocksOf(db)).toBe(before + 1)
    expect(await db.conflicts('k')).toEqual([])
    await db.resolve('k', ['a'], undefined)
    expect(await valueOf(db)).toEqual({ b: 1 })
    await db.resolve('k', [], undefined)
    expect(await db.get('k')).toBe(null)
  })

  test('right after a sync it keeps the fields that came, when they were read', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { name: 'Ada' })
    await untilShown('k', { name: 'Ada' }, b)
    await apart()
    await b.put('k', { name: 'Ada', mail: 'ada@b' })
    await together()
    await a.put('k', { ...((await valueOf(a)) as object), phone: '1' })
    await together()
    for (const db of [a, b]) expect(await valueOf(db)).toEqual({ mail: 'ada@b', name: 'Ada', phone: '1' })
  })

  test('without them it drops what it was shown, and nothing else', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { name: 'Ada', mail: 'old' })
    await untilShown('k', { mail: 'old', name: 'Ada' }, b)
    await apart()
    await b.put('k', { name: 'Ada', mail: 'old', phone: '1' })
    await a.put('k', { name: 'Ada' })
    await together()
    for (const db of [a, b]) expect(await valueOf(db)).toEqual({ name: 'Ada', phone: '1' })
  })

  test('that is in flight while blocks are being merged is compared with what was shown at the call', async () => {
    // The view answers slowly, so that the put arrives in the middle of a merge.
    const first = new MemoryLog(b4a.alloc(32, 1))
    const second = new MemoryLog(b4a.alloc(32, 2))
    const originals = new Map([first, second].map((log) => [b4a.toString(log.key, 'hex'), log]))
    const [a, b] = [first, second].map((log) => new EngineDevice(log, first.key, originals, () => 1000)) as [
      EngineDevice,
      EngineDevice
    ]
    for (const device of [a, b]) await device.open()
    const put = (device: EngineDevice, text: string): Promise<void> => {
      const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(text) } }
      return device.engine.submit({
        type: 'write',
        writes: [{ key: b4a.from('k'), intent, base: null, compare: null }],
        atomic: false
      })
    }
    await a.engine.submit({ type: 'membership', records: [{ type: 'add', writer: second.key, name: '' }] })
    await put(a, '{"x":0,"y":0}')
    b.log(b4a.toString(first.key, 'hex')).deliver(2)
    await b.engine.flush()
    await b.restart()
    await put(a, '{"x":1,"y":0,"z":1}')
    const load = b.store.getMany.bind(b.store)
    const writing: Promise<void>[] = []
    b.store.getMany = async (keys) => {
      const found = await load(keys)
      // The merge has loaded what it will change; b's user sees x: 0 and puts y: 2.
      if (writing.length === 0) writing.push(put(b, '{"x":0,"y":2}'))
      return found
    }
    b.log(b4a.toString(first.key, 'hex')).deliver(3)
    const shown = await b.shown(['6b'])
    expect(writing.length).toBe(1)
    await Promise.all(writing)
    // x was not touched and z not dropped: neither was on the screen.
    expect(Object.values(shown.entries)).toEqual([{ kind: 'document', text: '{"x":1,"y":2,"z":1}' }])
    expect(shown.conflicts).toEqual({})
    expect(b.failures).toEqual([])
    for (const device of [a, b]) await device.engine.close()
  })
})

describe('maps', () => {
  test('{} stays, and over a map is an unset of its fields', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('empty', {})
    await a.put('k', { f: 1 })
    await a.put('k', {})
    await together()
    for (const db of [a, b]) expect([await valueOf(db, 'empty'), await valueOf(db)]).toEqual([{}, {}])
    await apart()
    await a.put('nested', { map: {} })
    await together()
    expect(await valueOf(b, 'nested')).toEqual({ map: {} })
  })

  test('{} over a map that only its fields have made stays too', async () => {
    const db = await openDevice()
    await db.resolve('k', ['f', 'g'], 1)
    expect(await valueOf(db)).toEqual({ f: { g: 1 } })
    await db.put('k', { f: {} })
    expect(await valueOf(db)).toEqual({ f: {} })
    await db.resolve('other', ['f'], 1)
    await db.put('other', {})
    expect(await valueOf(db, 'other')).toEqual({})
  })

  test('two devices that drop different fields end with {}', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { f: 1, g: 1 })
    await untilShown('k', { f: 1, g: 1 }, b)
    await apart()
    await a.put('k', { g: 1 })
    await b.put('k', { f: 1 })
    await together()
    for (const db of [a, b]) {
      expect(await valueOf(db)).toEqual({})
      expect(await db.conflicts('k')).toEqual([])
    }
  })

  test('two devices that make a map of one name keep the fields of both', async () => {
    const { a, b, apart, together } = await pair()
    await apart()
    await a.put('k', { phones: { home: '1' } })
    await b.put('k', { phones: { work: '2' } })
    await together()
    for (const db of [a, b])
      expect([await valueOf(db), await db.conflicts('k')]).toEqual([{ phones: { home: '1', work: '2' } }, []])
  })

  test('a leaf against a map is a conflict that shows one and keeps the other', async () => {
    const { a, b, apart, together } = await pair()
    await apart()
    await a.put('k', { f: 'leaf' })
    await b.put('k', { f: { g: 1 } })
    await together()
    expect(await valueOf(a)).toEqual(await valueOf(b))
    for (const db of [a, b]) {
      const shown = ((await valueOf(db)) as { f: unknown }).f
      expect(lost(await db.conflicts('k'))).toEqual([
        { path: ['f'], value: shown === 'leaf' ? { g: 1 } : 'leaf' }
      ])
    }
  })

  test('equal values of several devices are no conflict', async () => {
    const { all, network } = await devices(3)
    await network.partition()
    for (const db of all) await db.put('k', { name: 'Ada', phones: ['1'] })
    network.heal()
    await untilMerged(...all)
    for (const db of all)
      expect([await valueOf(db), await db.conflicts('k')]).toEqual([{ name: 'Ada', phones: ['1'] }, []])
  })
})

describe('a delete', () => {
  test('against a concurrent edit: the edit lives, and the deletion is reported', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { name: 'Ada', phone: '1' })
    await untilShown('k', { name: 'Ada', phone: '1' }, b)
    await apart()
    await a.del('k')
    await b.put('k', { name: 'Ada', phone: '2' })
    expect(await a.get('k')).toBe(null)
    await together()
    for (const db of [a, b]) {
      expect(await valueOf(db)).toEqual({ phone: '2' })
      expect(await db.conflicts('k')).toMatchObject([
        { path: [], deleted: true, value: undefined, device: 'device 0' }
      ])
    }
    await a.del('k')
    await together()
    for (const db of [a, b]) expect([await db.get('k'), await db.conflicts('k')]).toEqual([null, []])
  })

  test('of a field against a concurrent edit of it', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { name: 'Ada', phone: '1' })
    await untilShown('k', { name: 'Ada', phone: '1' }, b)
    await apart()
    await a.put('k', { name: 'Ada' })
    await b.put('k', { name: 'Ada', phone: '2' })
    await together()
    for (const db of [a, b]) {
      expect(await valueOf(db)).toEqual({ name: 'Ada', phone: '2' })
      expect(lost(await db.conflicts('k'))).toEqual([{ path: ['phone'], deleted: true }])
    }
  })

  test('where deletes win it beats what is not causally after it, on every device', async () => {
    const { a, b, apart, together } = await pair({ deleteWins: true })
    await a.put('k', { name: 'Ada' })
    await untilShown('k', { name: 'Ada' }, b)
    await apart()
    await a.del('k')
    await b.put('k', { name: 'Ada Lovelace', phone: '2' })
    await together()
    for (const db of [a, b]) expect([await db.get('k'), await db.conflicts('k')]).toEqual([null, []])
    await b.put('k', { name: 'again' })
    await together()
    for (const db of [a, b]) expect(await valueOf(db)).toEqual({ name: 'again' })
  })

  test('that the second device is opened with deleteWins changes nothing', async () => {
    const a = await openDevice()
    const b = await openReplica(a, { deleteWins: true })
    await a.addWriter(writerKeyOf(b))
    await a.put('k', 1)
    const wire = replicate(a, b)
    await untilShown('k', 1, b)
    await until(() => b.writable)
    await wire.cut()
    await a.del('k')
    await b.put('k', 2)
    wire.heal()
    await untilMerged(a, b)
    for (const db of [a, b]) expect(await valueOf(db)).toBe(2)
  })

  test('of what is absent writes nothing', async () => {
    const db = await openDevice()
    const before = await blocksOf(db)
    await db.del('k')
    expect(await blocksOf(db)).toBe(before)
  })
})

describe('group commit', () => {
  test('a hundred concurrent puts share few blocks, and each is there', async () => {
    const db = await openDevice()
    const before = await blocksOf(db)
    await Promise.all(Array.from({ length: 100 }, (_, i) => db.put(`k${i}`, { i })))
    expect((await blocksOf(db)) - before).toBeLessThanOrEqual(4)
    for (let i = 0; i < 100; i++) expect(await valueOf(db, `k${i}`)).toEqual({ i })
  })

  test('puts of one key that are pending together are compared in call order, and fold into one operation a path', async () => {
    const db = await openDevice()
    const before = await blocksOf(db)
    await Promise.all([
      db.put('k', { a: 1 }),
      db.put('k', { a: 1, b: { c: 1 } }),
      db.put('k', { a: 2, b: { c: 1, d: 1 } }),
      db.del('k'),
      db.put('k', { a: 3, b: { c: 2 } }),
      db.put('k', { a: 3, b: {} })
    ])
    expect(await valueOf(db)).toEqual({ a: 3, b: {} })
    expect(await db.conflicts('k')).toEqual([])
    expect((await blocksOf(db)) - before).toBeLessThanOrEqual(2)
    const paths: string[] = []
    for await (const { path, seq } of db.createHistoryStream()) paths.push(JSON.stringify([seq, path]))
    expect(new Set(paths).size).toBe(paths.length)
  })

  test('of a field and of the map around it, pending together, the later is written alone', async () => {
    const db = await openDevice()
    await db.put('k', { a: { b: 0, c: 0 } })
    const before = db.version
    await Promise.all([db.put('k', { a: { b: 1, c: 0 } }), db.put('k', { a: 2 })])
    expect(await valueOf(db)).toEqual({ a: 2 })
    expect(await db.conflicts('k')).toEqual([])
    expect(db.version).toBe(before + 1)
    const paths: unknown[] = []
    for await (const { path } of db.createHistoryStream()) paths.push(path)
    expect(paths).toEqual([[], ['a']])
  })

  test('a put of the same value writes no block, and a new order of fields is no change', async () => {
    const db = await openDevice()
    await db.put('k', { a: 1, b: { c: [1, { d: 2 }] } })
    const [before, version] = [await blocksOf(db), db.version]
    await db.put('k', { a: 1, b: { c: [1, { d: 2 }] } })
    await db.put('k', { b: { c: [1, { d: 2 }] }, a: 1 })
    await Promise.all(Array.from({ length: 20 }, () => db.put('k', { a: 1, b: { c: [1, { d: 2 }] } })))
    expect([await blocksOf(db), db.version]).toEqual([before, version])
    for (const leaf of ['text', 0, null, [1, { a: 1 }]]) {
      await db.put('leaf', leaf)
      const blocks = await blocksOf(db)
      await db.put('leaf', leaf)
      expect(await blocksOf(db)).toBe(blocks)
    }
  })

  test('a put of one field writes that field', async () => {
    const db = await openDevice()
    await db.put(
      'k',
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field ${i}`, 'x'.repeat(100)]))
    )
    const before = await entryOf(db)
    await db.put('k', { ...(before.value as object), 'field 7': 'y' })
    const written = []
    for await (const { path, value, type } of db.createHistoryStream({ reverse: true, limit: 1 }))
      written.push({ path, value, type })
    expect(written).toEqual([{ type: 'put', path: ['field 7'], value: 'y' }])
  })
})

describe('values', () => {
  test('are what JSON makes of them: undefined fields are dropped, a Date is a string', async () => {
    const db = await openDevice()
    await db.put('k', {
      a: undefined,
      b: new Date(0),
      c: [undefined, 1],
      d: { toJSON: () => 'own' },
      e: Number.NaN,
      f: -0,
      g: Infinity
    })
    expect(await valueOf(db)).toEqual({
      b: '1970-01-01T00:00:00.000Z',
      c: [null, 1],
      d: 'own',
      e: null,
      f: 0,
      g: null
    })
    const before = await blocksOf(db)
    await db.put('k', { b: new Date(0), c: [null, 1], d: 'own', e: null, f: 0, g: null })
    expect(await blocksOf(db)).toBe(before)
  })

  test('fields come back in the order of their quoted names, whoever wrote them', async () => {
    const { a, b, apart, together } = await pair()
    await apart()
    await a.put('k', { z: 1, a: 1, 'a!': 1, 10: 1 })
    const own = (await a.get('k', { valueEncoding: 'binary' }))?.value as Uint8Array
    expect(b4a.toString(own)).toBe('{"10":1,"a!":1,"a":1,"z":1}')
    await b.put('k', { m: 1, 9: 1, B: 1 })
    await together()
    // Integer-like names come first in any JavaScript object; the text, and a mirror, have them in place.
    for (const db of [a, b])
      expect(Object.keys((await valueOf(db)) as object)).toEqual(['9', '10', 'B', 'a!', 'a', 'm', 'z'])
    const raw = await Promise.all(
      [a, b].map(async (db) =>
        b4a.toString((await db.get('k', { valueEncoding: 'binary' }))?.value as Uint8Array)
      )
    )
    expect(raw).toEqual(Array.from({ length: 2 }, () => '{"10":1,"9":1,"B":1,"a!":1,"a":1,"m":1,"z":1}'))
  })

  test('numbers are doubles', async () => {
    const db = await openDevice()
    const numbers = [0, -1, 0.1, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 2 ** 64]
    await db.put('k', { numbers })
    expect(await valueOf(db)).toEqual({ numbers })
    const before = await blocksOf(db)
    await db.put('k', { numbers: numbers.map((n) => n + 0) })
    expect(await blocksOf(db)).toBe(before)
  })

  // The backslash comes last: after it, JSON.parse of Node 24 misreads the others (docs/decisions/0008).
  test.each(['__proto__', '', '/', 'constructor', 'a/b', '"', '\ud800', 'ключ', '\u2028', '0', '\\'])(
    '%j is an ordinary field name',
    async (name) => {
      const { a, b, apart, together } = await pair()
      const withField = (value: unknown): Record<string, unknown> =>
        JSON.parse(`{"other":1,${JSON.stringify(name)}:${JSON.stringify(value)}}`) as never
      await a.put('k', withField({ deep: { [name]: 1 } }))
      await untilShown('k', JSON.parse(b4a.toString(b4a.from(JSON.stringify(await valueOf(a))))), b)
      await apart()
      await a.resolve('k', [name, 'deep', name], 'a')
      await b.put('k', withField({ deep: { [name]: 'b' }, more: true }))
      await together()
      expect(await valueOf(a)).toEqual(await valueOf(b))
      for (const db of [a, b]) {
        const field = Object.getOwnPropertyDescriptor(await valueOf(db), name)?.value as {
          deep: object
          more: boolean
        }
        const innermost = Object.getOwnPropertyDescriptor(field.deep, name)?.value as string
        expect(field.more).toBe(true)
        expect(lost(await db.conflicts('k'))).toEqual([
          { path: [name, 'deep', name], value: innermost === 'a' ? 'b' : 'a' }
        ])
      }
      expect(Object.getPrototypeOf({})).toBe(Object.prototype)
      expect('deep' in {}).toBe(false)
    }
  )

  test('a whole value and a map at the same key, and arrays, are one leaf each', async () => {
    const { a, b, apart, together } = await pair()
    await a.put('k', { list: [1] })
    await untilShown('k', { list: [1] }, b)
    await apart()
    await a.put('k', { list: [1, 'a'] })
    await b.put('k', { list: [1, 'b'] })
    await together()
    const shown = (await valueOf(a)) as { list: unknown[] }
    expect(await valueOf(b)).toEqual(shown)
    expect(lost(await a.conflicts('k'))).toEqual([
      { path: ['list'], value: shown.list[1] === 'a' ? [1, 'b'] : [1, 'a'] }
    ])
  })

  test('of an encoding that is not json an entry is one leaf', async () => {
    const { a, b, apart, together } = await pair({ valueEncoding: 'utf-8' })
    await apart()
    await a.put('k', '{"a":1}')
    await b.put('k', '{"b":1}', { valueEncoding: 'utf-8' })
    await together()
    const texts = await Promise.all(
      [a, b].map(async (db) => (await db.get('k', { valueEncoding: 'utf-8' }))?.value)
    )
    expect(texts[0]).toBe(texts[1])
    expect(['{"a":1}', '{"b":1}']).toContain(texts[0])
  })
})

test('what a device shows of its own puts before they are stored is what it shows after', async () => {
  const device = new EngineDevice(new MemoryLog(b4a.alloc(32, 1)), b4a.alloc(32, 1), new Map(), () => 1000)
  await device.open()
  for (const text of ['{"a":1}', '{"a":1,"b":{}}', '[]', '{"a":2}']) {
    const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(text) } }
    await device.engine.submit({
      type: 'write',
      writes: [{ key: b4a.from('k'), intent, base: null, compare: null }],
      atomic: false
    })
  }
  const pending = await device.shown(['6b'])
  await device.restart()
  expect(await device.shown(['6b'])).toEqual(pending)
  await device.engine.close()
  const writers = new WriterTable()
  let state: LogState = initialLogState(writers.idOf(device.own.key))
  const operations = device.own.blocks.map((block, seq) => {
    const result = decodeTransaction(seq, [block], state, writers)
    if (!('transaction' in result)) throw new Error('unreadable')
    state = result.state
    return result.transaction.operations.map(({ path, value }) => [
      pathNames(path),
      value && b4a.toString(value.bytes)
    ])
  })
  expect(operations).toEqual([[[[], '{"a":1}']], [[['b'], '{}']], [[[], '[]']], [[[], '{"a":2}']]])
})
