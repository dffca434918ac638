import { readFileSync } from 'node:fs'
import { testnet, tmpStore, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { MultiBee } from '../src/index.ts'

test('the example at the top of the README runs as it stands', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const network = await testnet()
  const [laptop, phone, swarm, other] = [
    await tmpStore(),
    await tmpStore(),
    network.createSwarm(),
    network.createSwarm()
  ]
  // What the two devices do not share: the stores on their disks, the network, and the code that is shown to the other one.
  const stores: Record<string, unknown> = { './laptop': laptop, './phone': phone }
  const body = example
    .replaceAll(/^import .*\n/gm, '')
    .replace('// On the phone', 'const { code } = invite\n// On the phone')
    .concat('\nreturn { db, mine }')
  expect(body).toContain('const { code } = invite')
  const names = ['Corestore', 'Hyperswarm', 'MultiBee', 'askThePerson', 'other']
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<{ db: MultiBee; mine: MultiBee }>
  const run = new AsyncFunction(...names, body)
  // Called with `new`, both return what was made beforehand.
  const Corestore = function (path: string): unknown {
    return stores[path]
  }
  const Hyperswarm = function (): unknown {
    return swarm
  }
  const { db, mine } = await run(Corestore, Hyperswarm, MultiBee, (name: string) => name === 'phone', other)

  await until(async () => JSON.stringify((await db.get('contacts/ada'))?.value)?.includes('Lovelace'))
  expect((await db.get('contacts/ada'))?.value).toEqual({
    name: 'Ada Lovelace',
    phones: { home: '555-0100' }
  })
  await mine.close()
  await db.close()
})
