import { tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { carryBlocks, CoreFollower, endOf } from '../src/cores/index.ts'
import { BlockJudge, resolve, type Sigchain } from '../src/index.ts'
import { ada, addDevice, bytesOf, codeOf, keyPair, keyPairs } from './people.ts'
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

test('an end that the identity’s keys have put right is the same for the judge of blocks and for followers, and no honest writer is revoked for it', () => {
  const { chain, core, taken } = takenOver()
  const judge = new BlockJudge(chain.state)
  expect([judge.judge(core, 5, bytesOf(4)), judge.judge(core, 100)]).toEqual(['quarantined', 'quarantined'])
  const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
  const cutOffs = [right, { ...right, core: taken }]
  const before = chain.state.cores.get('notes')
  const puppet = keyPair('puppet').publicKey
  chain.revokeDevice(puppet, { reason: 'compromised', cutOffs }, keyPairs('control 0'))
  expect(before?.[1]?.previous?.length).toBe(0)
  const { lineage, ends, end } = resolve(chain.state, 'notes') ?? {}
  expect([lineage?.[1]?.previous, ends, end]).toEqual([right, cutOffs, cutOffs[1]])
  judge.update(chain.state)
  expect([judge.endOf(core), judge.endOf(taken)]).toEqual(cutOffs)
  // What was listed for the false end counts again, and is listed no more.
  expect([judge.quarantine, judge.judge(core, 5, bytesOf(4))]).toEqual([[], 'accepted'])
  expect(judge.judge(taken, 5, bytesOf(5))).toBe('quarantined')
  expect(chain.state.devices[0]?.revoked).toBe(null)
})

test('what was listed stays while the core ends where it did', () => {
  const { chain, core } = takenOver()
  const judge = new BlockJudge(chain.state)
  judge.judge(core, 100)
  addDevice(chain, 'another')
  judge.update(chain.state)
  expect(judge.quarantine).toMatchObject([{ core, start: 100, end: 101 }])
})
