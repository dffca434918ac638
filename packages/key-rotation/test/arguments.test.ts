import { describe, expect, test } from 'vitest'
import { CoreFollower, endOf, planRoll } from '../src/cores/index.ts'
import {
  apply,
  BlockJudge,
  createReceipt,
  encodeChain,
  IdentityMemory,
  propose,
  requestToJoin,
  resolve,
  sealProposal,
  Sigchain,
  signProposal,
  verify
} from '../src/index.ts'
import { codeOfAsync, ram } from './parties.ts'
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
    'addDevice, whose device then never expires': () => {
      const request = requestToJoin(identity, keyPair('guest'), { name: 'guest' })
      return chain.addDevice({ ...request, expire: START + DAY } as never, control)
    },
    'propose, whose device then never expires': () => {
      const request = requestToJoin(identity, keyPair('guest'), { name: 'guest' })
      return propose(chain.state, { ...request, kind: 'addDevice', expire: START + DAY } as never, START)
    },
    'propose, whose key sets then have other thresholds': () => {
      const sets = { control: { keys: [], threshold: 1, treshold: 2 }, next: { keys: [], threshold: 1 } }
      return propose(chain.state, { kind: 'rotate', recovery: null, ...sets } as never, START)
    },
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

describe('what is of a wrong type is refused with a code', () => {
  const chain = ada()
  const { identity } = chain.state
  const phone = addDevice(chain, 'phone')
  addDevice(chain, 'laptop', 'admin')
  const control = keyPairs('control 0')
  const core = bytesOf(1)
  chain.rollCore({ device: phone, rolls: [{ name: 'notes', core, previous: null }] }, control)
  const cutOffs = [{ core, fork: 0, length: 3, treeHash: bytesOf(3) }]
  chain.revokeDevice(phone, { reason: 'lost', cutOffs }, control)
  const { state } = chain
  const request = requestToJoin(identity, keyPair('guest'), { name: 'guest' })
  const strange: unknown[] = [undefined, null, 'x', 5, Symbol('x'), [], {}, bytesOf(1, 31)]

  test('in each field of a request to join, and in the terms before', () => {
    const refused = (field: string, value: unknown): unknown =>
      codeOf(() => chain.addDevice({ ...request, [field]: value }, control))
    for (const field of Object.keys(request))
      for (const value of strange) {
        // A text is a name, of another request than the one that was signed; and a number is a time, which has passed.
        const isName = field === 'name' && value === 'x'
        const isTime = field === 'expires' && value === 5
        const right = isName ? 'BAD_POSSESSION' : isTime ? 'BAD_TIME' : 'BAD_ARGUMENT'
        const code = `KEY_ROTATION_${right}`
        expect([field, value, refused(field, value)]).toEqual([field, value, code])
      }
    for (const value of strange.filter((each) => each !== undefined))
      expect([
        value,
        codeOf(() => requestToJoin(identity, keyPair('guest'), { name: 'guest', role: value } as never))
      ]).toEqual([value, 'KEY_ROTATION_BAD_ARGUMENT'])
    for (const value of [undefined, null, 'x', 5])
      expect(codeOf(() => chain.addDevice(value as never, control))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  })

  const proposal = propose(state, { ...request, kind: 'addDevice' }, START)
  test.each<[string, (value: never) => unknown]>([
    ['the tree hash of a block', (value) => new BlockJudge(state).judge(core, 0, value)],
    ['the device of a roll', (device) => chain.rollCore({ device, rolls: [] }, keyPairs('laptop'))],
    ['the device that is revoked', (device) => chain.revokeDevice(device, { reason: 'lost' }, control)],
    ['the reason of a revocation', (reason) => chain.revokeDevice(phone, { reason }, control)],
    ['the signatures of a proposal', (signature) => sealProposal(proposal, [signature])],
    ['a proposal to sign', (value) => signProposal(value, control[0] as never)],
    ['a proposal to seal', (value) => sealProposal(value, [])],
    ['the state of a receipt', (value) => createReceipt(value, keyPair('laptop'), START)],
    ['the admin of a proposal', (value) => propose(state, { ...request, kind: 'addDevice' }, START, value)]
  ])('as %s', (_, run) => {
    // An absent device, tree hash or admin is none.
    for (const value of strange.slice(2))
      expect([value, codeOf(() => run(value as never))]).toEqual([value, 'KEY_ROTATION_BAD_ARGUMENT'])
  })

  test('as a state, and as a list', () => {
    for (const value of strange.slice(2)) {
      expect(codeOf(() => resolve(value as never, 'notes'))).toBe('KEY_ROTATION_BAD_ARGUMENT')
      expect(codeOf(() => apply(value as never, chain.events[0] as Uint8Array))).toBe(
        'KEY_ROTATION_BAD_ARGUMENT'
      )
    }
    for (const value of [undefined, null, 'x', 5, {}]) {
      expect(codeOf(() => encodeChain([value as never]))).toBe('KEY_ROTATION_BAD_ARGUMENT')
      expect(codeOf(() => encodeChain(value as never))).toBe('KEY_ROTATION_BAD_ARGUMENT')
      expect(codeOf(() => sealProposal(proposal, value as never))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    }
  })

  test('as a clock, and a chain with a hole', async () => {
    const sparse: Uint8Array[] = []
    for (const [i, event] of chain.events.entries()) if (i !== 1) sparse[i] = event
    expect(codeOf(() => verify(sparse, { trusted: identity }))).toBe('KEY_ROTATION_MALFORMED')
    const memory = await IdentityMemory.open(ram(), identity, chain.toBytes())
    expect(await codeOfAsync(memory.receive(sparse))).toBe('KEY_ROTATION_MALFORMED')
    for (const now of [null, 5, 'now', {}] as never[]) {
      expect(codeOf(() => Sigchain.open(chain.toBytes(), { trusted: identity }, { now }))).toBe(
        'KEY_ROTATION_BAD_ARGUMENT'
      )
      expect(await codeOfAsync(IdentityMemory.open(ram(), identity, chain.toBytes(), { now }))).toBe(
        'KEY_ROTATION_BAD_ARGUMENT'
      )
    }
  })
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
