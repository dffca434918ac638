import { tmpStore } from '@cloudpal/test-kit'
import { describe, expect, test } from 'vitest'
import { carryBlocks, CoreFollower, endOf, planRoll, startRoll } from '../src/cores/index.ts'
import {
  apply,
  BlockJudge,
  type CutOff,
  propose,
  sealProposal,
  type Sigchain,
  signProposal
} from '../src/index.ts'
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
import { family } from './parties.ts'
import { filled } from './rolls.ts'

const lost = { reason: 'compromised' } as const
test('a proposal is signed for what it says, not for the hash that came with it', () => {
  const chain = ada()
  const quorum = { control: { threshold: 1, keys: publicKeys('thief') }, revealed: null }
  const next = { threshold: 1, keys: [bytesOf(1)] }
  const evil = propose(chain.state, { kind: 'announceRecovery', ...quorum, next }, START)
  const harmless = propose(
    chain.state,
    { kind: 'announceRecovery', control: { threshold: 1, keys: publicKeys('new') }, next, revealed: null },
    START
  )
  // What a friend is shown, and decodes, is the body; what it signs is the hash beside it.
  const shown = { ...harmless, hash: evil.hash }
  let signatures: ReturnType<typeof signProposal> = []
  const code = codeOf(() => {
    signatures = ['friend 0', 'friend 1'].flatMap((name) => signProposal(shown, keyPair(name)))
  })
  const event = sealProposal(evil, [...signatures, ...signProposal(evil, keyPair('thief'))])
  expect([code, codeOf(() => apply(chain.state, event))]).toEqual([
    'KEY_ROTATION_BAD_ARGUMENT',
    'KEY_ROTATION_NOT_ENOUGH_SIGNATURES'
  ])
})

describe('who may not veto cannot stop a recovery by naming its keys first', () => {
  const take = (chain: Sigchain, signer: string): string | null => {
    const core = chain.state.pending?.control.keys[0] as Uint8Array
    return codeOf(() => chain.rollCore({ rolls: [{ name: 'x', core, previous: null }] }, keyPairs(signer)))
  }

  test('an admin, of any recovery', () => {
    const now = manualTime()
    const chain = ada(now)
    addDevice(chain, 'stolen', 'admin')
    chain.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'friend 1', 'new'))
    take(chain, 'stolen')
    now.at += 7 * DAY
    expect(codeOf(() => chain.recover(keyPairs('new')))).toBe(null)
  })

  test('the present keys, of a final one', () => {
    const chain = ada()
    const keys = { ...keysOf('new', 'new next'), revealed: { keys: publicKeys('control 1') } }
    chain.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new', 'control 1'))
    take(chain, 'control 0')
    expect(codeOf(() => chain.recover(keyPairs('new')))).toBe(null)
  })
})

describe('a device can be revoked, however many cores it has', () => {
  const zero = (core: Uint8Array): CutOff => ({ core, fork: 0, length: 0, treeHash: bytesOf(0) })

  test.each(['control 0', 'stolen'])('49 of them, named by %s', (signer) => {
    const chain = ada()
    const device = addDevice(chain, 'stolen', 'admin')
    const cores = Array.from({ length: 49 }, (_, i) => bytesOf(100 + i))
    for (const [i, core] of cores.entries())
      chain.rollCore({ device, rolls: [{ name: `core ${i}`, core, previous: null }] }, keyPairs(signer))
    const cutOffs = cores.map(zero)
    const all = codeOf(() =>
      chain.revokeDevice(device, { reason: 'compromised', cutOffs }, keyPairs('control 0'))
    )
    const some = codeOf(() =>
      chain.revokeDevice(
        device,
        { reason: 'compromised', cutOffs: cutOffs.slice(0, 48) },
        keyPairs('control 0')
      )
    )
    expect([all, some]).toContain(null)
  })
})

test('an end that a stolen admin has set cannot make a name unusable for ever: the identity’s keys put it right', async () => {
  const store = await tmpStore()
  const notes = await filled(store, 'notes', 10)
  const chain = ada()
  const admin = addDevice(chain, 'stolen', 'admin')
  const first = { name: 'notes', core: notes.key as Uint8Array, previous: null }
  chain.rollCore({ device: admin, rolls: [first] }, keyPairs('control 0'))
  const lie = { ...(await endOf(notes)), treeHash: bytesOf(66) }
  chain.revokeDevice(admin, { reason: 'retired', cutOffs: [lie] }, keyPairs('stolen'))
  const end = await endOf(notes)
  const plan = planRoll(end, { signers: publicKeys('desktop') })
  const next = { name: 'notes', core: plan.core, previous: end }
  expect(codeOf(() => chain.rollCore({ rolls: [next] }, keyPairs('control 0')))).toBe(null)
})

test('an admin cannot end cores that nobody has named yet, so that they never can be', () => {
  const chain = ada()
  addDevice(chain, 'stolen', 'admin')
  const puppet = addDevice(chain, 'puppet', 'reader', keyPairs('stolen'))
  const photos = bytesOf(50)
  codeOf(() =>
    chain.revokeDevice(
      puppet,
      { reason: 'lost', cutOffs: [{ core: photos, fork: 0, length: 0, treeHash: bytesOf(0) }] },
      keyPairs('stolen')
    )
  )
  const rolls = [{ name: 'photos', core: photos, previous: null }]
  expect(codeOf(() => chain.rollCore({ rolls }, keyPairs('control 0')))).toBe(null)
})

test.each([['another device'], ['nobody']])(
  'a core that a stolen admin has named for %s ends with the admin',
  (whose) => {
    const chain = family()
    addDevice(chain, 'stolen', 'admin')
    const notes = bytesOf(60)
    const core = bytesOf(61)
    const phone = keyPair('phone').publicKey
    chain.rollCore(
      { device: phone, rolls: [{ name: 'notes', core: notes, previous: null }] },
      keyPairs('control 0')
    )
    const previous = { core: notes, fork: 0, length: 10, treeHash: bytesOf(62) }
    const device = whose === 'nobody' ? null : keyPair('tablet').publicKey
    // Neither the phone, nor the tablet, nor the identity’s keys have agreed.
    codeOf(() => chain.rollCore({ device, rolls: [{ name: 'notes', core, previous }] }, keyPairs('stolen')))
    chain.revokeDevice(keyPair('stolen').publicKey, lost, keyPairs('control 0'))
    expect(new BlockJudge(chain.state).judge(core, 10)).not.toBe('accepted')
  }
)

test('an admin hands a core to a device that agrees, or to itself, and the state says who did', () => {
  const chain = family()
  const [laptop, phone] = ['laptop', 'phone'].map((name) => keyPair(name).publicKey) as [
    Uint8Array,
    Uint8Array
  ]
  const rolls = [{ name: 'notes', core: bytesOf(60), previous: null }]
  const code = (device: Uint8Array | null, ...signers: string[]): string | null =>
    codeOf(() => chain.rollCore({ device, rolls }, keyPairs(...signers)))
  expect([code(phone, 'laptop'), code(null, 'laptop'), code(laptop, 'laptop', 'phone')]).toEqual([
    'KEY_ROTATION_NOT_ENOUGH_SIGNATURES',
    'KEY_ROTATION_NO_RIGHT',
    'KEY_ROTATION_UNEXPECTED_SIGNER'
  ])
  expect(code(phone, 'laptop', 'phone')).toBe(null)
  expect(chain.state.cores.get('notes')?.[0]).toMatchObject({ device: phone, by: 0 })
  addDevice(chain, 'guest', 'reader', keyPairs('laptop'))
  expect(chain.state.devices.map(({ added }) => added.by)).toEqual([null, null, null, 0])
  chain.revokeDevice(keyPair('guest').publicKey, lost, keyPairs('laptop'))
  expect(chain.state.devices[3]?.revoked?.by).toBe(0)
})

test('an end that the identity’s keys have given stays, and one that an admin gave is theirs to change', () => {
  const chain = family()
  const phone = keyPair('phone').publicKey
  const rolls = [{ name: 'notes', core: bytesOf(60), previous: null }]
  chain.rollCore({ device: phone, rolls }, keyPairs('control 0'))
  const end = (length: number): CutOff => ({ core: bytesOf(60), fork: 0, length, treeHash: bytesOf(1) })
  const revoke = (length: number, signer: string): string | null =>
    codeOf(() => chain.revokeDevice(phone, { ...lost, cutOffs: [end(length)] }, keyPairs(signer)))
  expect(revoke(1, 'laptop')).toBe(null)
  expect([revoke(2, 'laptop'), revoke(1, 'laptop')]).toEqual([
    'KEY_ROTATION_BAD_CUT_OFF',
    'KEY_ROTATION_DEVICE_REVOKED'
  ])
  expect(revoke(3, 'control 0')).toBe(null)
  expect([...chain.state.cutOffs.values()]).toEqual([end(3)])
  expect([revoke(4, 'control 0'), revoke(4, 'laptop')]).toEqual(Array(2).fill('KEY_ROTATION_BAD_CUT_OFF'))
  expect(chain.state.devices[1]?.revoked?.cutOffs).toEqual([end(1), end(3)])
})

test('a new quorum ends the recovery of the old one that waits, and not one that the keys in the drawer stand behind', () => {
  const recovery = { quorum: { threshold: 1, keys: publicKeys('another friend') }, delayMs: DAY }
  const friends = ['friend 0', 'friend 1']
  const plain = ada()
  plain.announceRecovery(keysOf('new', 'new next'), keyPairs(...friends, 'new'))
  plain.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  expect(plain.state.pending).not.toBe(null)
  plain.rotate({ ...keysOf('control 2', 'control 3'), recovery }, keyPairs('control 2', ...friends))
  expect(plain.state.pending).toBe(null)
  const final = ada()
  const revealed = { keys: publicKeys('control 1') }
  final.announceRecovery({ ...keysOf('new', 'new next'), revealed }, keyPairs(...friends, 'new', 'control 1'))
  final.rotate({ ...keysOf('control 1', 'control 2'), recovery }, keyPairs('control 1', ...friends))
  expect(final.state.pending?.final).toBe(true)
})

test('a name that a stolen admin has taken over goes on from where it really ended', async () => {
  const store = await tmpStore()
  const notes = await filled(store, 'notes', 10)
  const core = notes.key as Uint8Array
  const chain = family()
  const phone = keyPair('phone').publicKey
  chain.rollCore({ device: phone, rolls: [{ name: 'notes', core, previous: null }] }, keyPairs('control 0'))
  // Two cores on, with ends that never were.
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  for (const [from, to] of [
    [core, bytesOf(60)],
    [bytesOf(60), bytesOf(61)]
  ] as const) {
    const previous = { core: from, fork: 0, length: 3, treeHash: bytesOf(62) }
    const rolls = [{ name: 'notes', core: to, previous }]
    chain.rollCore({ device: puppet, rolls }, keyPairs('laptop', 'puppet'))
  }
  const end = await endOf(notes)
  chain.revokeDevice(puppet, { reason: 'compromised' }, keyPairs('control 0'))
  const plan = planRoll(end, { signers: publicKeys('phone') })
  const next = { name: 'notes', core: plan.core, previous: plan.previous }
  chain.rollCore({ device: phone, rolls: [next] }, keyPairs('control 0'))
  const follower = new CoreFollower(store, 'notes')
  const rolled = await startRoll(store, plan, notes, { keyPair: keyPair('phone') })
  await carryBlocks(notes, rolled)
  await rolled.append(Buffer.from('on'))
  await follower.update(chain.state)
  const read: string[] = []
  for (let found = await follower.next({ wait: false }); found; found = await follower.next({ wait: false }))
    read.push(String(found.block))
  expect([read.length, read.at(-1)]).toEqual([11, 'on'])
  const judge = new BlockJudge(chain.state)
  expect([core, bytesOf(60), bytesOf(61)].map((key) => judge.endOf(key)?.length)).toEqual([10, 0, 0])
  await follower.close()
  await rolled.close()
})

test('an admin takes no core from the identity itself', () => {
  const chain = family()
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  const core = bytesOf(60)
  chain.rollCore({ rolls: [{ name: 'notes', core, previous: null }] }, keyPairs('control 0'))
  const previous = { core, fork: 0, length: 0, treeHash: bytesOf(2) }
  const rolls = [{ name: 'notes', core: bytesOf(61), previous }]
  const taken = (...signers: string[]): string | null =>
    codeOf(() => chain.rollCore({ device: puppet, rolls }, keyPairs(...signers)))
  expect([taken('laptop', 'puppet'), taken('control 0')]).toEqual(['KEY_ROTATION_NO_RIGHT', null])
})

test('an end of somebody else’s core that no admin gave is not put right in a revocation', () => {
  const chain = family()
  const [phone, tablet] = ['phone', 'tablet'].map((name) => keyPair(name).publicKey) as [
    Uint8Array,
    Uint8Array
  ]
  const rolls = [{ name: 'notes', core: bytesOf(60), previous: null }]
  chain.rollCore({ device: phone, rolls }, keyPairs('control 0'))
  const cutOffs = [{ core: bytesOf(60), fork: 0, length: 1, treeHash: bytesOf(1) }]
  const revoked = (): string | null =>
    codeOf(() => chain.revokeDevice(tablet, { ...lost, cutOffs }, keyPairs('control 0')))
  expect(revoked()).toBe('KEY_ROTATION_BAD_CUT_OFF')
  chain.revokeDevice(phone, { ...lost, cutOffs }, keyPairs('control 0'))
  expect(revoked()).toBe('KEY_ROTATION_BAD_CUT_OFF')
})

test('a recovery that commits to keys which were rotated to meanwhile is not completed: nobody could rotate after it', () => {
  const now = manualTime()
  const chain = ada(now)
  // To the same paper that is next now.
  chain.announceRecovery(keysOf('new', 'control 1'), keyPairs('friend 0', 'friend 1', 'new'))
  chain.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  now.at += 7 * DAY
  expect(codeOf(() => chain.recover(keyPairs('new')))).toBe('KEY_ROTATION_KEY_REUSED')
})

test('an admin takes over from one that was revoked, and hands nothing to a device at the moment that it expires', () => {
  const now = manualTime()
  const chain = ada(now)
  const [laptop, desk] = [addDevice(chain, 'laptop', 'admin'), addDevice(chain, 'desk', 'admin')]
  const phone = addDevice(chain, 'phone', 'writer', keyPairs('control 0'), START + DAY)
  const core = bytesOf(60)
  chain.rollCore({ device: desk, rolls: [{ name: 'notes', core, previous: null }] }, keyPairs('control 0'))
  const previous = { core, fork: 0, length: 0, treeHash: bytesOf(2) }
  const taken = (device: Uint8Array, ...signers: string[]): string | null =>
    codeOf(() =>
      chain.rollCore(
        { device, rolls: [{ name: 'notes', core: bytesOf(61), previous }] },
        keyPairs(...signers)
      )
    )
  expect(taken(laptop, 'laptop')).toBe('KEY_ROTATION_NO_RIGHT')
  chain.revokeDevice(desk, lost, keyPairs('control 0'))
  now.at = START + DAY
  expect(taken(phone, 'laptop', 'phone')).toBe('KEY_ROTATION_DEVICE_EXPIRED')
  expect(taken(laptop, 'laptop')).toBe(null)
})
