import b4a from 'b4a'
import { expect, test, vi } from 'vitest'
import {
  apply,
  type Change,
  type IdentityState,
  propose,
  requestToJoin,
  sealProposal,
  signProposal,
  verify
} from '../src/index.ts'
import { takeIn } from '../src/memory/recovery-watch.ts'
import { ada, addDevice, bytesOf, codeOf, keyPair, keyPairs, publicKeys, START } from './people.ts'

test('one who applies event by event refuses what one who verifies the whole refuses: event 65,536', () => {
  const chain = ada()
  const state = { ...chain.state, seq: 65_535 }
  const request = requestToJoin(state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(state, { ...request, kind: 'addDevice' }, START)
  const event = sealProposal(proposal, signProposal(proposal, keyPair('control 0')))
  expect(codeOf(() => apply(state, event))).toBe('KEY_ROTATION_TOO_LARGE')
})

test('who has filled a chain has not ended it: the identity’s own keys have room left', () => {
  const chain = ada()
  addDevice(chain, 'stolen', 'admin')
  const { state } = chain
  const full = { ...state, seq: 65_535 }
  const change = {
    kind: 'rotate',
    control: { threshold: 1, keys: publicKeys('control 1') },
    next: { threshold: 1, keys: [bytesOf(1)] },
    recovery: null
  } as const
  const proposal = propose(full, change, START)
  const event = sealProposal(proposal, signProposal(proposal, keyPair('control 1')))
  const taken = codeOf(() => takeIn({ state: full, sightings: [] }, [event], START))
  expect(taken).toBe(null)
})

test('admins have half the room; of the keys’ own events those that bring an identity back have the last of it', () => {
  const chain = ada()
  const stolen = addDevice(chain, 'stolen', 'admin')
  const at = (seq: number): IdentityState => ({ ...chain.state, seq: seq - 1 })
  const request = requestToJoin(chain.state.identity, keyPair('phone'), { name: 'phone' })
  const add: Change = { ...request, kind: 'addDevice' }
  const revoke: Change = { kind: 'revokeDevice', device: stolen, reason: 'lost', cutOffs: [] }
  const rotate: Change = {
    kind: 'rotate',
    control: { threshold: 1, keys: publicKeys('control 1') },
    next: { threshold: 1, keys: [bytesOf(1)] },
    recovery: null
  }
  const code = (
    change: Change,
    seq: number,
    signer: string,
    admin: Uint8Array | null = null
  ): string | null => {
    const proposal = propose(at(seq), change, START, admin)
    return codeOf(() => apply(at(seq), sealProposal(proposal, signProposal(proposal, keyPair(signer)))))
  }
  const full = 'KEY_ROTATION_TOO_LARGE'
  expect([code(add, 32_767, 'stolen', stolen), code(add, 32_768, 'stolen', stolen)]).toEqual([null, full])
  expect([code(add, 65_535, 'control 0'), code(add, 65_536, 'control 0')]).toEqual([null, full])
  expect([code(revoke, 67_583, 'control 0'), code(revoke, 67_584, 'control 0')]).toEqual([null, full])
  expect([code(rotate, 69_631, 'control 1'), code(rotate, 69_632, 'control 1')]).toEqual([null, full])
})

test('the work for an event does not grow with all that came before', () => {
  const calls = (size: number): number => {
    const chain = ada()
    const owner = addDevice(chain, 'owner')
    for (let i = 0; i < size; i++) addDevice(chain, `guest ${i}`, 'reader')
    for (let i = 0; i < size; i++) {
      const core = Buffer.alloc(32)
      core.writeUInt32LE(i + 1)
      chain.rollCore(
        { device: owner, rolls: [{ name: `core ${i}`, core, previous: null }] },
        keyPairs('control 0')
      )
    }
    for (let i = 0; i < size; i++)
      chain.revokeDevice(keyPair(`guest ${i}`).publicKey, { reason: 'lost' }, keyPairs('control 0'))
    const bytes = chain.toBytes()
    const spy = vi.spyOn(b4a, 'equals')
    try {
      verify(bytes, { trusted: chain.state.identity })
      return spy.mock.calls.length
    } finally {
      spy.mockRestore()
    }
  }
  // A chain of twice the length: of 65,536 events it would be hours.
  expect(calls(80) / calls(40)).toBeLessThan(2.5)
})
