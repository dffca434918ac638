import { expect, test } from 'vitest'
import { createReceipt, Sigchain, verify } from '../src/index.ts'
import { ada, addDevice, codeOf, DAY, keyPair, keyPairs, manualTime, publicKeys, START } from './people.ts'

/** A chain with two devices, and what its state was on the way. */
function history(): { chain: Sigchain; states: Sigchain['state'][] } {
  const chain = ada()
  const states = [chain.state]
  for (const name of ['laptop', 'phone']) {
    addDevice(chain, name)
    states.push(chain.state)
  }
  return { chain, states }
}

test('of each witness the newest receipt counts, and so many of them can be asked for', () => {
  const { chain, states } = history()
  const trusted = chain.state.identity
  const [, second, last] = states as [Sigchain['state'], Sigchain['state'], Sigchain['state']]
  const old = createReceipt(second, keyPair('laptop'), START)
  const receipts = [
    old,
    createReceipt(second, keyPair('phone'), START),
    createReceipt(last, keyPair('laptop'), START + 1)
  ]
  const given = (need: number): string | null =>
    codeOf(() => verify(chain.toBytes(), { trusted, witnesses: { receipts, need } }))
  expect([given(0), given(1), given(2)]).toEqual([null, null, 'KEY_ROTATION_NOT_WITNESSED'])
  const { witnesses } = verify(chain.toBytes(), { trusted, witnesses: { receipts: receipts.toReversed() } })
  expect(witnesses.confirmed).toMatchObject([
    { witness: keyPair('laptop').publicKey, seq: 2, time: START + 1 }
  ])
  expect(witnesses.behind).toMatchObject([{ witness: keyPair('phone').publicKey, seq: 1 }])
  expect([witnesses.ahead, witnesses.contrary, witnesses.refused]).toEqual([[], [], []])
})

test('a witness that says two things of one event confirms neither, and the same thing twice once', () => {
  const { chain, states } = history()
  const trusted = chain.state.identity
  const branch = Sigchain.open(chain.events.slice(0, 2), { trusted }, { now: manualTime() })
  addDevice(branch, 'thief’s device')
  const [, , last] = states as [Sigchain['state'], Sigchain['state'], Sigchain['state']]
  const laptop = keyPair('laptop')
  const receipts = [
    createReceipt(last, laptop, START),
    createReceipt(branch.state, laptop, START),
    createReceipt(last, laptop, START + 1)
  ]
  const { witnesses } = verify(chain.toBytes(), { trusted, witnesses: { receipts } })
  expect([witnesses.confirmed.length, witnesses.contrary.length]).toEqual([0, 2])
  const asked = { receipts, keys: publicKeys('laptop'), need: 1 }
  expect(codeOf(() => verify(chain.toBytes(), { trusted, witnesses: asked }))).toBe(
    'KEY_ROTATION_NOT_WITNESSED'
  )
  const twice = verify(chain.toBytes(), {
    trusted,
    witnesses: { receipts: [receipts[0], receipts[2]] as Uint8Array[] }
  })
  expect(twice.witnesses.confirmed.length).toBe(1)
})

test('revoked and expired devices are no witnesses, and whoever is named is', () => {
  const now = manualTime()
  const chain = ada(now)
  addDevice(chain, 'laptop', 'writer', keyPairs('control 0'), START + DAY)
  addDevice(chain, 'phone')
  chain.revokeDevice(keyPair('phone').publicKey, { reason: 'lost' }, keyPairs('control 0'))
  const trusted = chain.state.identity
  const receipts = ['laptop', 'phone', 'a friend'].map((name) =>
    createReceipt(chain.state, keyPair(name), START)
  )
  const confirmed = (options: { now?: number; keys?: Uint8Array[] }): number => {
    const { now: at, ...witnesses } = options
    const asked = { trusted, witnesses: { receipts, ...witnesses }, ...(at !== undefined && { now: at }) }
    return verify(chain.toBytes(), asked).witnesses.confirmed.length
  }
  expect([confirmed({}), confirmed({ now: START }), confirmed({ now: START + DAY })]).toEqual([1, 1, 0])
  expect(confirmed({ keys: publicKeys('a friend', 'phone') })).toBe(2)
})
