import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as api from '../src/index.ts'
import { bytesOf } from './sets.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the example at the top of the README runs as it stands', async () => {
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const imports = /import \{(.*?)\}/.exec(example)?.[1]?.split(',') ?? []
  const names = imports.map((name) => name.trim())
  expect(names.filter((name) => !(name in api))).toEqual([])
  const body = example.replaceAll(/^import .*\n/gm, '')
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<void>
  const lines: unknown[][] = []
  const values = names.map((name) => (api as Record<string, unknown>)[name])
  const log = (...args: unknown[]): void => void lines.push(args)
  await new AsyncFunction(...names, 'secret', 'console', body)(...values, bytesOf(32), { log })
  const [[secret, faults] = []] = lines
  expect(secret).toEqual(bytesOf(32))
  expect(faults).toMatchObject([{ position: 3, code: 'SECRET_SHARE_NOT_A_SHARE' }])
})

test('what the second example names is there', () => {
  const lacks = (prototype: object, names: string[]) => names.filter((name) => !(name in prototype))
  expect(lacks(api.RecoveryAsk.prototype, ['hello', 'receive', 'code', 'confirm'])).toEqual([])
  expect(lacks(api.RecoveryHelp.prototype, ['receive', 'request', 'begin', 'approve', 'code'])).toEqual([])
  expect(lacks(api.Recovery.prototype, ['ask', 'combine', 'toBytes'])).toEqual([])
  expect(lacks(api.Recovery, ['fromBytes'])).toEqual([])
})

test('every test that the guarantees name is there', () => {
  const guarantees = /## Guarantees and limits\n(.*?)It does \*\*not/s.exec(readme)?.[1] ?? ''
  const named = [...guarantees.matchAll(/\(`([a-z.-]+)`|, `([a-z.-]+)`[),]/g)].map((match) =>
    match.slice(1).find(Boolean)
  )
  expect(new Set(named).size).toBeGreaterThan(7)
  const missing = named.filter((name) => !existsSync(join(import.meta.dirname, `${name}.test.ts`)))
  expect(missing).toEqual([])
})

test('it is at most 150 lines long', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(151)
})
