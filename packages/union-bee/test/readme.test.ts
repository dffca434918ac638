import { readFileSync } from 'node:fs'
import { tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import * as unionBee from '../src/index.ts'

test('the example at the top of the README runs as it stands', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const body = example.replaceAll(/^import .*\n/gm, '').concat('\nreturn { log, both, mine }')
  const store = await tmpStore()
  const names = ['Corestore', 'Hyperbee', 'UnionBee', 'createOverlay']
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<{ log: string[]; both: unionBee.UnionBee; mine: unionBee.Overlay }>
  const run = new AsyncFunction(...names, body)
  // Called with `new`, it returns what was made beforehand.
  const Corestore = function (): unknown {
    return store
  }
  const { log, both, mine } = await run(Corestore, Hyperbee, unionBee.UnionBee, unionBee.createOverlay)
  expect(log).toEqual(['contacts/ada=Ada', 'contacts/bob=Bob', 'old/2024=12.5'])
  expect(await mine.get('contacts/bob')).toBeNull()
  expect((await both.get('contacts/bob'))?.value).toBe('Bob')
  await mine.close()
  await both.close()
})
