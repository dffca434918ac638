import { expect, test } from 'vitest'
import { createReceipt, Sigchain, verify } from '../src/index.ts'
import {
  ada,
  addDevice,
  codeOf,
  DAY,
  keyPair,
  keyPairs,
  keysOf,
  manualTime,
  publicKeys,
  START
} from './people.ts'

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

test('a witness that says two things at one time confirms neither, and the same thing twice once', () => {
  const { chain, states } = history()
  const trusted = chain.state.identity
  const branch = Sigchain.open(chain.events.slice(0, 2), { trusted }, { now: manualTime() })
  addDevice(branch, 'thief’s device')
  const [, , last] = states as [Sigchain['state'], Sigchain['state'], Sigchain['state']]
  const laptop = keyPair('laptop')
  const receipts = [
    createReceipt(last, laptop, START - 1),
    createReceipt(branch.state, laptop, START),
    createReceipt(last, laptop, START)
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

/** A longer history that counted, and the one that takes its place. */
function superseding(): { before: Sigchain; after: Sigchain } {
  const [before, after] = [history().chain, history().chain]
  for (const name of ['one', 'two', 'three']) addDevice(before, name)
  after.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  return { before, after }
}

test('a witness that goes over to the stronger history has seen its last event, though it is a shorter one', () => {
  const { before, after } = superseding()
  const trusted = after.state.identity
  const said = (...receipts: Uint8Array[]): number[] => {
    const { witnesses } = verify(after.toBytes(), { trusted, witnesses: { receipts } })
    return [
      witnesses.confirmed.length,
      witnesses.behind.length,
      witnesses.ahead.length,
      witnesses.contrary.length
    ]
  }
  const receipt = (state: Sigchain['state'], time: number): Uint8Array =>
    createReceipt(state, keyPair('phone'), START + time)
  const { state: parted } = Sigchain.open(before.events.slice(0, 4), { trusted }, { now: () => START })
  const { state: shared } = Sigchain.open(before.events.slice(0, 3), { trusted }, { now: () => START })
  expect(said(receipt(before.state, 1), receipt(after.state, 2))).toEqual([1, 0, 0, 0])
  expect(said(receipt(after.state, 2), receipt(parted, 1))).toEqual([1, 0, 0, 0])
  // The other way round it is the newest word that counts.
  expect(said(receipt(after.state, 1), receipt(before.state, 2))).toEqual([0, 0, 1, 0])
  expect(said(receipt(after.state, 1), receipt(parted, 2))).toEqual([0, 0, 0, 1])
  // What was seen in the same moment may be an event and the one after it.
  expect(said(receipt(shared, 1), receipt(before.state, 1))).toEqual([0, 0, 1, 0])
  // A clock that went back takes nothing back of one history.
  expect(said(receipt(after.state, 1), receipt(shared, 2))).toEqual([1, 0, 0, 0])
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

test('devices that an admin has let in are no witnesses, unless they are named', () => {
  const chain = ada()
  addDevice(chain, 'laptop', 'admin')
  const puppets = ['one', 'two'].map((name) => addDevice(chain, name, 'reader', keyPairs('laptop')))
  const receipts = keyPairs('one', 'two').map((pair) => createReceipt(chain.state, pair, START))
  const trusted = chain.state.identity
  const given = (keys?: Uint8Array[]): string | null =>
    codeOf(() =>
      verify(chain.toBytes(), { trusted, witnesses: { receipts, need: 2, ...(keys && { keys }) } })
    )
  expect([given(), given(puppets)]).toEqual(['KEY_ROTATION_NOT_WITNESSED', null])
})
