import { expect, test } from 'vitest'
import {
  deviceOf,
  propose,
  requestToJoin,
  sealProposal,
  Sigchain,
  signProposal,
  verify
} from '../src/index.ts'
import {
  ada,
  addDevice,
  bytesOf,
  codeOf,
  DAY,
  keyPair,
  keyPairs,
  manualTime,
  publicKeys,
  START
} from './people.ts'

test('an identity from its inception through devices, rotation, revocation and recovery, and anybody can check it', () => {
  const now = manualTime()
  const chain = ada(now)
  const laptop = addDevice(chain, 'laptop', 'admin')
  const phone = addDevice(chain, 'phone', 'writer', keyPairs('laptop'))
  now.at += DAY
  chain.rollCore(
    { device: phone, rolls: [{ name: 'notes', core: bytesOf(1), previous: null }] },
    keyPairs('laptop', 'phone')
  )
  const cutOff = { core: bytesOf(1), fork: 0, length: 12, treeHash: bytesOf(2) }
  chain.revokeDevice(phone, { reason: 'lost', cutOffs: [cutOff] }, keyPairs('laptop'))
  chain.rollCore(
    { device: laptop, rolls: [{ name: 'notes', core: bytesOf(3), previous: cutOff }] },
    keyPairs('control 0')
  )
  chain.rotate(
    { control: { keys: publicKeys('control 1') }, next: { keys: publicKeys('control 2') } },
    keyPairs('control 0', 'control 1')
  )
  chain.announceRecovery(
    { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } },
    keyPairs('friend 0', 'friend 2', 'new control')
  )
  now.at += 7 * DAY
  chain.recover(keyPairs('new control'))

  const { state, asOf } = verify(chain.toBytes(), { trusted: chain.state.identity, now: now() })
  expect(state).toEqual(chain.state)
  expect(asOf).toEqual({ seq: 8, hash: state.hash, time: START + 8 * DAY })
  expect(state.control.keys).toEqual(publicKeys('new control'))
  expect(state.devices.map(({ name, role, revoked }) => [name, role, revoked?.reason])).toEqual([
    ['laptop', 'admin', undefined],
    ['phone', 'writer', 'lost']
  ])
  expect(deviceOf(state, phone)?.revoked?.cutOffs).toEqual([cutOff])
  expect(state.cores.get('notes')?.map(({ core }) => core)).toEqual([bytesOf(1), bytesOf(3)])
})

test('an event of one signature has less than 400 bytes', () => {
  const chain = ada()
  addDevice(chain, 'a laptop with a long name', 'admin')
  const phone = addDevice(chain, 'phone')
  chain.rollCore(
    { device: phone, rolls: [{ name: 'notes', core: bytesOf(1), previous: null }] },
    keyPairs('control 0')
  )
  const cutOff = { core: bytesOf(1), fork: 0, length: 100_000, treeHash: bytesOf(2) }
  chain.revokeDevice(phone, { reason: 'lost', cutOffs: [cutOff] }, keyPairs('control 0'))
  chain.rollCore({ rolls: [{ name: 'notes', core: bytesOf(3), previous: cutOff }] }, keyPairs('control 0'))
  chain.rotate(
    { control: { keys: publicKeys('control 1') }, next: { keys: publicKeys('control 2') } },
    keyPairs('control 0', 'control 1')
  )
  expect(chain.events.filter(({ length }) => length >= 400)).toEqual([])
})

test('a chain goes on from its bytes, with whoever has the keys', () => {
  const chain = ada()
  addDevice(chain, 'laptop', 'admin')
  const again = Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: () => START })
  addDevice(again, 'phone', 'writer', keyPairs('laptop'))
  chain.append(again.events.at(-1) as Uint8Array)
  expect(chain.state).toEqual(again.state)
  expect(deviceOf(chain.state, keyPair('phone').publicKey)?.name).toBe('phone')
})

test('an event is signed in several places, in any order, by whoever has the keys there', () => {
  const now = manualTime()
  const control = { keys: publicKeys('a', 'b', 'c'), threshold: 2 }
  const chain = Sigchain.incept(
    { control, next: { keys: publicKeys('d') }, signers: keyPairs('c', 'a') },
    { now }
  )
  const request = requestToJoin(chain.state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(chain.state, { ...request, kind: 'addDevice' }, START)
  const [one, two] = keyPairs('c', 'b').map((pair) => signProposal(proposal, pair))
  const few = sealProposal(proposal, one ?? [])
  expect(codeOf(() => chain.append(few))).toBe('KEY_ROTATION_NOT_ENOUGH_SIGNATURES')
  chain.append(sealProposal(proposal, [...(one ?? []), ...(two ?? []), ...(one ?? [])]))
  expect(chain.state.devices.map(({ name }) => name)).toEqual(['phone'])
  expect(codeOf(() => signProposal(proposal, keyPair('a stranger')))).toBe('KEY_ROTATION_BAD_ARGUMENT')
})

test('key pairs sign in any order, also where an admin and a writer do, or two admins', () => {
  const chain = ada()
  addDevice(chain, 'guest', 'reader')
  for (const name of ['laptop', 'desktop']) addDevice(chain, name, 'admin')
  const phone = addDevice(chain, 'phone')
  const orders = [
    ['phone', 'laptop'],
    ['laptop', 'phone'],
    ['desktop', 'laptop'],
    ['laptop', 'desktop']
  ]
  for (const [i, signers] of orders.entries()) {
    const device = i < 2 ? phone : keyPair('desktop').publicKey
    const rolls = [{ name: `notes ${i}`, core: bytesOf(i + 1), previous: null }]
    expect(codeOf(() => chain.rollCore({ device, rolls }, keyPairs(...signers)))).toBe(null)
    expect(chain.state.cores.get(`notes ${i}`)?.[0]?.by).toBe(1)
  }
  expect(codeOf(() => addDevice(chain, 'by a guest', 'reader', keyPairs('guest')))).toBe(
    'KEY_ROTATION_NO_RIGHT'
  )
})

test('an expiry of 0, as events have it for never, is no expiry', () => {
  const { identity } = ada().state
  const code = codeOf(() => requestToJoin(identity, keyPair('phone'), { name: 'phone', expires: 0 }))
  expect(code).toBe('KEY_ROTATION_BAD_ARGUMENT')
})
