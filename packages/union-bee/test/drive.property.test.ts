import { collect, tmpStore } from '@cloudpal/test-kit'
import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import { UnionDrive } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { runs } from './support/arbitraries.ts'
import { driveMaker, textOf } from './support/drives.ts'
import { sorted } from './support/model.ts'

/** Names on both sides of the slash, in byte order: `-` and `.` before it, `0` and letters after. */
const aName = fc.constantFrom('a', 'b', 'a-', 'a.b', 'a0', '\u{1f600}')
const aPath = fc.array(aName, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`)
/** So few that they meet. */
const aNearPath = fc
  .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 })
  .map((names) => `/${names.join('/')}`)

/** Also of what is between a directory and what is in it, and after it. */
const aBound = fc.tuple(aPath, fc.constantFrom('', '/', '0', '-')).map((parts) => parts.join(''))

const stepsOn = (path: fc.Arbitrary<string>) =>
  fc.record({ type: fc.constantFrom('put', 'put', 'del'), path, data: fc.nat(99) })

/** What a drive has already when it becomes the top of a union, and what is done to the union then. */
const layersOf = (path: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(
    fc.record({
      own: fc.dictionary(path, fc.nat(99), { maxKeys: 3, noNullPrototype: true }),
      steps: fc.array(stepsOn(path), { maxLength: 2 * maxLength })
    }),
    { minLength: 1, maxLength }
  )

/** What a directory tree shows after a write: a file takes the place of what is below it, and of files above it. */
function write(tree: Map<string, unknown>, path: string, data: unknown): void {
  for (const other of Array.from(tree.keys()))
    if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) tree.delete(other)
  tree.set(path, data)
}

/** What shows over a tree of a drive that was written by itself, which may have a file and others below it. */
function cover(tree: Map<string, unknown>, files: Record<string, number>): void {
  for (const path of Object.keys(files)) write(tree, path, null)
  for (const [path, data] of Object.entries(files)) tree.set(path, data)
}

function inFolder(tree: ReadonlyMap<string, unknown>, folder: string) {
  const base = folder === '/' ? '/' : `${folder}/`
  return sorted(tree).filter(([path]) => path.startsWith(base))
}

function namesIn(tree: ReadonlyMap<string, unknown>, folder: string): string[] {
  const base = folder === '/' ? '/' : `${folder}/`
  const names = inFolder(tree, folder).map(([path]) => path.slice(base.length).split('/')[0] as string)
  return [...new Set(names)]
}

async function pathsOf(files: AsyncIterable<{ key: string }>): Promise<string[]> {
  return (await collect(files)).map(({ key }) => key)
}

test('drives edited one over the other are one directory tree', async () => {
  const store = await tmpStore()
  let count = 0
  await fc.assert(
    fc.asyncProperty(
      layersOf(aPath, 4),
      fc.array(aPath, { maxLength: 4 }),
      fc.array(fc.tuple(aBound, aBound), { maxLength: 3 }),
      async (layers, paths, ranges) => {
        const tree = new Map<string, unknown>()
        let drives: Hyperdrive[] = []
        for (const { own, steps } of layers) {
          const top = new Hyperdrive(store.namespace(`drive ${count++}`))
          const union = new UnionDrive(drives, { top })
          for (const [path, data] of Object.entries(own)) await top.put(path, Buffer.from([data]))
          cover(tree, own)
          for (const { type, path, data } of steps) {
            if (type === 'put') {
              await union.put(path, Buffer.from([data]))
              write(tree, path, data)
            } else {
              await union.del(path)
              tree.delete(path)
            }
          }
          drives = [top, ...drives]
        }
        await using union = new UnionDrive(drives)
        expect(await pathsOf(union.list())).toEqual(sorted(tree).map(([path]) => path))
        for (const path of [...tree.keys(), ...paths]) {
          expect((await union.get(path))?.[0]).toEqual(tree.get(path))
          expect(await union.exists(path)).toBe(tree.has(path))
          expect(await pathsOf(union.list(path))).toEqual(inFolder(tree, path).map(([key]) => key))
        }
        for (const folder of ['/', ...paths]) {
          const names = await collect(union.readdir(folder))
          expect(names.toSorted()).toEqual(namesIn(tree, folder).toSorted())
          const shallow = await collect(union.list(folder, { recursive: false }))
          expect(shallow.length).toBe(names.length)
        }
        // As one of the drives of another union, and read in parts.
        await using outer = new UnionDrive([union])
        expect(await pathsOf(outer.list())).toEqual(sorted(tree).map(([path]) => path))
        for (const [gt, lt] of ranges) {
          const within = sorted(tree).filter(
            ([path]) =>
              Buffer.compare(Buffer.from(path), Buffer.from(gt)) > 0 &&
              Buffer.compare(Buffer.from(path), Buffer.from(lt)) < 0
          )
          for (const view of [union, outer])
            expect(await pathsOf(view.entries({ gt, lt }))).toEqual(within.map(([path]) => path))
        }
        for (const drive of drives) await drive.db.close()
      }
    ),
    runs(60)
  )
})

test('list, readdir and entry agree, also when the newest is shown, whatever drives hold and whatever is written', async () => {
  const make = await driveMaker()
  const aDrive = fc.dictionary(aPath, fc.constantFrom('x', 'y'), { maxKeys: 5, noNullPrototype: true })
  await fc.assert(
    fc.asyncProperty(
      fc.array(aDrive, { minLength: 1, maxLength: 3 }),
      fc.array(fc.record({ path: aPath, isPut: fc.boolean() }), { maxLength: 5 }),
      fc.boolean(),
      async (data, writes, isNewest) => {
        const drives = await Promise.all(data.map((files) => make(files)))
        await using union = new UnionDrive(drives, {
          top: await make(),
          ...(isNewest && { newest: ({ seq }: { seq: number }) => seq })
        })
        for (const { path, isPut } of writes) {
          if (isPut) {
            await union.put(path, Buffer.from('top'))
            expect(await textOf(union, path)).toBe('top')
          } else {
            const was = await union.exists(path)
            await union.del(path)
            if (was) expect(await union.exists(path)).toBe(false)
          }
        }
        const paths = [
          ...new Set([...data.flatMap((files) => Object.keys(files)), ...writes.map(({ path }) => path)])
        ]
        const shown = await pathsOf(union.list())
        const entries: string[] = []
        for (const path of paths) if (await union.exists(path)) entries.push(path)
        expect(shown.toSorted()).toEqual(entries.toSorted())
        const folders = new Set([
          '/',
          ...paths.flatMap((path) => [path, path.slice(0, path.lastIndexOf('/')) || '/'])
        ])
        for (const folder of folders) {
          const base = folder === '/' ? '/' : `${folder}/`
          const inside = shown.filter((path) => path.startsWith(base))
          expect(await pathsOf(union.list(folder))).toEqual(inside)
          const names = [...new Set(inside.map((path) => path.slice(base.length).split('/')[0]))]
          expect((await collect(union.readdir(folder))).toSorted()).toEqual(names.toSorted())
        }
      }
    ),
    runs(40)
  )
})

test('readdir passes over directories of any length without missing what hides what comes after', async () => {
  const make = await driveMaker()
  const aLength = fc.constantFrom(0, 0, 2, 20)
  const aTree = fc.record({ a: aLength, 'a-': aLength, 'a.': aLength })
  const aFile = fc.constantFrom('a', 'a-', 'a.', 'a/1', 'a-/1')
  await fc.assert(
    fc.asyncProperty(aTree, fc.array(aFile, { maxLength: 3 }), aTree, async (high, deletions, low) => {
      const files = (tree: Record<string, number>) =>
        Object.fromEntries(
          Object.entries(tree).flatMap(([folder, length]) =>
            Array.from({ length }, (_, i) => [`/${folder}/${i}`, 'x'])
          )
        )
      const [top, lower] = [await make(files(high)), await make(files(low))]
      await using editable = new UnionDrive([lower], { top })
      for (const path of deletions) {
        // Leaves a whiteout of the tree, or of the file.
        if (!path.includes('/')) await editable.put(path, Buffer.from('y'))
        await editable.del(path)
      }
      await using union = new UnionDrive([top, lower])
      const names = new Set((await pathsOf(union.list())).map((path) => path.split('/')[1]))
      expect(await collect(union.readdir())).toEqual([...names])
    }),
    runs(30)
  )
})

/** The drive, of which every write fails after so many. */
function failingAfter(drive: Hyperdrive, writes: { left: number }): Hyperdrive {
  const fail = (): void => {
    if (writes.left-- <= 0) throw new Error('the process dies here')
  }
  return altered(drive, {
    db: altered(drive.db, {
      put: async (...args: Parameters<Hyperdrive['db']['put']>) => {
        fail()
        await drive.db.put(...args)
      }
    }),
    put: async (...args: Parameters<Hyperdrive['put']>) => {
      fail()
      await drive.put(...args)
    },
    del: async (path: string) => {
      fail()
      await drive.del(path)
    }
  })
}

test('a write that breaks off has lost nothing and brought nothing back, and made again it is whole', async () => {
  const make = await driveMaker()
  await fc.assert(
    fc.asyncProperty(
      layersOf(aNearPath, 3),
      stepsOn(aNearPath),
      fc.nat(3),
      async (layers, { type, path }, count) => {
        const tree = new Map<string, unknown>()
        let drives: Hyperdrive[] = []
        for (const { own, steps } of layers) {
          drives = [await make(), ...drives]
          const [top, ...lower] = drives as [Hyperdrive, ...Hyperdrive[]]
          for (const [at, data] of Object.entries(own)) await top.put(at, Buffer.from([data]))
          cover(tree, own)
          const union = new UnionDrive(lower, { top })
          for (const step of steps) {
            if (step.type === 'put') await union.put(step.path, Buffer.from([step.data]))
            else await union.del(step.path)
            if (step.type === 'put') write(tree, step.path, step.data)
            else tree.delete(step.path)
          }
        }
        const [top, ...lower] = drives as [Hyperdrive, ...Hyperdrive[]]
        const after = new Map(tree)
        if (type === 'put') write(after, path, 100)
        else after.delete(path)
        const change = (union: UnionDrive) =>
          type === 'put' ? union.put(path, Buffer.from([100])) : union.del(path)
        await change(new UnionDrive(lower, { top: failingAfter(top, { left: count }) })).catch(() => {})
        const union = new UnionDrive(lower, { top })
        const shown = new Map<string, unknown>()
        for (const at of await pathsOf(union.list())) shown.set(at, (await union.get(at))?.[0])
        for (const [at, data] of shown) expect([tree.get(at), after.get(at)]).toContain(data)
        // Nothing makes room for a file before that is there.
        const kept = shown.get(path) === 100 || type === 'del' ? after : tree
        expect([...shown.keys()]).toEqual(expect.arrayContaining([...kept.keys()]))
        await change(union)
        expect(await pathsOf(union.list())).toEqual(sorted(after).map(([at]) => at))
      }
    ),
    runs(150)
  )
})
