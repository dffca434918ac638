import crypto from 'hypercore-crypto'
import { describe, expect, test } from 'vitest'
import {
  apply,
  type Change,
  createReceipt,
  propose,
  readReceipt,
  requestToJoin,
  sealProposal,
  Sigchain,
  type SignerClass,
  signProposal,
  verify
} from '../src/index.ts'
import { type Purpose, sign } from '../src/crypto/crypto.ts'
import { encodeTerms } from '../src/format/event.ts'
import {
  ada,
  addDevice,
  bytesOf,
  codeOf,
  DAY,
  keyPair,
  keyPairs,
  keysOf,
  manualTime,
  publicKeys,
  START
} from './people.ts'

/** What `apply` says of a change with signatures by these keys, wherever they have a place. */
function codeOfChange(
  chain: Sigchain,
  change: Change,
  signers: readonly string[],
  admin: Uint8Array | null = null
): string | null {
  const proposal = propose(chain.state, change, chain.state.time, admin)
  const event = sealProposal(
    proposal,
    signers.flatMap((name) => signProposal(proposal, keyPair(name)))
  )
  return codeOf(() => apply(chain.state, event))
}

/** The same, with one signature that claims to be that of another key. */
function codeOfForged(
  chain: Sigchain,
  change: Change,
  signer: SignerClass,
  name: string,
  purpose: Purpose = 'signature'
): string | null {
  const proposal = propose(chain.state, change, chain.state.time)
  const signature = sign(purpose, proposal.hash, keyPair(name))
  return codeOf(() => apply(chain.state, sealProposal(proposal, [{ signer, index: 0, signature }])))
}

const joining = (chain: Sigchain, name: string): Change => ({
  ...requestToJoin(chain.state.identity, keyPair(name), { name, role: 'reader' }),
  kind: 'addDevice'
})

describe('a thief with the current key', () => {
  test('cannot rotate: the keys that come next were committed to', () => {
    const chain = ada()
    expect(codeOf(() => chain.rotate(keysOf('thief', 'thief 2'), keyPairs('control 0', 'thief')))).toBe(
      'KEY_ROTATION_NOT_COMMITTED'
    )
    expect(codeOf(() => chain.rotate(keysOf('control 1', 'thief 2'), keyPairs('control 0')))).toBe(
      'KEY_ROTATION_NOT_ENOUGH_SIGNATURES'
    )
  })

  test('loses it at the next rotation, which needs nothing of it', () => {
    const chain = ada()
    addDevice(chain, 'thief’s device', 'admin')
    chain.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
    const revoke = { reason: 'compromised' } as const
    chain.revokeDevice(keyPair('thief’s device').publicKey, revoke, keyPairs('control 1'))
    const again = requestToJoin(chain.state.identity, keyPair('another'), { name: 'another', role: 'admin' })
    const { publicKey } = keyPair('thief’s device')
    expect(codeOfChange(chain, { ...again, kind: 'addDevice' }, ['thief’s device'], publicKey)).toBe(
      'KEY_ROTATION_DEVICE_REVOKED'
    )
    expect(codeOfForged(chain, joining(chain, 'another'), 'control', 'control 0')).toBe(
      'KEY_ROTATION_BAD_SIGNATURE'
    )
  })

  test('vetoes a recovery, and is overridden by the quorum with the pre-rotated key', () => {
    const now = manualTime()
    const chain = ada(now)
    chain.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'friend 1', 'new'))
    const vetoed = chain.state.hash
    chain.vetoRecovery(keyPairs('control 0'))
    now.at += 30 * DAY
    const recover = { kind: 'recover', announcement: vetoed } as const
    expect(codeOfForged(chain, recover, 'incoming', 'new')).toBe('KEY_ROTATION_NO_RECOVERY')
    chain.announceRecovery(
      { ...keysOf('new', 'new next'), revealed: { keys: publicKeys('control 1') } },
      keyPairs('friend 0', 'friend 1', 'new', 'control 1')
    )
    expect(codeOf(() => chain.vetoRecovery(keyPairs('control 0')))).toBe('KEY_ROTATION_RECOVERY_FINAL')
    chain.recover(keyPairs('new'))
    expect(chain.state.control.keys).toEqual(publicKeys('new'))
  })

  test('cannot stop all that follows by stating a time that is still to come', () => {
    const now = manualTime()
    const chain = ada(now)
    now.at = START + 400 * DAY
    addDevice(chain, 'thief’s device', 'reader')
    const trusted = chain.state.identity
    expect(codeOf(() => verify(chain.toBytes(), { trusted, now: START + 2 * DAY }))).toBe(
      'KEY_ROTATION_BAD_TIME'
    )
    expect(verify(chain.toBytes(), { trusted, now: START + 399.5 * DAY }).asOf.seq).toBe(1)
  })
})

describe('a thief with old and current keys', () => {
  test('cannot go back to the old keys, nor rotate without the next', () => {
    const chain = ada()
    chain.rotate(keysOf('control 1', 'control 2'), keyPairs('control 0', 'control 1'))
    const change = {
      kind: 'rotate',
      control: { threshold: 1, keys: publicKeys('control 0') },
      next: chain.state.next,
      recovery: null
    } as const
    expect(codeOfChange(chain, change, ['control 0', 'control 1'])).toBe('KEY_ROTATION_NOT_COMMITTED')
  })

  test('with the next ones, too, cannot take the quorum away from its owner', () => {
    const chain = ada()
    const recovery = { quorum: { threshold: 1, keys: publicKeys('thief’s friend') }, delayMs: 0 }
    const keys = keysOf('control 1', 'control 2')
    expect(codeOf(() => chain.rotate({ ...keys, recovery }, keyPairs('control 0', 'control 1')))).toBe(
      'KEY_ROTATION_NOT_ENOUGH_SIGNATURES'
    )
    chain.rotate({ ...keys, recovery }, keyPairs('control 0', 'control 1', 'friend 0', 'friend 1'))
    expect(chain.state.recovery).toEqual(recovery)
  })
})

test('a stale verifier cannot know, and is told by a witness', () => {
  const chain = ada()
  const laptop = addDevice(chain, 'laptop')
  const old = chain.toBytes()
  addDevice(chain, 'phone')
  const trusted = chain.state.identity
  const { asOf, witnesses } = verify(old, { trusted })
  expect([asOf.seq, witnesses.ahead.length]).toEqual([1, 0])
  const receipts = [createReceipt(chain.state, keyPair('laptop'), START)]
  const told = verify(old, { trusted, witnesses: { receipts } })
  expect(told.witnesses.ahead).toMatchObject([{ witness: laptop, seq: 2 }])
  expect(codeOf(() => verify(old, { trusted, witnesses: { receipts, need: 1 } }))).toBe(
    'KEY_ROTATION_NOT_WITNESSED'
  )
  // Who has seen more keeps it, and refuses less.
  expect(codeOf(() => verify(old, { trusted: chain.state }))).toBe('KEY_ROTATION_ROLLBACK')
})

test('a chain that is forked for two followers is seen when either meets the other’s pin, or its receipt', () => {
  const chain = ada()
  const branch = Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: () => START })
  addDevice(chain, 'laptop')
  addDevice(branch, 'thief’s device')
  expect(codeOf(() => verify(branch.toBytes(), { trusted: chain.state }))).toBe('KEY_ROTATION_FORKED')
  expect(codeOf(() => verify(chain.toBytes(), { trusted: branch.state }))).toBe('KEY_ROTATION_FORKED')
  const receipts = [createReceipt(branch.state, keyPair('witness'), START)]
  const { witnesses } = verify(chain.toBytes(), {
    trusted: chain.state.identity,
    witnesses: { receipts, keys: publicKeys('witness') }
  })
  expect(witnesses.contrary).toMatchObject([{ seq: 1, hash: branch.state.hash }])
})

test('a replayed recovery is refused: its keys have counted, and its announcement waits no more', () => {
  const now = manualTime()
  const chain = ada(now)
  const announced = chain.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'friend 1', 'new'))
  const announcement = chain.state.hash
  now.at += 7 * DAY
  const recovered = chain.recover(keyPairs('new'))
  for (const event of [announced, recovered])
    expect(codeOf(() => chain.append(event))).toBe('KEY_ROTATION_OUT_OF_ORDER')
  expect(codeOfForged(chain, { kind: 'recover', announcement }, 'incoming', 'new')).toBe(
    'KEY_ROTATION_NO_RECOVERY'
  )
  expect(
    codeOf(() => chain.announceRecovery(keysOf('new', 'x'), keyPairs('friend 0', 'friend 1', 'new')))
  ).toBe('KEY_ROTATION_KEY_REUSED')
})

test('a recovery is not completed before its time, by one friend alone, or by one friend twice', () => {
  const now = manualTime()
  const chain = ada(now)
  const keys = keysOf('new', 'new next')
  expect(codeOf(() => chain.announceRecovery(keys, keyPairs('friend 0', 'new')))).toBe(
    'KEY_ROTATION_NOT_ENOUGH_SIGNATURES'
  )
  expect(codeOf(() => chain.announceRecovery(keys, keyPairs('friend 0', 'friend 0', 'new')))).toBe(
    'KEY_ROTATION_NOT_ENOUGH_SIGNATURES'
  )
  chain.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new'))
  now.at += 7 * DAY - 1
  expect(codeOf(() => chain.recover(keyPairs('new')))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  now.at += 1
  expect(codeOf(() => chain.recover(keyPairs('new')))).toBe(null)
})

describe('thresholds count distinct keys', () => {
  const two = { threshold: 2, keys: publicKeys('a', 'b') }
  const start = (control: { threshold: number; keys: Uint8Array[] }, signers: string[]): string | null =>
    codeOf(() => Sigchain.incept({ control, next: { keys: publicKeys('c') }, signers: keyPairs(...signers) }))

  test('one key does not sign twice', () => {
    expect(start(two, ['a'])).toBe('KEY_ROTATION_NOT_ENOUGH_SIGNATURES')
    expect(start(two, ['a', 'a'])).toBe('KEY_ROTATION_NOT_ENOUGH_SIGNATURES')
    expect(start(two, ['a', 'b'])).toBe(null)
    const chain = Sigchain.incept({
      control: two,
      next: { keys: publicKeys('c') },
      signers: keyPairs('a', 'b')
    })
    const proposal = propose(chain.state, joining(chain, 'phone'), chain.state.time)
    const [one] = signProposal(proposal, keyPair('a'))
    const bytes = one?.signature ?? bytesOf(0)
    const list = (...indexes: number[]): Uint8Array =>
      Buffer.concat([
        proposal.body,
        Uint8Array.of(2),
        ...indexes.flatMap((i) => [Uint8Array.of(1, i), bytes])
      ])
    expect(codeOf(() => apply(chain.state, list(0, 0)))).toBe('KEY_ROTATION_NOT_CANONICAL')
    expect(codeOf(() => apply(chain.state, list(0, 1)))).toBe('KEY_ROTATION_BAD_SIGNATURE')
    expect(codeOf(() => apply(chain.state, list(0, 2)))).toBe('KEY_ROTATION_UNEXPECTED_SIGNER')
  })

  test('one key is not listed twice', () => {
    expect(start({ threshold: 2, keys: publicKeys('a', 'a') }, ['a'])).toBe('KEY_ROTATION_DUPLICATE_KEY')
  })
})

describe('a device that attests another without the right', () => {
  test.each(['reader', 'writer'] as const)('a %s lets nobody in', (role) => {
    const chain = ada()
    addDevice(chain, 'phone', role)
    expect(codeOf(() => addDevice(chain, 'friend’s phone', 'reader', keyPairs('phone')))).toBe(
      'KEY_ROTATION_NO_RIGHT'
    )
  })

  test('an admin makes no admin, and revokes none but itself', () => {
    const chain = ada()
    const laptop = addDevice(chain, 'laptop', 'admin')
    const tablet = addDevice(chain, 'tablet', 'admin')
    expect(codeOf(() => addDevice(chain, 'thief', 'admin', keyPairs('laptop')))).toBe('KEY_ROTATION_NO_RIGHT')
    const lost = { reason: 'lost' } as const
    expect(codeOf(() => chain.revokeDevice(tablet, lost, keyPairs('laptop')))).toBe('KEY_ROTATION_NO_RIGHT')
    expect(codeOf(() => chain.revokeDevice(laptop, lost, keyPairs('laptop')))).toBe(null)
  })

  test('nor once it has expired', () => {
    const now = manualTime()
    const chain = ada(now)
    addDevice(chain, 'laptop', 'admin', keyPairs('control 0'), START + DAY)
    now.at += DAY
    expect(codeOf(() => addDevice(chain, 'phone', 'reader', keyPairs('laptop')))).toBe(
      'KEY_ROTATION_DEVICE_EXPIRED'
    )
  })

  test('nor with a device that did not agree, or agreed to other terms', () => {
    const chain = ada()
    const { identity } = chain.state
    const terms = requestToJoin(identity, keyPair('phone'), { name: 'phone', role: 'reader' })
    const elsewhere = requestToJoin(bytesOf(1), keyPair('phone'), { name: 'phone', role: 'reader' })
    for (const request of [{ ...terms, role: 'writer' as const }, { ...terms, name: 'another' }, elsewhere])
      expect(codeOf(() => chain.addDevice(request, keyPairs('control 0')))).toBe(
        'KEY_ROTATION_BAD_POSSESSION'
      )
    expect(codeOf(() => chain.addDevice(terms, keyPairs('control 0')))).toBe(null)
  })
})

test('an empty chain proves nothing', () => {
  const trusted = ada().state.identity
  expect(codeOf(() => verify([], { trusted }))).toBe('KEY_ROTATION_EMPTY')
  expect(codeOf(() => verify(Uint8Array.of(1, 0), { trusted }))).toBe('KEY_ROTATION_EMPTY')
})

test('an unknown option is refused, not ignored, and so is none at all', () => {
  const chain = ada()
  const trusted = chain.state.identity
  const given = (options: object): string | null => codeOf(() => verify(chain.toBytes(), options as never))
  for (const options of [
    { trusted, witness: {} },
    {},
    { trusted: undefined },
    { identity: trusted },
    { trusted, witnesses: { keys: [], reciepts: [] } }
  ])
    expect(given(options)).toBe('KEY_ROTATION_BAD_ARGUMENT')
  expect(codeOf(() => verify(chain.toBytes(), undefined as never))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  expect(given({ trusted })).toBe(null)
})

describe('a signature for one purpose is none for another', () => {
  test.each(['event', 'next', 'possession', 'receipt', 'connection'] as const)('%s', (purpose) => {
    const chain = ada()
    expect(codeOfForged(chain, joining(chain, 'phone'), 'control', 'control 0', purpose)).toBe(
      'KEY_ROTATION_BAD_SIGNATURE'
    )
    expect(codeOfForged(chain, joining(chain, 'phone'), 'control', 'control 0')).toBe(null)
  })

  test('nor is that of a Hypercore’s tree, or of an event as proof of possession or receipt', () => {
    const chain = ada()
    const pair = keyPair('control 0')
    const change = joining(chain, 'phone')
    const proposal = propose(chain.state, change, START)
    const ofTree = crypto.sign(proposal.hash, pair.secretKey)
    const event = sealProposal(proposal, [{ signer: 'control', index: 0, signature: ofTree }])
    expect(codeOf(() => apply(chain.state, event))).toBe('KEY_ROTATION_BAD_SIGNATURE')
    const phone = keyPair('phone')
    const { possession: _, ...terms } = requestToJoin(chain.state.identity, phone, {
      name: 'phone',
      role: 'reader'
    })
    const signed = sign('signature', encodeTerms({ identity: chain.state.identity, ...terms }), phone)
    expect(codeOf(() => chain.addDevice({ ...terms, possession: signed }, [pair]))).toBe(
      'KEY_ROTATION_BAD_POSSESSION'
    )
    const receipt = createReceipt(chain.state, pair, START)
    const body = receipt.subarray(0, -64)
    const forged = Buffer.concat([body, sign('signature', body, pair)])
    expect([codeOf(() => readReceipt(receipt)), codeOf(() => readReceipt(forged))]).toEqual([
      null,
      'KEY_ROTATION_BAD_SIGNATURE'
    ])
  })
})
