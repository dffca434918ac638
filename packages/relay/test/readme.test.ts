import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testCleanup, tmpStore, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { RelayClient } from '../src/index.ts'
import { RelayServer } from '../src/server/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the example at the top of the README runs as it stands', async () => {
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const body = example.replaceAll(/^import .*\n/gm, '').concat('\nreturn { relay, here }')
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<{ relay: RelayServer; here: RelayClient }>
  const names = [
    'RelayClient',
    'RelayServer',
    'home',
    'laptop',
    'phone',
    'laptopStore',
    'phoneStore',
    'report'
  ]
  const [home, laptop, phone] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const reported: [kind: string, there: RelayClient][] = []
  const { relay, here } = await new AsyncFunction(...names, body)(
    RelayClient,
    RelayServer,
    home,
    laptop,
    phone,
    await tmpStore(),
    await tmpStore(),
    (kind: string, there: RelayClient) => reported.push([kind, there])
  )
  testCleanup().defer('swarm', async () => {
    for (const [, there] of reported) await there.close()
    await here.close()
  })
  testCleanup().defer('network', () => relay.close())
  await until(() => reported.length > 0)
  expect(reported[0]?.[0]).toBe('relay')
})

test('every test that the guarantees name is there', () => {
  const guarantees = /## Guarantees and limits\n(.*?)\n## /s.exec(readme)?.[1] ?? ''
  const named = [...guarantees.matchAll(/`([a-z][a-z0-9.-]+)`(?=[),])/g)].map(([, name]) => name)
  expect(new Set(named).size).toBeGreaterThan(4)
  const missing = named.filter((name) => !existsSync(join(import.meta.dirname, `${name}.test.ts`)))
  expect(missing).toEqual([])
})
