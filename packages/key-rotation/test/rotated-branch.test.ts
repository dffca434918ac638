import { expect, test } from 'vitest'
import { type Duplicity, IdentityMemory, rotatedBranch, Sigchain } from '../src/index.ts'
import { ada, addDevice, keyPairs, manualTime, publicKeys } from './people.ts'

const now = manualTime()
const copyOf = (chain: Sigchain): Sigchain =>
  Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now })

function rotate(chain: Sigchain, next: string): void {
  const to = { control: { keys: publicKeys('control 1') }, next: { keys: publicKeys(next) } }
  chain.rotate(to, keyPairs('control 1'))
}

/** A device that has seen `first`, and is brought `second`. */
async function frozen(
  first: Sigchain,
  second: Sigchain
): Promise<{ memory: IdentityMemory; duplicity: Duplicity }> {
  const store = { read: async () => null, write: async () => {} }
  const { identity } = first.state
  const memory = await IdentityMemory.open(store, identity, first.toBytes(), { now })
  await expect(memory.receive(second.toBytes())).rejects.toMatchObject({ code: 'KEY_ROTATION_FORKED' })
  return { memory, duplicity: memory.duplicity as Duplicity }
}

/** The thief has the present keys, and was first. */
function thief(): { mine: Sigchain; theirs: Sigchain } {
  const mine = ada(now)
  addDevice(mine, 'laptop', 'admin')
  const theirs = copyOf(mine)
  addDevice(theirs, 'thief’s phone', 'admin')
  addDevice(theirs, 'thief’s tablet', 'admin')
  return { mine, theirs }
}

test('of a thief’s history with the present keys and a person’s with those from the drawer it names the person’s, whichever came first', async () => {
  const { mine, theirs } = thief()
  rotate(mine, 'control 2')
  expect(rotatedBranch((await frozen(mine, theirs)).duplicity)).toBe(0)
  const { memory, duplicity } = await frozen(theirs, mine)
  expect(rotatedBranch(duplicity)).toBe(1)
  // It stays frozen until somebody who knows says so; the longer one is no better.
  expect(memory.state).toEqual(theirs.state)
  await memory.choose(1)
  expect(memory.state).toEqual(mine.state)
})

test('it also names one that was rotated later on, and one that a quorum has brought back together with those keys', async () => {
  const { mine, theirs } = thief()
  addDevice(mine, 'tablet')
  rotate(mine, 'control 2')
  expect(rotatedBranch((await frozen(theirs, mine)).duplicity)).toBe(1)
  const final = thief()
  const keys = { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } }
  const revealed = { keys: publicKeys('control 1') }
  const signers = keyPairs('friend 0', 'friend 1', 'new control', 'control 1')
  final.mine.announceRecovery({ ...keys, revealed }, signers)
  expect(rotatedBranch((await frozen(final.theirs, final.mine)).duplicity)).toBe(1)
})

test('it names none where both are rotated, or neither, also by a rotation before they part or by a quorum alone', async () => {
  const [one, other] = [ada(now), ada(now)]
  rotate(one, 'control 2')
  rotate(other, 'control 3')
  expect(rotatedBranch((await frozen(one, other)).duplicity)).toBe(null)
  const both = copyOf(one)
  const signers = keyPairs('control 1')
  addDevice(one, 'phone', 'writer', signers)
  addDevice(both, 'tablet', 'writer', signers)
  expect(rotatedBranch((await frozen(one, both)).duplicity)).toBe(null)
  const again = { control: { keys: publicKeys('control 2') }, next: { keys: publicKeys('control 4') } }
  both.rotate(again, keyPairs('control 2'))
  expect(rotatedBranch((await frozen(one, both)).duplicity)).toBe(1)
  const { mine, theirs } = thief()
  const keys = { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } }
  mine.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new control'))
  expect(rotatedBranch((await frozen(theirs, mine)).duplicity)).toBe(null)
})
