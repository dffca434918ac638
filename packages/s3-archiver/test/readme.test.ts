import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { tmpDir } from '@cloudpal/test-kit'
import { Archiver, buildReadPack, FileStore, openFromArchive, restore, type Restored } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the example at the top of the README runs as it stands', async () => {
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const directory = await tmpDir()
  const opened: { close(): Promise<void> }[] = []
  const body = example.replaceAll(/^import .*\n/gm, '').concat('\nreturn { value, restored, key }')
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<{ value: unknown; restored: Restored; key: Uint8Array }>
  const names = [
    'Corestore',
    'Hyperbee',
    'Archiver',
    'FileStore',
    'buildReadPack',
    'openFromArchive',
    'restore'
  ]
  const run = new AsyncFunction(...names, body)
  // Called with `new`, both return what is made here: the same, in a directory of this test's own.
  const Stores = function (path: string): unknown {
    const corestore = new Corestore(join(directory, path))
    opened.push(corestore)
    return corestore
  }
  const Files = function (path: string): unknown {
    return new FileStore(join(directory, path))
  }
  const { value, restored, key } = await run(
    Stores,
    Hyperbee,
    Archiver,
    Files,
    buildReadPack,
    openFromArchive,
    restore
  )
  expect(value).toEqual({ text: 'world' })
  expect(restored).toMatchObject({ length: 2, blocks: 2, missing: 0 })
  expect(key).toHaveLength(32)
  expect(opened).toHaveLength(2)
  for (const corestore of opened) await corestore.close()
})

test('every test that the guarantees name is there', () => {
  const guarantees = /## Guarantees and limits\n(.*)/s.exec(readme)?.[1] ?? ''
  const named = [...guarantees.matchAll(/\(`([a-z0-9.-]+)`|, `([a-z0-9.-]+)`|; `([a-z0-9.-]+)`/g)].map(
    (match) => match.slice(1).find(Boolean)
  )
  expect(new Set(named).size).toBeGreaterThan(4)
  const missing = named.filter((name) => !existsSync(join(import.meta.dirname, `${name}.test.ts`)))
  expect(missing).toEqual([])
})
