import { replicate, tmpStore } from '@cloudpal/test-kit'
import { expect, test, vi } from 'vitest'
import { CoreFollower } from '../src/cores/index.ts'
import { named, filled, roll } from './rolls.ts'

// A peer says of every block that it has it, and gives none.
vi.mock('../src/cores/hypercore-adapter.ts', async (original) => ({
  ...(await original<typeof import('../src/cores/hypercore-adapter.ts')>()),
  peersHave: () => true
}))

test('a peer that says it has a block, and does not give it, holds nobody up who can have it from an older core', async () => {
  const patienceMs = 2000
  const real = globalThis.setTimeout
  const timers = vi.spyOn(globalThis, 'setTimeout')
  timers.mockImplementation((run, ms) => real(run, ms === patienceMs ? 0 : ms))
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 3)
  const chain = named('notes', old)
  const core = await roll(mine, chain, 'notes', old)
  await core.append('block 3')
  replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 4; i++) expect(String((await follower.next())?.block)).toBe(`block ${i}`)
  expect(timers.mock.calls.filter(([, ms]) => ms === patienceMs)).toHaveLength(3)
  timers.mockRestore()
})
