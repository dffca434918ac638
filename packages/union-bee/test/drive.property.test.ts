import { collect, tmpStore } from '@cloudpal/test-kit'
import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import { UnionDrive } from '../src/index.ts'
import { runs } from './support/arbitraries.ts'
import { sorted } from './support/model.ts'

/** Names on both sides of the slash, in byte order: `-` and `.` before it, `0` and letters after. */
const aName = fc.constantFrom('a', 'b', 'a-', 'a.b', 'a0', '\u{1f600}')
const aPath = fc.array(aName, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`)
const aStep = fc.record({ type: fc.constantFrom('put', 'put', 'del'), path: aPath, data: fc.nat(99) })

/** What a directory tree shows after a write: a file takes the place of what is below it, and of files above it. */
function write(tree: Map<string, unknown>, path: string, data: unknown): void {
  for (const other of Array.from(tree.keys()))
    if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) tree.delete(other)
  tree.set(path, data)
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

test('drives edited one over the other are one directory tree', async () => {
  const store = await tmpStore()
  let count = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(aStep, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
      fc.array(aPath, { maxLength: 4 }),
      async (layers, paths) => {
        const tree = new Map<string, unknown>()
        let drives: Hyperdrive[] = []
        for (const steps of layers) {
          const top = new Hyperdrive(store.namespace(`drive ${count++}`))
          const union = new UnionDrive(drives, { top })
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
        const files = await collect(union.list())
        expect(files.map(({ key }) => key)).toEqual(sorted(tree).map(([path]) => path))
        for (const path of [...tree.keys(), ...paths]) {
          expect((await union.get(path))?.[0]).toEqual(tree.get(path))
          expect(await union.exists(path)).toBe(tree.has(path))
          const inside = await collect(union.list(path))
          expect(inside.map(({ key }) => key)).toEqual(inFolder(tree, path).map(([key]) => key))
        }
        for (const folder of ['/', ...paths]) {
          const names = await collect(union.readdir(folder))
          expect(names.toSorted()).toEqual(namesIn(tree, folder).toSorted())
          const shallow = await collect(union.list(folder, { recursive: false }))
          expect(shallow.length).toBe(names.length)
        }
        for (const drive of drives) await drive.db.close()
      }
    ),
    runs(60)
  )
})
