import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type { S3ArchiverErrorCode } from '../errors.ts'
import { MAX_NAME_LENGTH, MAX_PART_LENGTH, type ObjectInfo, type ObjectStore } from '../store/object-store.ts'
import { Checks } from './checks.ts'

/** One thing that a store has to do. Throws when it does not. */
export interface ConformanceCase {
  name: string
  run(): Promise<void>
}

export interface ConformanceOptions {
  /** Opens the store again: another client of the same objects, as another process has. */
  reopen?: () => ObjectStore | Promise<ObjectStore>
  /** Names that are raced for. @defaultValue 20 */
  races?: number
  /** Names that are listed at once; more than a page of the store's. @defaultValue 1100 */
  many?: number
}

/**
 * What every {@link ObjectStore} has to do, to be run by any test runner. Each case works under names of its own, so they may run in any
 * order, and beside one another.
 *
 * @param open - a store that may hold other objects
 * @example
 * ```ts
 * for (const { name, run } of objectStoreConformance(() => new MyStore())) test(name, run)
 * ```
 */
export function objectStoreConformance(
  open: () => ObjectStore | Promise<ObjectStore>,
  { reopen = open, races = 20, many = 1100 }: ConformanceOptions = {}
): ConformanceCase[] {
  const make = (name: string, body: (scope: Scope) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => body(new Scope(await open(), await reopen()))
  })
  return [
    ...putCases(make, races),
    ...rangeCases(make),
    ...listCases(make, many),
    ...deleteCases(make),
    ...callCases(make)
  ]
}

type Make = (name: string, body: (scope: Scope) => Promise<void>) => ConformanceCase

/** A store, and a prefix that nobody else uses. */
class Scope extends Checks {
  readonly store: ObjectStore
  /** Another client of the same objects. */
  readonly other: ObjectStore
  readonly prefix = `conformance-${b4a.toString(crypto.randomBytes(8), 'hex')}/`

  constructor(store: ObjectStore, other: ObjectStore) {
    super()
    this.store = store
    this.other = other
  }

  name(last: string): string {
    return this.prefix + last
  }

  async put(last: string, text = last): Promise<boolean> {
    return this.store.putIfAbsent(this.name(last), b4a.from(text))
  }

  /** The whole object as text. */
  async text(last: string, store = this.store): Promise<string | null> {
    const result = await store.getRange(this.name(last), { start: 0, end: 2 ** 30 })
    return result === null ? null : b4a.toString(result.bytes)
  }

  /** Names without the prefix of the scope. */
  async names(
    prefix = '',
    options: { after?: string; limit?: number } = {},
    store = this.store
  ): Promise<string[]> {
    const { after, ...rest } = options
    const found: ObjectInfo[] = []
    for await (const info of store.list(this.name(prefix), {
      ...rest,
      ...(after === undefined ? {} : { after: this.name(after) })
    }))
      found.push(info)
    return found.map(({ name }) => name.slice(this.prefix.length))
  }
}

function putCases(make: Make, races: number): ConformanceCase[] {
  return [
    make('what was put is there, for every client', async (scope) => {
      const { store, other } = scope
      scope.equal(await scope.put('a/b', 'text'), true)
      scope.equal(await scope.text('a/b'), 'text')
      scope.equal(await scope.text('a/b', other), 'text')
      const info = await store.head(scope.name('a/b'))
      scope.equal(info?.size, 4)
      scope.equal(info?.name, scope.name('a/b'))
    }),
    make('a second put of a name changes nothing and says so', async (scope) => {
      scope.equal(await scope.put('a', 'first'), true)
      scope.equal(await scope.put('a', 'second'), false)
      scope.equal(await scope.other.putIfAbsent(scope.name('a'), b4a.from('third')), false)
      scope.equal(await scope.text('a'), 'first')
    }),
    make('of many puts of one name exactly one makes it, and the others say so', async (scope) => {
      for (let race = 0; race < races; race++) {
        const puts = Array.from({ length: 30 }, (_, i) =>
          (i % 2 ? scope.store : scope.other).putIfAbsent(scope.name(`race-${race}`), b4a.from(`${i}`))
        )
        const made = await Promise.all(puts)
        const winners = made.flatMap((isMade, i) => (isMade ? [`${i}`] : []))
        scope.equal(winners.length, 1)
        scope.equal(await scope.text(`race-${race}`), winners[0])
      }
    }),
    make('objects of no bytes, of one, and of 8 MiB are kept as they are', async (scope) => {
      for (const size of [0, 1, 8 * 1024 * 1024]) {
        const bytes = crypto.randomBytes(size)
        scope.equal(await scope.store.putIfAbsent(scope.name(`${size}`), bytes), true)
        const result = await scope.store.getRange(scope.name(`${size}`), { start: 0, end: size + 1 })
        scope.equal(result?.size, size)
        scope.equalBytes(result?.bytes, bytes)
      }
    }),
    make('an answer may be put into the memory that comes with a get, if it fits', async (scope) => {
      const bytes = crypto.randomBytes(1000)
      await scope.store.putIfAbsent(scope.name('a'), bytes)
      for (const length of [0, 1, 999, 1000, 2000]) {
        const buffer = b4a.alloc(length)
        const result = await scope.store.getRange(scope.name('a'), { start: 0, end: 1001 }, { buffer })
        scope.equalBytes(result?.bytes, bytes)
        const part = await scope.store.getRange(scope.name('a'), { start: 300, end: 305 }, { buffer })
        scope.equalBytes(part?.bytes, bytes.subarray(300, 305))
      }
    }),
    make('bytes may be changed once a put was called, and once a get has answered', async (scope) => {
      const bytes = b4a.from('before')
      const putting = scope.store.putIfAbsent(scope.name('a'), bytes)
      bytes.fill(0)
      await putting
      const first = await scope.store.getRange(scope.name('a'), { start: 0, end: 10 })
      scope.equal(first === null ? null : b4a.toString(first.bytes), 'before')
      first?.bytes.fill(0)
      scope.equal(await scope.text('a'), 'before')
    }),
    make('names are checked before anything is asked for', async (scope) => {
      const part = 'n'.repeat(MAX_PART_LENGTH)
      const long = `${part}/${part}/${part}/`.padEnd(MAX_NAME_LENGTH - scope.prefix.length, 'n')
      scope.equal(await scope.put(long), true)
      scope.equal(await scope.text(long), long)
      scope.equal(await scope.names('n'), [long])
      const bad = [
        '',
        '/a',
        'a/',
        'a//b',
        '../a',
        'a/../b',
        '.',
        'a/.b',
        'A',
        'a b',
        'a%2fb',
        'ä',
        'a\\b',
        `${scope.name(long)}n`,
        scope.name(`${part}n`),
        scope.name(`${part}n/a`)
      ]
      for (const name of bad) {
        await scope.rejects('S3_ARCHIVER_STORE_BAD_NAME', scope.store.putIfAbsent(name, b4a.from('x')))
        await scope.rejects('S3_ARCHIVER_STORE_BAD_NAME', scope.store.getRange(name, { start: 0, end: 1 }))
        await scope.rejects('S3_ARCHIVER_STORE_BAD_NAME', scope.store.head(name))
        await scope.rejects('S3_ARCHIVER_STORE_BAD_NAME', scope.store.delete(name))
      }
    })
  ]
}

function rangeCases(make: Make): ConformanceCase[] {
  return [
    make('what is not there is null', async ({ store, prefix, equal }) => {
      equal(await store.getRange(`${prefix}none`, { start: 0, end: 1 }), null)
      equal(await store.head(`${prefix}none`), null)
      equal(await store.head(`${prefix}none/below`), null)
    }),
    make('ranges give their bytes, and the size of the whole', async (scope) => {
      await scope.put('a', '0123456789')
      const ranges: [start: number, end: number, text: string][] = [
        [0, 1, '0'],
        [0, 10, '0123456789'],
        [3, 7, '3456'],
        [9, 10, '9'],
        [8, 12, '89'],
        [0, 2 ** 40, '0123456789'],
        [10, 11, ''],
        [1000, 2000, '']
      ]
      for (const [start, end, text] of ranges) {
        const result = await scope.store.getRange(scope.name('a'), { start, end })
        scope.equal(result === null ? null : b4a.toString(result.bytes), text)
        scope.equal(result?.size, 10)
      }
      await scope.put('empty', '')
      scope.equal((await scope.store.getRange(scope.name('empty'), { start: 0, end: 5 }))?.size, 0)
    }),
    make('what is no range is refused', async (scope) => {
      await scope.put('a')
      for (const [start, end] of [
        [0, 0],
        [2, 1],
        [-1, 1],
        [0, NaN],
        [0.5, 1],
        [0, Infinity]
      ] as const)
        await scope.rejects('S3_ARCHIVER_BAD_ARGUMENT', scope.store.getRange(scope.name('a'), { start, end }))
    }),
    make('64 reads at once answer each for itself', async (scope) => {
      await scope.put('a', Array.from({ length: 64 }, (_, i) => String.fromCharCode(48 + i)).join(''))
      const reads = Array.from({ length: 64 }, (_, i) =>
        scope.store.getRange(scope.name('a'), { start: i, end: i + 1 })
      )
      for (const [i, result] of (await Promise.all(reads)).entries())
        scope.equal(result === null ? null : b4a.toString(result.bytes), String.fromCharCode(48 + i))
    })
  ]
}

function listCases(make: Make, many: number): ConformanceCase[] {
  return [
    make('a list has the order of the characters’ codes, whatever stands between them', async (scope) => {
      const names = ['a-b', 'a.b', 'a/b', 'a/b-c', 'a0', 'a_', 'aa', 'b/a/a', 'b/a/b', 'b/a-', 'b0']
      for (const name of names.toReversed()) await scope.put(name)
      const sorted = names.toSorted((x, y) => (x < y ? -1 : 1))
      scope.equal(await scope.names(), sorted)
      scope.equal(await scope.names('', {}, scope.other), sorted)
    }),
    make('a prefix may end anywhere', async (scope) => {
      for (const name of ['l/00e', 'l/00f', 'l/00f0', 'l/010', 'l0', 'm/00f']) await scope.put(name)
      scope.equal(await scope.names('l/00f'), ['l/00f', 'l/00f0'])
      scope.equal(await scope.names('l'), ['l/00e', 'l/00f', 'l/00f0', 'l/010', 'l0'])
      scope.equal(await scope.names('l/'), ['l/00e', 'l/00f', 'l/00f0', 'l/010'])
      scope.equal(await scope.names('none'), [])
    }),
    make('a list begins after a name, which need not exist, and ends where it is told', async (scope) => {
      for (const name of ['a', 'b/a', 'b/c', 'c', 'd']) await scope.put(name)
      scope.equal(await scope.names('', { after: 'a' }), ['b/a', 'b/c', 'c', 'd'])
      scope.equal(await scope.names('', { after: 'b' }), ['b/a', 'b/c', 'c', 'd'])
      scope.equal(await scope.names('', { after: 'b/b' }), ['b/c', 'c', 'd'])
      scope.equal(await scope.names('', { after: 'b/c' }), ['c', 'd'])
      scope.equal(await scope.names('', { after: 'z' }), [])
      scope.equal(await scope.names('', { limit: 2 }), ['a', 'b/a'])
      scope.equal(await scope.names('b/', { after: 'a', limit: 1 }), ['b/a'])
      scope.equal(await scope.names('', { limit: 0 }), [])
    }),
    make('a list is as long as it is, and says the sizes', async (scope) => {
      const names = Array.from({ length: many }, (_, i) => `${i}`.padStart(6, '0'))
      for (let i = 0; i < many; i += 50)
        await Promise.all(names.slice(i, i + 50).map((name) => scope.put(name, name.slice(i % 6))))
      const found: ObjectInfo[] = []
      for await (const info of scope.store.list(scope.prefix)) found.push(info)
      scope.equal(
        found.map(({ name }) => name),
        names.map((name) => scope.name(name))
      )
      scope.equal(
        found.every(({ size }, i) => size === 6 - ((Math.floor(i / 50) * 50) % 6)),
        true
      )
      const now = Date.now()
      scope.equal(
        found.every(({ modifiedMs }) => Math.abs(modifiedMs - now) < 24 * 60 * 60 * 1000),
        true
      )
      scope.equal(
        (await scope.names('', { after: names[1000 % many] ?? '' })).length,
        many - 1 - (1000 % many)
      )
    }),
    make('a list that is left early, or whose objects go meanwhile, ends in good order', async (scope) => {
      for (const name of ['a', 'b', 'c', 'd']) await scope.put(name)
      for await (const { name } of scope.store.list(scope.prefix)) if (name.endsWith('b')) break
      const seen: string[] = []
      for await (const { name } of scope.store.list(scope.prefix)) {
        seen.push(name)
        await scope.store.delete(scope.name('d'))
      }
      scope.equal(
        seen.slice(0, 3),
        ['a', 'b', 'c'].map((name) => scope.name(name))
      )
    })
  ]
}

function deleteCases(make: Make): ConformanceCase[] {
  return [
    make('what was deleted is gone, for every client, and can be deleted again', async (scope) => {
      await scope.put('a/b')
      await scope.put('a/c')
      await scope.store.delete(scope.name('a/b'))
      await scope.store.delete(scope.name('a/b'))
      await scope.other.delete(scope.name('never/was'))
      scope.equal(await scope.text('a/b', scope.other), null)
      scope.equal(await scope.names(), ['a/c'])
    }),
    make('a deleted name can be made anew: who relies on a name must not delete it', async (scope) => {
      await scope.put('a', 'first')
      await scope.store.delete(scope.name('a'))
      scope.equal(await scope.put('a', 'second'), true)
      scope.equal(await scope.text('a'), 'second')
    })
  ]
}

function callCases(make: Make): ConformanceCase[] {
  return [
    make('a call that was aborted before it began does nothing', async (scope) => {
      await scope.put('a')
      const code: S3ArchiverErrorCode = 'S3_ARCHIVER_ABORTED'
      const options = { signal: AbortSignal.abort() }
      await scope.rejects(code, scope.store.putIfAbsent(scope.name('b'), b4a.from('x'), options))
      await scope.rejects(code, scope.store.getRange(scope.name('a'), { start: 0, end: 1 }, options))
      await scope.rejects(code, scope.store.head(scope.name('a'), options))
      await scope.rejects(code, scope.store.delete(scope.name('a'), options))
      await scope.rejects(code, scope.names('', options as never))
      scope.equal(await scope.names(), ['a'])
    }),
    make('a put that is aborted on its way leaves a whole object, or none', async (scope) => {
      const bytes = crypto.randomBytes(4 * 1024 * 1024)
      for (const [i, wait] of [0, 1, 2, 4, 8].entries()) {
        const controller = new AbortController()
        const putting = scope.store
          .putIfAbsent(scope.name(`${i}`), bytes, { signal: controller.signal })
          .catch((error: unknown) => error)
        for (let turn = 0; turn < wait; turn++) await new Promise((resolve) => setImmediate(resolve))
        controller.abort()
        const result = await putting
        if (result !== true) scope.equal((result as { code?: unknown }).code, 'S3_ARCHIVER_ABORTED')
        const size = (await scope.store.head(scope.name(`${i}`)))?.size ?? null
        scope.equal(size === null || size === bytes.byteLength, true)
        if (result === true) scope.equal(size, bytes.byteLength)
      }
    }),
    make('it can be written', async ({ store, equal }) => equal(store.readOnly, false))
  ]
}
