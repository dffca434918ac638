import b4a from 'b4a'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../src/merge/transaction.ts'
import { CachedViewStore } from '../src/view/cached-view-store.ts'
import { KeyFilter } from '../src/view/key-filter.ts'
import type { Stored } from '../src/view/record.ts'
import { currentKey, STATE_KEY } from '../src/view/view-keys.ts'
import { View } from '../src/view/view.ts'
import { MemoryViewStore } from './support/memory-view-store.ts'
import { runs } from './support/property-runs.ts'
import { SteppedViewStore, type WriteEnd } from './support/stepped-view-store.ts'

const KEYS = 12

type Command =
  | { do: 'change'; key: number; isDel: boolean }
  | { do: 'get' | 'record'; key: number; back: number }
  | { do: 'load'; keys: number[] }
  | { do: 'scan'; back: number; reverse: boolean }
  | { do: 'flush' }
  | { do: 'step'; which: number; end: WriteEnd }

// Mostly the same few, so that what happens to one overtakes itself.
const key = fc.oneof({ weight: 3, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(KEYS - 1) })
const back = fc.nat(6)
const end: fc.Arbitrary<WriteEnd> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('done') },
  { weight: 1, arbitrary: fc.constantFrom('refused', 'lost') }
)
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('change' as const), key, isDel: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'record' as const), key, back }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('load' as const), keys: fc.uniqueArray(key) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('scan' as const), back, reverse: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('step' as const), which: fc.nat(), end }) }
)

/** What a key was, version by version. */
class Model {
  readonly #records = new Map<number, Stored[]>()
  version = 0

  change(number: number, isDel: boolean): Stored {
    const version = ++this.version
    const shown: Value | null = isDel ? null : { document: true, bytes: b4a.from(`${version}`) }
    const dot = { writer: 0, seq: version, index: 0, ms: version, counter: 0 }
    const register = {
      whole: shown === null ? null : { ...dot, value: shown },
      elements: [],
      tombstones: shown === null ? [{ ...dot, path: '', over: [] }] : []
    }
    const stored = { version, shown, register }
    this.#records.set(number, [...(this.#records.get(number) ?? []), stored])
    return stored
  }

  at(number: number, version: number): Stored | null {
    return this.#records.get(number)?.findLast((stored) => stored.version <= version) ?? null
  }

  newest(number: number): Stored | null {
    return this.at(number, this.version)
  }

  shownAt(version: number, reverse: boolean): { key: string; text: string }[] {
    const shown = Array.from({ length: KEYS }, (_, i) => i).flatMap((number) => {
      const value = this.at(number, version)?.shown ?? null
      return value === null ? [] : [{ key: b4a.toString(bytesOf(number)), text: textOf(value) }]
    })
    return reverse ? shown.reverse() : shown
  }
}

/** A view under test: what reads must give is known when they begin, whatever happens until they end. */
class Run {
  readonly store = new SteppedViewStore()
  readonly #view: View
  readonly #model = new Model()
  readonly #reads: Promise<void>[] = []
  #isFlushing = false

  constructor(cacheBytes: number) {
    this.#view = new View(this.store, cacheBytes)
  }

  /** As a view that begins; without it, it knows nothing of the store. */
  async open(): Promise<void> {
    const opened = this.#view.open()
    while (this.store.waiting === 0) await Promise.resolve()
    expect(await settled(this.store, opened)).toBeNull()
  }

  async take(next: Command): Promise<void> {
    if (next.do === 'change') this.#change(next.key, next.isDel)
    else if (next.do === 'get') this.#reads.push(this.#get(next.key, this.#versionBack(next.back)))
    else if (next.do === 'record') this.#reads.push(this.#record(next.key, this.#versionBack(next.back)))
    else if (next.do === 'load') this.#reads.push(this.#load(next.keys))
    else if (next.do === 'scan') await this.#scan(this.#versionBack(next.back), next.reverse)
    else if (next.do === 'flush') void this.#flush()
    else if (next.do === 'step' && this.store.waiting > 0) await this.store.step(next.which, next.end)
  }

  async finish(): Promise<void> {
    while (this.store.waiting > 0) await this.store.step(0)
    await Promise.all(this.#reads)
  }

  #versionBack(versions: number): number {
    return Math.max(0, this.#model.version - versions)
  }

  #change(number: number, isDel: boolean): void {
    const prior = this.#model.newest(number)
    this.#view.install(bytesOf(number), this.#model.change(number, isDel), prior)
  }

  /** One at a time, as the engine does it; one that fails is tried again with the next. */
  async #flush(): Promise<void> {
    if (this.#isFlushing) return
    this.#isFlushing = true
    await this.#view.flush(() => b4a.from([0])).catch(() => {})
    this.#isFlushing = false
  }

  async #get(number: number, version: number): Promise<void> {
    const wanted = this.#model.at(number, version)
    const entry = await this.#view.get(bytesOf(number), version)
    expect(entry === null ? null : [entry.version, textOf(entry.value)]).toEqual(
      wanted?.shown == null ? null : [wanted.version, textOf(wanted.shown)]
    )
  }

  async #record(number: number, version: number): Promise<void> {
    const wanted = this.#model.at(number, version)
    expect((await this.#view.recordAt(bytesOf(number), version))?.version).toBe(wanted?.version)
  }

  /** The newest record, as of some moment while it was loaded. */
  async #load(numbers: number[]): Promise<void> {
    const before = this.#model.version
    const loaded = await this.#view.load(numbers.map(bytesOf))
    for (const [i, number] of numbers.entries()) {
      const version = loaded[i]?.version ?? 0
      expect(version).toBeGreaterThanOrEqual(this.#model.at(number, before)?.version ?? 0)
      expect(version).toBe(this.#model.at(number, version)?.version ?? 0)
    }
  }

  async #scan(version: number, reverse: boolean): Promise<void> {
    const wanted = this.#model.shownAt(version, reverse)
    const shown: { key: string; text: string }[] = []
    for await (const entry of this.#view.entries({}, version, reverse))
      shown.push({ key: b4a.toString(entry.key), text: textOf(entry.value) })
    expect(shown).toEqual(wanted)
  }
}

test('reads give what was there at their version, however they and writes of the store overtake each other', async () => {
  // None, some that are soon pushed out, and all are kept in memory.
  const cacheBytes = fc.constantFrom(0, 4608, 1_000_000)
  await fc.assert(
    fc.asyncProperty(
      cacheBytes,
      fc.boolean(),
      fc.array(command, { maxLength: 120, size: 'max' }),
      async (bytes, isOpened, commands) => {
        const run = new Run(bytes)
        if (isOpened) await run.open()
        for (const next of commands) await run.take(next)
        await run.finish()
      }
    ),
    runs(300)
  )
})

test('what was got is not asked for again, and a write replaces it', async () => {
  const { cached, asked } = await filled(4, 1_000_000)
  const all = [0, 1, 2, 3].map(bytesOf)
  await cached.getMany(all)
  await cached.write([
    [bytesOf(1), b4a.from('new')],
    [bytesOf(2), null]
  ])
  asked.length = 0
  expect((await cached.getMany(all)).map((value) => value && b4a.toString(value.subarray(0, 3)))).toEqual([
    'xxx',
    'new',
    null,
    'xxx'
  ])
  expect(asked).toEqual([b4a.toString(bytesOf(2))])
})

test('what was got before a write of it had ended is not kept', async () => {
  const { store, cached } = await steppedWith('old')
  const got = cached.getMany([bytesOf(0)])
  await store.step(0)
  const written = cached.write([[bytesOf(0), b4a.from('new')]])
  for (let i = 0; i < 2; i++) await store.step(1)
  await written
  await store.step(0)
  expect(await textsOf(got)).toEqual(['old'])
  expect(await textsOf(settled(store, cached.getMany([bytesOf(0)])))).toEqual(['new'])
})

test.each([
  ['refused', 'old'],
  ['lost', 'new']
] as const)('after a write that was %s the store is asked again', async (end, wanted) => {
  const { store, cached } = await steppedWith('old')
  expect(await textsOf(settled(store, cached.getMany([bytesOf(0)])))).toEqual(['old'])
  await expect(settled(store, cached.write([[bytesOf(0), b4a.from('new')]]), end)).rejects.toThrow(
    'the disk failed'
  )
  expect(await textsOf(settled(store, cached.getMany([bytesOf(0)])))).toEqual([wanted])
})

test('of rows that were got the last are kept, as many as there are bytes for', async () => {
  const { cached, asked } = await filled(100, 20_000)
  for (let i = 0; i < 100; i++) await cached.getMany([bytesOf(i)])
  asked.length = 0
  for (let i = 99; i >= 0; i--) await cached.getMany([bytesOf(i)])
  const kept = 100 - asked.length
  // 1,000 bytes each, and what a row costs besides.
  expect(kept).toBeGreaterThan(9)
  expect(kept).toBeLessThan(20)
  expect(asked[0]).toBe(b4a.toString(bytesOf(99 - kept)))
})

test('of a view that begins, only what was written is asked for', async () => {
  const { store, asked } = watched()
  const view = new View(store, 0)
  expect(await view.open()).toBeNull()
  asked.length = 0
  const load = async (...numbers: number[]): Promise<(string | null)[]> =>
    (await view.load(numbers.map(bytesOf))).map((stored) => stored && textOf(stored.shown as Value))
  expect(await load(0, 1)).toEqual([null, null])
  view.install(bytesOf(1), new Model().change(1, false), null)
  await view.flush(() => b4a.from([0]))
  expect(await load(0, 1)).toEqual([null, '1'])
  expect(asked).toEqual([b4a.toString(currentKey(bytesOf(1)))])
  await view.clear()
  expect(await load(0, 1)).toEqual([null, null])
  expect(asked).toHaveLength(1)
})

test('what a write that was lost has stored is found, also where all began empty', async () => {
  const store = new SteppedViewStore()
  const cached = new CachedViewStore(store, 1_000_000)
  cached.noteEmpty()
  const written = cached.write([[bytesOf(0), b4a.from('new')]])
  await expect(settled(store, written, 'lost')).rejects.toThrow('the disk failed')
  expect(await textsOf(settled(store, cached.getMany([bytesOf(0)])))).toEqual(['new'])
})

test('a view that holds something is asked for everything', async () => {
  const { store, asked } = watched()
  await store.write([[STATE_KEY, b4a.from([0])]])
  const view = new View(store, 0)
  await view.open()
  asked.length = 0
  await view.load([bytesOf(0), bytesOf(1)])
  expect(asked).toHaveLength(2)
})

test('a key that was added may be held, and nearly every other one may not', () => {
  const filter = new KeyFilter()
  const numbers = Array.from({ length: 100_000 }, (_, i) => i)
  const added = (number: number): Uint8Array => b4a.from(`added/${number}`)
  for (const number of numbers) filter.add(added(number))
  expect(numbers.every((number) => filter.mayHold(added(number)))).toBe(true)
  const mistaken = numbers.filter((number) => filter.mayHold(b4a.from(`absent/${number}`)))
  // (1 - e^(-4 · 100,000 / 2^23))^4 of them: 0.5.
  expect(mistaken.length).toBeLessThan(20)
})

async function steppedWith(text: string): Promise<{ store: SteppedViewStore; cached: CachedViewStore }> {
  const store = new SteppedViewStore()
  await settled(store, store.write([[bytesOf(0), b4a.from(text)]]))
  return { store, cached: new CachedViewStore(store, 1_000_000) }
}

/** Takes all that waits to its end. */
async function settled<T>(store: SteppedViewStore, work: Promise<T>, end: WriteEnd = 'done'): Promise<T> {
  // Looked at below.
  work.catch(() => {})
  while (store.waiting > 0) await store.step(0, end)
  return work
}

async function textsOf(values: Promise<(Uint8Array | null)[]>): Promise<(string | null)[]> {
  return (await values).map((value) => value && b4a.toString(value))
}

async function filled(rows: number, capacity: number): Promise<{ cached: CachedViewStore; asked: string[] }> {
  const { store, asked } = watched()
  await store.write(Array.from({ length: rows }, (_, i) => [bytesOf(i), b4a.alloc(1000, 'x')] as const))
  return { cached: new CachedViewStore(store, capacity), asked }
}

/** A store that notes which keys it was asked for. */
function watched(): { store: MemoryViewStore; asked: string[] } {
  const store = new MemoryViewStore()
  const asked: string[] = []
  const getMany = store.getMany.bind(store)
  store.getMany = (keys) => {
    asked.push(...keys.map((key) => b4a.toString(key)))
    return getMany(keys)
  }
  return { store, asked }
}

function bytesOf(number: number): Uint8Array {
  return b4a.from(`key ${String(number).padStart(3, '0')}`)
}

function textOf({ bytes }: Value): string {
  return b4a.toString(bytes)
}
