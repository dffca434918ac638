import { describe, expect, test } from 'vitest'
import { IdentityMemory, Sigchain, verify } from '../src/index.ts'
import { takeIn } from '../src/memory/recovery-watch.ts'
import { addDevice, DAY, keyPairs, keysOf, manualTime, publicKeys, START } from './people.ts'
import { codeOfAsync, ram } from './parties.ts'

/** A quorum that conspires: it announces at a time that it states, and completes when that allows. */
function conspiracy(announced: number, delayMs: number): { begun: Uint8Array; chain: Sigchain } {
  const now = manualTime()
  const chain = Sigchain.incept(
    {
      control: { keys: publicKeys('control 0') },
      next: { keys: publicKeys('control 1') },
      recovery: { quorum: { threshold: 1, keys: publicKeys('friend 0') }, delayMs },
      signers: keyPairs('control 0')
    },
    { now }
  )
  const begun = chain.toBytes()
  now.at = announced
  chain.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'new'))
  now.at = announced + delayMs
  chain.recover(keyPairs('new'))
  return { begun, chain }
}

describe('a quorum cannot take over at once, whatever times it states', () => {
  test.each([
    ['a delay of a day, announced a day ago', DAY],
    ['a delay of an hour', DAY / 24]
  ])('%s', async (_, delayMs) => {
    const today = START + 30 * DAY
    const { begun, chain } = conspiracy(today - DAY, delayMs)
    const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, { now: () => today })
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  })
})

describe('clock nonsense is a code, and lets no recovery through', () => {
  const { begun, chain } = conspiracy(START + DAY, 7 * DAY)
  const today = START + 30 * DAY
  test.each<[string, unknown, unknown]>([
    ['`now` is NaN', Number.NaN, null],
    ['`now` is no number', '2026-02-01', null],
    ['`seenBy` is NaN', today, Number.NaN],
    ['`seenBy` is before there was time', today, -Infinity]
  ])('%s', async (_, then, seen) => {
    let now: unknown = today
    let seenBy: unknown = null
    const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, {
      now: () => now as number,
      seenBy: () => seenBy as number
    })
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
    now = then
    seenBy = seen
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).not.toBe(null)
  })
})

test('choosing a branch does not forget since when a recovery was known of', async () => {
  const now = manualTime()
  const { begun, chain } = conspiracy(START + DAY, 7 * DAY)
  now.at = START + 30 * DAY
  const { identity } = chain.state
  const memory = await IdentityMemory.open(ram(), identity, begun, { now })
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  const branch = Sigchain.open(begun, { trusted: identity }, { now: () => START })
  addDevice(branch, 'branch')
  expect(await codeOfAsync(memory.receive(branch.toBytes()))).toBe('KEY_ROTATION_FORKED')
  await memory.choose(0)
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
})

test('that an announcement was there long before it says itself is believed of nobody', async () => {
  const { begun, chain } = conspiracy(START + 29 * DAY, 7 * DAY)
  const options = { now: () => START + 36 * DAY, seenBy: () => START }
  const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, options)
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
})

test('a recovery of which it is not known since when it was known is known of from now on', () => {
  const { chain } = conspiracy(START, 7 * DAY)
  const { identity } = chain.state
  const { state } = verify(chain.events.slice(0, 2), { trusted: identity })
  const events = chain.events.slice(2)
  const late = START + 30 * DAY
  const { count, sightings } = takeIn({ state, sightings: [] }, events, late, () => null)
  expect([count, sightings]).toEqual([0, [{ announcement: state.hash, time: late }]])
  const after = (now: number): number => takeIn({ state, sightings }, events, now, () => null).count
  expect([after(late + 7 * DAY - 1), after(late + 7 * DAY)]).toEqual([0, 1])
})
