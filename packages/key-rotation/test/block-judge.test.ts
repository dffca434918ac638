import { tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { carryBlocks, CoreFollower, endOf } from '../src/cores/index.ts'
import { BlockJudge, resolve, type Sigchain } from '../src/index.ts'
import { ada, addDevice, bytesOf, codeOf, keyPair, keyPairs } from './people.ts'
import { copyOf } from './parties.ts'
import { filled, hypercore, named, roll } from './rolls.ts'

/** A phone with a core. */
function withPhone(core: Uint8Array): Sigchain {
  const chain = ada()
  const device = addDevice(chain, 'phone')
  chain.rollCore({ device, rolls: [{ name: 'phone/log', core, previous: null }] }, keyPairs('control 0'))
  return chain
}

function revoke(
  chain: Sigchain,
  cutOff: { core: Uint8Array; fork: number; length: number; treeHash: Uint8Array }
): void {
  const how = { reason: 'compromised', cutOffs: [cutOff] } as const
  chain.revokeDevice(keyPair('phone').publicKey, how, keyPairs('control 0'))
}

test('what a stolen phone goes on to write is quarantined, and listed; what it wrote before counts', async () => {
  const log = await filled(await tmpStore(), 'log', 10)
  const key = log.key as Uint8Array
  const chain = withPhone(key)
  const judge = new BlockJudge(chain.state)
  expect([judge.endOf(key), judge.acceptBlock(key, 9)]).toEqual([null, true])
  revoke(chain, await endOf(log, 8))
  await log.append(['a thief was here', 'and here'])
  judge.update(chain.state)
  const treeHash = await log.treeHash(judge.endOf(key)?.length)
  const verdicts = Array.from({ length: 12 }, (_, i) => judge.judge(key, i, treeHash))
  expect(verdicts).toEqual([...Array<string>(8).fill('accepted'), ...Array<string>(4).fill('quarantined')])
  expect(judge.quarantine).toEqual([{ core: key, start: 8, end: 12, reason: 'past the end' }])
  expect(String(await log.get(11))).toBe('and here')
})

test('back-dated writes: a second history below the end is told by its tree hash', async () => {
  const key = bytesOf(5)
  const chain = withPhone(key)
  revoke(chain, { core: key, fork: 0, length: 8, treeHash: bytesOf(1) })
  const judge = new BlockJudge(chain.state)
  expect(judge.judge(key, 3)).toBe('waiting')
  expect(judge.judge(key, 3, bytesOf(2))).toBe('quarantined')
  expect(judge.judge(key, 3, bytesOf(1))).toBe('accepted')
  expect(judge.quarantine).toEqual([{ core: key, start: 3, end: 4, reason: 'another history' }])
})

test('a core that nobody has named counts for nothing', () => {
  const judge = new BlockJudge(ada().state)
  expect([judge.judge(bytesOf(9), 0), judge.acceptBlock(bytesOf(9), 0)]).toEqual(['unknown', false])
})

test('of a core that was rolled over, the end is where the next one goes on', () => {
  const chain = withPhone(bytesOf(5))
  const previous = { core: bytesOf(5), fork: 0, length: 4, treeHash: bytesOf(1) }
  chain.rollCore({ rolls: [{ name: 'phone/log', core: bytesOf(6), previous }] }, keyPairs('control 0'))
  const judge = new BlockJudge(chain.state)
  expect([judge.judge(bytesOf(5), 3, bytesOf(1)), judge.judge(bytesOf(5), 4, bytesOf(1))]).toEqual([
    'accepted',
    'quarantined'
  ])
  expect(judge.acceptBlock(bytesOf(6), 100)).toBe(true)
})

test('a core has one end, and none that has one can begin', () => {
  const chain = withPhone(bytesOf(5))
  const end = { core: bytesOf(5), fork: 0, length: 4, treeHash: bytesOf(1) }
  const other = { core: bytesOf(8), fork: 0, length: 1, treeHash: bytesOf(2) }
  const how = { reason: 'lost', cutOffs: [end, other] } as const
  chain.revokeDevice(keyPair('phone').publicKey, how, keyPairs('control 0'))
  const roll = (name: string, core: Uint8Array, previous: typeof end | null): string | null =>
    codeOf(() => chain.rollCore({ rolls: [{ name, core, previous }] }, keyPairs('control 0')))
  for (const changed of [{ length: 5 }, { treeHash: bytesOf(2) }, { fork: 1 }])
    expect(roll('phone/log', bytesOf(6), { ...end, ...changed })).toBe('KEY_ROTATION_BAD_CUT_OFF')
  expect(roll('notes', bytesOf(8), null)).toBe('KEY_ROTATION_CORE_REUSED')
  expect(roll('phone/log', bytesOf(6), end)).toBe(null)
})

test('a core of a revoked device that has no end counts for nothing till it has one', () => {
  const chain = withPhone(bytesOf(5))
  const phone = keyPair('phone').publicKey
  chain.revokeDevice(phone, { reason: 'lost' }, keyPairs('control 0'))
  const judge = new BlockJudge(chain.state)
  expect([judge.judge(bytesOf(5), 0), resolve(chain.state, 'phone/log')?.isHeld]).toEqual(['waiting', true])
  const end = { core: bytesOf(5), fork: 0, length: 1, treeHash: bytesOf(1) }
  chain.revokeDevice(phone, { reason: 'lost', cutOffs: [end] }, keyPairs('control 0'))
  judge.update(chain.state)
  expect([judge.judge(bytesOf(5), 0, bytesOf(1)), judge.judge(bytesOf(5), 1)]).toEqual([
    'accepted',
    'quarantined'
  ])
  expect(resolve(chain.state, 'phone/log')).toMatchObject({ isHeld: false, end })
  const again = codeOf(() =>
    chain.revokeDevice(phone, { reason: 'lost', cutOffs: [end] }, keyPairs('control 0'))
  )
  expect(again).toBe('KEY_ROTATION_DEVICE_REVOKED')
})

test('a follower gives out nothing more of a core that nobody has ended', async () => {
  const store = await tmpStore()
  const log = await filled(store, 'log', 3)
  const chain = withPhone(log.key as Uint8Array)
  await using follower = new CoreFollower(store, 'phone/log')
  await follower.update(chain.state)
  expect(String((await follower.next())?.block)).toBe('block 0')
  const phone = keyPair('phone').publicKey
  chain.revokeDevice(phone, { reason: 'compromised' }, keyPairs('control 0'))
  await follower.update(chain.state)
  expect(await follower.next()).toBe(null)
  const how = { reason: 'compromised', cutOffs: [await endOf(log, 2)] } as const
  chain.revokeDevice(phone, how, keyPairs('control 0'))
  await follower.update(chain.state)
  expect(String((await follower.next())?.block)).toBe('block 1')
  expect(await follower.next({ wait: false })).toBe(null)
})

test('a revocation that ends somebody else’s core, or one twice, is refused', () => {
  const chain = withPhone(bytesOf(5))
  const tablet = addDevice(chain, 'tablet')
  chain.rollCore(
    { device: tablet, rolls: [{ name: 'tablet/log', core: bytesOf(6), previous: null }] },
    keyPairs('control 0')
  )
  const end = (core: number) => ({ core: bytesOf(core), fork: 0, length: 1, treeHash: bytesOf(1) })
  const attempt = (...cutOffs: ReturnType<typeof end>[]): string | null =>
    codeOf(() =>
      chain.revokeDevice(keyPair('phone').publicKey, { reason: 'lost', cutOffs }, keyPairs('control 0'))
    )
  expect([attempt(end(5), end(6)), attempt(end(5), end(5))]).toEqual(
    Array(2).fill('KEY_ROTATION_BAD_CUT_OFF')
  )
  expect(attempt(end(5), end(7))).toBe(null)
  const judge = new BlockJudge(chain.state)
  expect(codeOf(() => judge.judge(bytesOf(1, 31), 0))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  expect(codeOf(() => judge.judge(bytesOf(1), -1))).toBe('KEY_ROTATION_BAD_ARGUMENT')
})

test('it agrees with a follower where a roll-over ends before the one before it', async () => {
  const store = await tmpStore()
  const first = await filled(store, 'notes', 10)
  const chain = named('notes', first)
  const second = await roll(store, chain, 'notes', first)
  await carryBlocks(first, second)
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 10; i++) await follower.next()
  await roll(store, chain, 'notes', hypercore(second), { length: 5 })
  expect(await follower.update(chain.state)).toMatchObject({ start: 5, end: 10 })
  const judge = new BlockJudge(chain.state)
  expect(judge.judge(first.key as Uint8Array, 7, await first.treeHash(10))).toBe('quarantined')
})

/** A name that a writer has, and that a stolen admin takes over for a puppet, saying that it was empty. */
function takenOver(): { chain: Sigchain; core: Uint8Array; taken: Uint8Array } {
  const chain = ada()
  const device = addDevice(chain, 'writer')
  addDevice(chain, 'laptop', 'admin')
  const [core, taken] = [bytesOf(1), bytesOf(3)]
  chain.rollCore({ device, rolls: [{ name: 'notes', core, previous: null }] }, keyPairs('control 0'))
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  const previous = { core, fork: 0, length: 0, treeHash: bytesOf(2) }
  const rolls = [{ name: 'notes', core: taken, previous }]
  chain.rollCore({ device: puppet, rolls }, keyPairs('laptop', 'puppet'))
  return { chain, core, taken }
}

const compromised = { reason: 'compromised' } as const
const control = keyPairs('control 0')

test('a name that a stolen admin has taken over is its owner’s again where the identity’s keys say where that one’s core ends, and no honest writer is revoked for it', () => {
  const { chain, core, taken } = takenOver()
  const judge = new BlockJudge(chain.state)
  expect([judge.judge(core, 5, bytesOf(4)), judge.judge(core, 100)]).toEqual(['quarantined', 'quarantined'])
  expect(judge.judge(taken, 5)).toBe('accepted')
  const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
  const before = chain.state.cores.get('notes')
  chain.revokeDevice(keyPair('puppet').publicKey, { ...compromised, cutOffs: [right] }, control)
  expect(before).toHaveLength(2)
  const { core: newest, lineage, ends, end } = resolve(chain.state, 'notes') ?? {}
  expect([newest, lineage?.length, ends, end]).toEqual([core, 1, [right], right])
  judge.update(chain.state)
  expect(judge.endOf(core)).toEqual(right)
  // What was listed for the false end counts again, and is listed no more.
  expect([judge.quarantine, judge.judge(core, 5, bytesOf(4))]).toEqual([[], 'accepted'])
  expect([judge.judge(taken, 0), judge.judge(taken, 5)]).toEqual(['quarantined', 'quarantined'])
  expect(chain.state.devices[0]?.revoked).toBe(null)
  // It goes on as any name does, and the thief's core is none to begin with.
  const roll = (key: Uint8Array, previous: typeof right): string | null =>
    codeOf(() => chain.rollCore({ rolls: [{ name: 'notes', core: key, previous }] }, control))
  expect(roll(taken, right)).toBe('KEY_ROTATION_CORE_REUSED')
  expect(roll(bytesOf(6), { ...right, core: taken })).toBe('KEY_ROTATION_CORE_MISMATCH')
  expect(roll(bytesOf(6), right)).toBe(null)
})

test.each([
  ['that nothing of it counts', 0],
  ['where it is', 7],
  ['where the owner’s does', 100]
])(
  'whatever is said besides of the core of who took a name over, such as %s, it counts nothing',
  (_, length) => {
    const { chain, core, taken } = takenOver()
    const puppet = keyPair('puppet').publicKey
    const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
    const of = { core: taken, fork: 0, length, treeHash: bytesOf(5) }
    for (const cutOffs of [
      [right, of],
      [of, right]
    ]) {
      const copy = copyOf(chain)
      copy.revokeDevice(puppet, { ...compromised, cutOffs }, control)
      const judge = new BlockJudge(copy.state)
      expect([judge.endOf(core), judge.endOf(taken)?.length]).toEqual([right, 0])
      expect(resolve(copy.state, 'notes')?.ends).toEqual([right])
    }
    // Nor is it an error to say it later.
    chain.revokeDevice(puppet, { ...compromised, cutOffs: [right] }, control)
    expect(codeOf(() => chain.revokeDevice(puppet, { ...compromised, cutOffs: [of] }, control))).toBe(
      'KEY_ROTATION_DEVICE_REVOKED'
    )
    expect(codeOf(() => chain.revokeDevice(bytesOf(9), { ...compromised, cutOffs: [of] }, control))).toBe(
      'KEY_ROTATION_DEVICE_UNKNOWN'
    )
    addDevice(chain, 'other')
    const other = keyPair('other').publicKey
    chain.revokeDevice(other, { ...compromised, cutOffs: [of] }, control)
    expect(new BlockJudge(chain.state).endOf(taken)?.length).toBe(0)
  }
)

test('what counts nothing ends as an empty core does', async () => {
  const { chain, core, taken } = takenOver()
  const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
  chain.revokeDevice(keyPair('puppet').publicKey, { ...compromised, cutOffs: [right] }, control)
  const empty = await filled(await tmpStore(), 'empty', 0)
  const treeHash = await empty.treeHash()
  expect(chain.state.cutOffs.get(Buffer.from(taken).toString('hex'))).toEqual({
    core: taken,
    fork: 0,
    length: 0,
    treeHash
  })
})

test('the same end again confirms it, and the name stays with whom an admin has given it to', () => {
  const { chain, core, taken } = takenOver()
  const said = { core, fork: 0, length: 0, treeHash: bytesOf(2) }
  const other = { ...said, length: 100 }
  const revoke = (cutOff: typeof said): string | null =>
    codeOf(() =>
      chain.revokeDevice(keyPair('puppet').publicKey, { ...compromised, cutOffs: [cutOff] }, control)
    )
  expect(revoke(said)).toBe(null)
  expect(resolve(chain.state, 'notes')?.core).toEqual(taken)
  expect(revoke(other)).toBe('KEY_ROTATION_BAD_CUT_OFF')
  // It goes on from where they say, as from any core that admins alone have handed on.
  const back = (previous: typeof said): string | null =>
    codeOf(() => chain.rollCore({ rolls: [{ name: 'notes', core: bytesOf(6), previous }] }, control))
  expect([back(other), back(said)]).toEqual(['KEY_ROTATION_BAD_CUT_OFF', null])
  expect(resolve(chain.state, 'notes')?.lineage.map((link) => link.core)).toEqual([core, bytesOf(6)])
  expect(new BlockJudge(chain.state).judge(taken, 0)).toBe('quarantined')
})

test('who goes on from what an admin has named confirms all ends on the way', () => {
  const { chain, core, taken } = takenOver()
  const previous = { core: taken, fork: 0, length: 8, treeHash: bytesOf(8) }
  chain.rollCore({ rolls: [{ name: 'notes', core: bytesOf(6), previous }] }, control)
  const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
  const before = chain.state
  for (const cutOff of [right, { ...previous, length: 9 }])
    expect(
      codeOf(() =>
        chain.revokeDevice(keyPair('puppet').publicKey, { ...compromised, cutOffs: [cutOff] }, control)
      )
    ).toBe('KEY_ROTATION_BAD_CUT_OFF')
  expect(
    codeOf(() => chain.rollCore({ rolls: [{ name: 'notes', core: bytesOf(7), previous: right }] }, control))
  ).toBe('KEY_ROTATION_CORE_MISMATCH')
  expect(chain.state).toBe(before)
  expect(resolve(chain.state, 'notes')?.lineage.map((link) => link.previous?.length)).toEqual([
    undefined,
    0,
    8
  ])
})

test('the identity’s keys go on from the owner’s core at once, in one event, and admins from the newest one only', () => {
  const { chain, core, taken } = takenOver()
  const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
  const rolls = [{ name: 'notes', core: bytesOf(6), previous: right }]
  const writer = keyPair('writer').publicKey
  const roll = (...signers: string[]): string | null =>
    codeOf(() => chain.rollCore({ device: writer, rolls }, keyPairs(...signers)))
  expect([roll('laptop', 'writer'), roll('control 0')]).toEqual(['KEY_ROTATION_CORE_MISMATCH', null])
  expect(resolve(chain.state, 'notes')?.lineage.map((link) => link.core)).toEqual([core, bytesOf(6)])
  expect(new BlockJudge(chain.state).endOf(taken)?.length).toBe(0)
})

test('ends of two cores on the way that are put right at once come to the same in either order', () => {
  const { chain, core, taken } = takenOver()
  const puppet = keyPair('puppet').publicKey
  const end = (key: Uint8Array, length: number) => ({ core: key, fork: 0, length, treeHash: bytesOf(length) })
  const rolls = [{ name: 'notes', core: bytesOf(6), previous: end(taken, 3) }]
  chain.rollCore({ device: puppet, rolls }, keyPairs('laptop', 'puppet'))
  const cutOffs = [end(core, 100), end(taken, 4)]
  const states = [cutOffs, [...cutOffs].reverse()].map((given) => {
    const copy = copyOf(chain)
    copy.revokeDevice(puppet, { ...compromised, cutOffs: given }, control)
    return { cores: copy.state.cores, cutOffs: copy.state.cutOffs, adminEnds: copy.state.adminEnds }
  })
  expect(states[0]).toEqual(states[1])
  expect(states[0]?.cores.get('notes')).toHaveLength(1)
})

test('what was listed stays while the core ends where it did', () => {
  const { chain, core } = takenOver()
  const judge = new BlockJudge(chain.state)
  judge.judge(core, 100)
  addDevice(chain, 'another')
  judge.update(chain.state)
  expect(judge.quarantine).toMatchObject([{ core, start: 100, end: 101 }])
})
