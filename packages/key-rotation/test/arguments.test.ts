import { describe, expect, test } from 'vitest'
import { CoreFollower, endOf, planRoll } from '../src/cores/index.ts'
import {
  BlockJudge,
  propose,
  requestToJoin,
  sealProposal,
  Sigchain,
  signProposal,
  verify
} from '../src/index.ts'
import { ada, addDevice, bytesOf, codeOf, DAY, keyPair, keyPairs, publicKeys, START } from './people.ts'

test('next keys that can never be rotated to are refused when they are committed to', () => {
  const { publicKey } = keyPair('control')
  const incept = (): unknown =>
    Sigchain.incept({
      control: { keys: [publicKey] },
      next: { keys: [publicKey] },
      signers: keyPairs('control')
    })
  expect(codeOf(incept)).toBe('KEY_ROTATION_KEY_REUSED')
})

test('a threshold of 257 is none, and not one of 1', () => {
  const incept = (): unknown =>
    Sigchain.incept({
      control: { keys: publicKeys('a', 'b'), threshold: 257 },
      next: { keys: publicKeys('c') },
      signers: keyPairs('a')
    })
  expect(codeOf(incept)).not.toBe(null)
})

describe('an unknown option is refused, not ignored', () => {
  const chain = ada()
  const { identity } = chain.state
  const phone = addDevice(chain, 'phone')
  const control = keyPairs('control 0')
  const given: Record<string, () => unknown> = {
    'requestToJoin, whose device then never expires': () =>
      requestToJoin(identity, keyPair('guest'), { name: 'guest', expire: START + DAY } as never),
    'incept, whose identity then has no recovery': () =>
      Sigchain.incept({
        control: { keys: publicKeys('a') },
        next: { keys: publicKeys('b') },
        signers: keyPairs('a'),
        recover: { quorum: { threshold: 1, keys: publicKeys('c') }, delayMs: DAY }
      } as never),
    'key sets, which then need all their keys': () =>
      Sigchain.incept({
        control: { keys: publicKeys('a') },
        next: { keys: publicKeys('b', 'c'), treshold: 1 } as never,
        signers: keyPairs('a')
      }),
    'revokeDevice, which then cuts nothing off': () =>
      Sigchain.open(chain.toBytes(), { trusted: identity }).revokeDevice(
        phone,
        { reason: 'lost', cutoffs: [] } as never,
        control
      ),
    'planRoll, which then has another quorum': () =>
      planRoll({ core: bytesOf(1), fork: 0, length: 1, treeHash: bytesOf(2) }, {
        signers: publicKeys('a', 'b'),
        threshold: 2
      } as never),
    'CoreFollower, which then reads ciphertext': () =>
      new CoreFollower({ get: () => ({}) }, 'notes', { encryptionkey: bytesOf(1) } as never),
    'a pin, which then pins nothing': () =>
      verify(chain.toBytes(), { trusted: { identity, sequence: 9, digest: bytesOf(1) } as never })
  }
  test.each(Object.keys(given))('%s', (name) => {
    expect(codeOf(given[name] as () => unknown)).toBe('KEY_ROTATION_BAD_ARGUMENT')
  })
})

test('a name of a wrong type is a bad argument', () => {
  const { identity } = ada().state
  expect(codeOf(() => requestToJoin(identity, keyPair('phone'), {} as never))).toBe(
    'KEY_ROTATION_BAD_ARGUMENT'
  )
})

test('a chain that has a clock refuses an event of a time that is still to come, as memories do', () => {
  const chain = ada()
  const request = requestToJoin(chain.state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(chain.state, { ...request, kind: 'addDevice' }, START + 400 * DAY)
  const event = sealProposal(proposal, signProposal(proposal, keyPair('control 0')))
  expect(codeOf(() => chain.append(event))).toBe('KEY_ROTATION_BAD_TIME')
})

test('keys that are to come are not let in as devices meanwhile', () => {
  const chain = ada()
  const next = requestToJoin(chain.state.identity, keyPair('control 1'), { name: 'phone' })
  expect(codeOf(() => chain.addDevice(next, keyPairs('control 0')))).toBe('KEY_ROTATION_KEY_REUSED')
  const keys = { control: { keys: publicKeys('new') }, next: { keys: publicKeys('new next') } }
  chain.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new'))
  for (const name of ['new', 'new next']) {
    const request = requestToJoin(chain.state.identity, keyPair(name), { name })
    expect(codeOf(() => chain.addDevice(request, keyPairs('control 0')))).toBe('KEY_ROTATION_KEY_REUSED')
  }
})

test('what is no end, no state and no core is refused with a code, by cores, too', async () => {
  const end = { core: bytesOf(1), fork: 0, length: 1, treeHash: bytesOf(2) }
  const signers = publicKeys('a')
  const wrong: unknown[] = [undefined, {}, { ...end, treeHash: bytesOf(2).subarray(1) }, { ...end, fork: -1 }]
  for (const each of wrong)
    expect(codeOf(() => planRoll(each as never, { signers }))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  for (const state of [undefined, null, {}] as never[]) {
    expect(codeOf(() => new BlockJudge(state))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(codeOf(() => new BlockJudge(ada().state).update(state))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    const follower = new CoreFollower({ get: () => ({}) }, 'notes')
    await expect(follower.update(state)).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_ARGUMENT' })
  }
  await expect(endOf(null as never)).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_ARGUMENT' })
})
