import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import { tmpDir } from '@cloudpal/test-kit'
import { FileStore, probeStore } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the example at the top of the README runs as it stands', async () => {
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const directory = await tmpDir()
  const stores: unknown[] = []
  const body = example.replaceAll(/^import .*\n/gm, '').concat('\nreturn part')
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<{ bytes: Uint8Array; size: number } | null>
  const run = new AsyncFunction('FileStore', 'S3Store', 'probeStore', 'bytes', 'others', 'console', body)
  // Called with `new`, both return what was made beforehand: here the bucket is the same directory.
  const Store = function (options: unknown): unknown {
    stores.push(options)
    return new FileStore(directory)
  }
  const lines: unknown[] = []
  const log = (...args: unknown[]): void => void lines.push(args)
  const [bytes, others] = [b4a.from('first'), b4a.from('second')]
  const part = await run(Store, Store, probeStore, bytes, others, { log })
  expect(b4a.toString(part?.bytes ?? b4a.alloc(0))).toBe('first')
  expect(part?.size).toBe(5)
  expect(lines).toEqual([['notes/1', 5]])
  expect(stores).toEqual(['./backup', { bucket: 'backups', prefix: 'laptop', region: 'eu-central-1' }])
  expect(await new FileStore(directory).head('notes/1')).toBeNull()
})

test('every test that the guarantees name is there', () => {
  const guarantees = /## Guarantees and limits\n(.*)/s.exec(readme)?.[1] ?? ''
  const named = [...guarantees.matchAll(/\(`([a-z0-9-]+)`|, `([a-z0-9-]+)`|; `([a-z0-9-]+)`/g)].map((match) =>
    match.slice(1).find(Boolean)
  )
  expect(new Set(named).size).toBeGreaterThan(4)
  const missing = named.filter((name) => !existsSync(join(import.meta.dirname, `${name}.test.ts`)))
  expect(missing).toEqual([])
})
