import { EventEmitter } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testCleanup, tmpDir } from '@cloudpal/test-kit'
import Corestore from 'corestore'
import { expect, test } from 'vitest'
import * as connections from '../src/connections/index.ts'
import * as cores from '../src/cores/index.ts'
import * as api from '../src/index.ts'
import * as timestamp from '../src/timestamp/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** What the README has somebody install. */
const installed: Record<string, unknown> = {
  '@cloudpal/key-rotation': api,
  '@cloudpal/key-rotation/hypercore': cores,
  '@cloudpal/key-rotation/protomux': connections
}

test('its examples run as they stand, one after the other', async () => {
  const directory = await tmpDir()
  class Store extends Corestore {
    constructor(name: string) {
      super(join(directory, name))
      testCleanup().defer('store', () => this.close())
    }
  }
  class Swarm extends EventEmitter {}
  const modules: Record<string, unknown> = {
    ...installed,
    corestore: { default: Store },
    hyperswarm: { default: Swarm }
  }
  const program = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code).join('')
  const body = program.replaceAll(
    /^import (?:(\w+)|\{(.*?)\}) from '(.*?)'/gm,
    (_, whole?: string, names?: string, from?: string) =>
      `const {${whole ? `default: ${whole}` : names}} = modules['${from}']`
  )
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<void>
  const lines: unknown[][] = []
  const log = (...args: unknown[]): void => void lines.push(args)
  await new AsyncFunction('modules', 'console', body)(modules, { log })
  expect(lines).toEqual([
    [['laptop', 'phone'], 2],
    [0, 'one'],
    [1, 'two']
  ])
})

test('what the other examples and the table of the API name is there', () => {
  const section = /## API\n(.*?)## Errors/s.exec(readme)?.[1] ?? ''
  const examples = [...readme.matchAll(/^import \{(.*?)\} from/gm)].flatMap(
    ([, names]) => names?.split(',') ?? []
  )
  const exported = { ...api, ...cores, ...connections, ...timestamp }
  const members = ['Sigchain', 'BlockJudge', 'IdentityMemory', 'Authenticator', 'Timestamps'].flatMap(
    (name) => {
      const { prototype } = (exported as never as Record<string, { prototype: object }>)[name] ?? {
        prototype: {}
      }
      return [
        ...Object.getOwnPropertyNames(prototype),
        ...Object.keys(Object.getOwnPropertyDescriptors((exported as Record<string, object>)[name] ?? {}))
      ]
    }
  )
  const named = [...section.matchAll(/`(\w+)(?:\(.*?\)|\.open\(.*?\))?`/g)].map(([, name]) => name ?? '')
  const known = new Set([
    ...Object.keys(exported),
    ...members,
    'code',
    'trusted',
    'now',
    'browser',
    'witnesses',
    'pkijs',
    'asn1js'
  ])
  expect(named.length).toBeGreaterThan(40)
  expect([...named, ...examples.map((name) => name.trim())].filter((name) => !known.has(name))).toEqual([])
})

test('every test that it names is there', () => {
  const named = [...readme.matchAll(/\((`[a-z.-]+`(?:, `[a-z.-]+`)*)\)/g)].flatMap(
    ([, names]) => names?.match(/[a-z.-]+/g) ?? []
  )
  expect(new Set(named).size).toBeGreaterThan(10)
  const missing = named.filter(
    (name) => name !== ', ' && !existsSync(join(import.meta.dirname, `${name}.test.ts`))
  )
  expect(missing).toEqual([])
})

test('it is at most 150 lines long', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(151)
})
