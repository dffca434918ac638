import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { replicate, testCleanup, tmpStore, until } from '@cloudpal/test-kit'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import b4a from 'b4a'
import c from 'compact-encoding'
import hypercoreCrypto from 'hypercore-crypto'
import Protomux from 'protomux'
import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { Authenticator } from '../src/connections/index.ts'
import { channelId, encodeEvents, encodeHello } from '../src/connections/messages.ts'
import {
  carryBlocks,
  CoreFollower,
  endOf,
  planRoll,
  pullBlocks,
  readChain,
  startRoll,
  writeChain
} from '../src/cores/index.ts'
import * as noble from '../src/crypto/primitives-browser.ts'
import * as native from '../src/crypto/primitives.ts'
import {
  apply,
  BlockJudge,
  createKeyPair,
  createReceipt,
  type CutOff,
  IdentityMemory,
  type IdentityMemoryOptions,
  type KeyPair,
  type MemoryStore,
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
import { filled, hypercore, named, roll } from './rolls.ts'

const keysOf = (control: string, next: string) => ({
  control: { keys: publicKeys(control) },
  next: { keys: publicKeys(next) }
})

// ---------------------------------------------------------------- two honest verifiers

const Point = ed25519.Point
const ORDER = Point.Fn.ORDER
const TORSION = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', true)
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const toBytes = (value: bigint): Uint8Array =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()

/** Signatures by an ordinary key, whose signer adds something of a small order to the point. */
function oddSignature(message: Uint8Array, seed: Uint8Array, nonce: bigint, order: number): Uint8Array {
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seed)
  const small = order === 0 ? Point.ZERO : TORSION.multiply(BigInt(order))
  const point = (nonce === 0n ? Point.ZERO : Point.BASE.multiply(nonce)).add(small).toBytes()
  const challenge = toNumber(sha512(Buffer.concat([point, pointBytes, message]))) % ORDER
  return Buffer.concat([point, toBytes((nonce + challenge * scalar) % ORDER)])
}

describe('1 critical: libsodium (Node, Bare) and noble (browsers) accept the same signatures', () => {
  const message = Buffer.from('an event')
  const seed = bytesOf(9)
  const { publicKey } = createKeyPair(seed)
  test.each([
    ['a point with a part of order 8', 987_654_321n, 1],
    ['a point of order 8', 0n, 1],
    ['the point of order 1', 0n, 0]
  ])('%s', (_, nonce, order) => {
    const signature = oddSignature(message, seed, nonce, order)
    expect(noble.ed25519Verify(message, signature, publicKey)).toBe(
      native.ed25519Verify(message, signature, publicKey)
    )
  })

  test('ed25519-speccheck, cases 2, 4 and 5', () => {
    // https://github.com/novifinancial/ed25519-speccheck/blob/main/cases.json
    const cases = [
      [
        'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
        'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
        'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e'
      ],
      [
        'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
        'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
        '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09'
      ],
      [
        'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
        'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
        '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405'
      ]
    ].map((hexes) => hexes.map((hex) => Buffer.from(hex, 'hex'))) as [Buffer, Buffer, Buffer][]
    for (const [message, key, signature] of cases)
      expect(noble.ed25519Verify(message, signature, key)).toBe(native.ed25519Verify(message, signature, key))
  })
})

test('2 critical: a name that begins with a byte order mark counts in browsers as it does in Node', async () => {
  const chain = ada()
  const phone = requestToJoin(chain.state.identity, keyPair('phone'), { name: '\uFEFFphone' })
  chain.addDevice(phone, keyPairs('control 0'))
  const require = createRequire(import.meta.url)
  const browserB4a = require(join(dirname(require.resolve('b4a')), 'browser.js')) as object
  vi.doMock('b4a', () => ({ default: browserB4a }))
  vi.resetModules()
  try {
    const browser = await import('../src/index.ts')
    expect(codeOf(() => browser.verify(chain.toBytes(), { trusted: chain.state.identity }))).toBe(null)
  } finally {
    vi.doUnmock('b4a')
    vi.resetModules()
  }
})

test('3 low: one who applies event by event refuses what one who verifies the whole refuses: event 65,536', () => {
  const chain = ada()
  const state = { ...chain.state, seq: 65_535 }
  const request = requestToJoin(state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(state, { ...request, kind: 'addDevice' }, START)
  const event = sealProposal(proposal, signProposal(proposal, keyPair('control 0')))
  expect(codeOf(() => apply(state, event))).toBe('KEY_ROTATION_TOO_LARGE')
})

// ---------------------------------------------------------------- rights

test('4 critical: a proposal is signed for what it says, not for the hash that came with it', () => {
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
  expect([code, codeOf(() => apply(chain.state, event))]).not.toEqual([null, null])
})

describe('5 critical: who may not veto cannot stop a recovery by naming its keys first', () => {
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

describe('6 critical: a device can be revoked, however many cores it has', () => {
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

test('7 high: an end that a stolen admin has set cannot make a name unusable for ever: the identity’s keys put it right', async () => {
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

test('8 medium: an admin cannot end cores that nobody has named yet, so that they never can be', () => {
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

test('9 medium: next keys that can never be rotated to are refused when they are committed to', () => {
  const { publicKey } = keyPair('control')
  const incept = (): unknown =>
    Sigchain.incept({
      control: { keys: [publicKey] },
      next: { keys: [publicKey] },
      signers: keyPairs('control')
    })
  expect(codeOf(incept)).toBe('KEY_ROTATION_KEY_REUSED')
})

test('10 medium: a threshold of 257 is none, and not one of 1', () => {
  const incept = (): unknown =>
    Sigchain.incept({
      control: { keys: publicKeys('a', 'b'), threshold: 257 },
      next: { keys: publicKeys('c') },
      signers: keyPairs('a')
    })
  expect(codeOf(incept)).not.toBe(null)
})

describe('11 high: an unknown option is refused, not ignored', () => {
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

test('12 low: a name of a wrong type is a bad argument', () => {
  const { identity } = ada().state
  expect(codeOf(() => requestToJoin(identity, keyPair('phone'), {} as never))).toBe(
    'KEY_ROTATION_BAD_ARGUMENT'
  )
})

test('13 medium: a witness that says two things of the last event has not confirmed it', () => {
  const chain = ada()
  const branch = Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: () => START })
  addDevice(chain, 'laptop')
  addDevice(branch, 'thief’s device')
  const receipts = [chain, branch].map(({ state }) => createReceipt(state, keyPair('witness'), START))
  const verified = (): unknown =>
    verify(chain.toBytes(), {
      trusted: chain.state.identity,
      witnesses: { receipts, keys: publicKeys('witness'), need: 1 }
    })
  expect(codeOf(verified)).toBe('KEY_ROTATION_NOT_WITNESSED')
})

test('14 high: the judge and the follower agree on what counts when a roll-over ends before the one before it', async () => {
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

test('15 high: the work for an event does not grow with all that came before', () => {
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

// ---------------------------------------------------------------- memory

function ram(bytes: Uint8Array | null = null): MemoryStore & { bytes: Uint8Array | null } {
  const store = {
    bytes,
    read: async () => store.bytes,
    write: async (given: Uint8Array) => void (store.bytes = given)
  }
  return store
}

async function codeOfAsync(running: Promise<unknown>): Promise<string | null> {
  try {
    await running
    return null
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** Ada's chain, and what another holder of her key has made of it. */
function forks(count: number): { chain: Sigchain; branches: Sigchain[] } {
  const chain = ada()
  const trusted = chain.state.identity
  const branches = Array.from({ length: count }, (_, i) => {
    const branch = Sigchain.open(chain.toBytes(), { trusted }, { now: () => START })
    addDevice(branch, `branch ${i}`)
    return branch
  })
  return { chain, branches }
}

const memoryOf = (
  chain: Sigchain,
  options: IdentityMemoryOptions = { now: () => START }
): Promise<IdentityMemory> => IdentityMemory.open(ram(), chain.state.identity, chain.toBytes(), options)

/** A quorum that conspires: it announces at a time that it states, and completes when that allows. */
function conspiracy(announced: number, delayMs: number): { begun: Uint8Array; chain: Sigchain } {
  const now = manualTime()
  const chain = Sigchain.incept(
    {
      control: { keys: publicKeys('control 0') },
      next: { keys: publicKeys('control 1') },
      recovery: { quorum: { threshold: 1, keys: publicKeys('friend 0') }, delayMs },
      signers: keyPairs('control 0')
    },
    { now }
  )
  const begun = chain.toBytes()
  now.at = announced
  chain.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'new'))
  now.at = announced + delayMs
  chain.recover(keyPairs('new'))
  return { begun, chain }
}

describe('16 high: a quorum cannot take over at once, whatever times it states', () => {
  test.each([
    ['a delay of a day, announced a day ago', DAY],
    ['a delay of an hour', DAY / 24]
  ])('%s', async (_, delayMs) => {
    const today = START + 30 * DAY
    const { begun, chain } = conspiracy(today - DAY, delayMs)
    const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, { now: () => today })
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  })
})

describe('17 high: clock nonsense is a code, and lets no recovery through', () => {
  const { begun, chain } = conspiracy(START + DAY, 7 * DAY)
  const today = START + 30 * DAY
  test.each<[string, unknown, unknown]>([
    ['`now` is NaN', Number.NaN, null],
    ['`now` is no number', '2026-02-01', null],
    ['`seenBy` is NaN', today, Number.NaN],
    ['`seenBy` is before there was time', today, -Infinity]
  ])('%s', async (_, then, seen) => {
    let now: unknown = today
    let seenBy: unknown = null
    const memory = await IdentityMemory.open(ram(), chain.state.identity, begun, {
      now: () => now as number,
      seenBy: () => seenBy as number
    })
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
    now = then
    seenBy = seen
    expect(await codeOfAsync(memory.receive(chain.toBytes()))).not.toBe(null)
  })
})

test('18 high: choosing a branch does not forget since when a recovery was known of', async () => {
  const now = manualTime()
  const { begun, chain } = conspiracy(START + DAY, 7 * DAY)
  now.at = START + 30 * DAY
  const { identity } = chain.state
  const memory = await IdentityMemory.open(ram(), identity, begun, { now })
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  const branch = Sigchain.open(begun, { trusted: identity }, { now: () => START })
  addDevice(branch, 'branch')
  expect(await codeOfAsync(memory.receive(branch.toBytes()))).toBe('KEY_ROTATION_FORKED')
  await memory.choose(0)
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
})

test('19 high: what was decided against is refused for good, also after a second decision', async () => {
  const { branches } = forks(3)
  const [mine, one, two] = branches as [Sigchain, Sigchain, Sigchain]
  const memory = await memoryOf(mine)
  for (const other of [one, two]) {
    expect(await codeOfAsync(memory.receive(other.toBytes()))).toBe('KEY_ROTATION_FORKED')
    await memory.choose(0)
  }
  expect(await codeOfAsync(memory.receive(one.toBytes()))).toBe('KEY_ROTATION_FORKED')
  expect(memory.duplicity).toBe(null)
})

test('20 medium: a device whose own chain lost opens its memory as README shows it, on the next start, too', async () => {
  const { branches } = forks(2)
  const [mine, other] = branches as [Sigchain, Sigchain]
  const store = ram()
  const { identity } = mine.state
  const memory = await IdentityMemory.open(store, identity, mine.toBytes())
  await codeOfAsync(memory.receive(other.toBytes()))
  await memory.choose(1)
  expect(await codeOfAsync(IdentityMemory.open(store, identity, mine.toBytes()))).toBe(null)
})

test('21 medium: a memory that is an old copy catches up with a newer pin when the chain is given', async () => {
  const chain = ada()
  const store = ram()
  await IdentityMemory.open(store, chain.state.identity, chain.toBytes())
  addDevice(chain, 'phone')
  const opened = IdentityMemory.open(store, chain.state, chain.toBytes())
  expect(await codeOfAsync(opened.then(({ state }) => expect(state.seq).toBe(1)))).toBe(null)
})

test('22 medium: what a memory has taken in stays, whatever the caller does with its array and its bytes', async () => {
  const chain = ada()
  addDevice(chain, 'phone')
  const mine = chain.events.map((event) => Uint8Array.from(event))
  const memory = await IdentityMemory.open(ram(), chain.state.identity, mine)
  mine.push(Uint8Array.of(1, 2, 3))
  mine[1]?.fill(0)
  expect(codeOf(() => verify(memory.events, { trusted: chain.state.identity }))).toBe(null)
})

test('23 high: who has filled a chain has not ended it: the identity’s own keys have room left', async () => {
  const chain = ada()
  addDevice(chain, 'stolen', 'admin')
  const { state } = chain
  const full = { ...state, seq: 65_535 }
  const { takeIn } = await import('../src/memory/recovery-watch.ts')
  const change = {
    kind: 'rotate',
    control: { threshold: 1, keys: publicKeys('control 1') },
    next: { threshold: 1, keys: [bytesOf(1)] },
    recovery: null
  } as const
  const proposal = propose(full, change, START)
  const event = sealProposal(proposal, signProposal(proposal, keyPair('control 1')))
  const taken = codeOf(() => takeIn({ state: full, sightings: [] }, [event], START, () => null))
  expect(taken).toBe(null)
})

// ---------------------------------------------------------------- connections

function connect(): [NoiseSecretStream, NoiseSecretStream] {
  const [a, b] = [new NoiseSecretStream(true), new NoiseSecretStream(false)]
  for (const end of [a, b]) end.on('error', () => {})
  a.rawStream?.pipe(b.rawStream as never)
  b.rawStream?.pipe(a.rawStream as never)
  testCleanup().defer('stream', () => {
    a.destroy()
    b.destroy()
  })
  return [a, b]
}

/** Ada's laptop, phone and tablet. */
function family(): Sigchain {
  const chain = ada()
  for (const name of ['laptop', 'phone', 'tablet'])
    addDevice(chain, name, name === 'laptop' ? 'admin' : 'writer')
  return chain
}

const copyOf = (chain: Sigchain): Sigchain =>
  Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: () => START })

interface Party {
  memory: IdentityMemory
  authenticator: Authenticator
  refused: string[]
}

async function party(name: string, chain: Sigchain, options: object = {}, now = START): Promise<Party> {
  const memory = await memoryOf(chain, { now: () => now })
  const refused: string[] = []
  const onrefused = ({ code }: { code: string }): void => void refused.push(code)
  const authenticator = new Authenticator(memory, keyPair(name), { now: () => now, onrefused, ...options })
  return { memory, refused, authenticator }
}

async function meet(a: Party, b: Party): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const ends = connect()
  await Promise.all([a.authenticator.authenticate(ends[0]), b.authenticator.authenticate(ends[1])])
  return ends
}

/** The other side, by hand. */
async function speak(
  connection: NoiseSecretStream,
  chain: Sigchain,
  device: KeyPair,
  seq: number
): Promise<(message: Uint8Array) => void> {
  await connection.opened
  const { identity, hash } = chain.state
  const channel = Protomux.from(connection).createChannel<Uint8Array>({
    protocol: 'cloudpal/key-rotation/1',
    id: channelId(identity),
    unique: true,
    handshake: c.raw
  })
  const events = channel?.addMessage<Uint8Array>({ encoding: c.raw })
  channel?.addMessage<Uint8Array>({ encoding: c.raw })
  const place = { identity, handshakeHash: connection.handshakeHash as Uint8Array, isInitiator: false }
  channel?.open(encodeHello({ device: device.publicKey, seq, hash }, place, device))
  return (message) => void events?.send(message)
}

const lost = { reason: 'compromised' } as const

test('24 critical: who has the longer of two histories hears of the shorter: length does not win', async () => {
  const base = family()
  const [mine, thiefs] = [copyOf(base), copyOf(base)]
  mine.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
  addDevice(thiefs, 'one')
  addDevice(thiefs, 'two')
  const [laptop, tablet] = [await party('laptop', mine), await party('tablet', thiefs)]
  await meet(laptop, tablet)
  await until(() => laptop.memory.duplicity !== null)
  await until(() => tablet.memory.duplicity !== null, { timeoutMs: 2_000 })
})

test('25 high: two histories that do not fit into one message are seen whole, and nobody is disconnected', async () => {
  const base = family()
  const [one, other] = [copyOf(base), copyOf(base)]
  for (let i = 0; i < 1_200; i++) {
    addDevice(one, `one ${i}`, 'reader')
    addDevice(other, `other ${i}`, 'reader')
  }
  const [laptop, tablet] = [await party('laptop', one), await party('tablet', other)]
  await meet(laptop, tablet)
  await until(() => laptop.memory.duplicity !== null || tablet.memory.duplicity !== null)
  const isOver = (): boolean =>
    laptop.refused.length + tablet.refused.length > 0 ||
    [laptop, tablet].every(({ memory }) => memory.duplicity?.branches[1].length === 1_204)
  await until(isOver, { timeoutMs: 20_000 })
  expect([laptop.refused, tablet.refused]).toEqual([[], []])
}, 60_000)

describe('26 high: a callback that throws keeps no revoked device connected', () => {
  test.each(['onrefused', 'onstate'])('%s', async (callback) => {
    const base = family()
    const fail = (): void => {
      throw new Error('an app')
    }
    const [laptop, phone] = [await party('laptop', base, { [callback]: fail }), await party('phone', base)]
    const [end] = await meet(laptop, phone)
    base.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
    await laptop.authenticator.publish(base.events).catch(() => {})
    expect(end.destroying).toBe(true)
  })
})

test('27 high: a revocation that is published closes connections, also when the memory has it already, such as by another authenticator', async () => {
  const base = family()
  const [laptop, phone] = [await party('laptop', base), await party('phone', base)]
  const [end] = await meet(laptop, phone)
  base.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
  const second = new Authenticator(laptop.memory, keyPair('laptop'), { now: () => START })
  await second.publish(base.events)
  await laptop.authenticator.publish(base.events)
  expect(end.destroying).toBe(true)
})

/** Events of which the last is a recovery that whoever hears of it late must hold back. */
function recovered(base: Sigchain): { chain: Sigchain; late: number } {
  const clock = manualTime()
  const chain = Sigchain.open(base.toBytes(), { trusted: base.state.identity }, { now: clock })
  chain.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
  chain.announceRecovery(keysOf('new control', 'new next'), keyPairs('friend 0', 'friend 1', 'new control'))
  clock.at += 7 * DAY
  chain.recover(keyPairs('new control'))
  return { chain, late: START + 30 * DAY }
}

test('28 high: a revocation before a recovery that is held back closes connections all the same', async () => {
  const base = family()
  const { chain, late } = recovered(base)
  const [laptop, phone] = [await party('laptop', base, {}, late), await party('phone', base, {}, late)]
  const [end] = await meet(laptop, phone)
  expect(await codeOfAsync(laptop.authenticator.publish(chain.events))).toBe(
    'KEY_ROTATION_RECOVERY_TOO_EARLY'
  )
  expect(laptop.memory.state.devices[1]?.revoked).not.toBe(null)
  expect(end.destroying).toBe(true)
})

test('29 medium: who holds a recovery back is not disconnected by the events after it', async () => {
  const base = family()
  const { chain, late } = recovered(base)
  const [laptop, tablet] = [await party('laptop', base, {}, late), await party('tablet', chain, {}, late)]
  await meet(laptop, tablet)
  await until(() => laptop.memory.state.pending !== null)
  addDevice(chain, 'one', 'reader', keyPairs('new control'))
  await tablet.authenticator.publish(chain.events)
  addDevice(chain, 'two', 'reader', keyPairs('new control'))
  await tablet.authenticator.publish(chain.events)
  await until(() => laptop.refused.length > 0, { timeoutMs: 1_000 }).catch(() => {})
  expect(laptop.refused).toEqual([])
})

test('30 high: with README’s own lines a stranger who connects does not end the process by a rejection nobody handles', async () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const lines = /^swarm\.on\('connection'[\s\S]*?^}\)$/m.exec(readme)?.[0] ?? ''
  const base = family()
  const [laptop, stranger] = [await party('laptop', base), await party('stranger', base)]
  let handler: (connection: unknown) => Promise<void> = async () => {}
  const swarm = { on: (_: string, given: typeof handler) => void (handler = given) }
  // oxlint-disable-next-line no-implied-eval
  new Function('swarm', 'authenticator', 'store', lines)(swarm, laptop.authenticator, {
    replicate: () => {}
  })
  const [one, other] = connect()
  const answered = codeOfAsync(stranger.authenticator.authenticate(other))
  expect(await codeOfAsync(handler(one))).toBe(null)
  await answered
})

test('31 high: a connection without a hash of its handshake is refused: what was said on one would do on another', async () => {
  const base = family()
  const laptop = await party('laptop', base)
  const unbound = (connection: NoiseSecretStream): NoiseSecretStream =>
    new Proxy(connection, {
      get: (stream, name) => {
        if (name === 'handshakeHash') return null
        const value: unknown = Reflect.get(stream, name)
        return typeof value === 'function' ? value.bind(stream) : value
      }
    })
  const [one, other] = connect()
  const asked = codeOfAsync(laptop.authenticator.authenticate(unbound(one)))
  await other.opened
  // Recorded on another such connection; whoever replays it has no key.
  const place = { identity: base.state.identity, handshakeHash: new Uint8Array(0), isInitiator: false }
  const { seq, hash } = base.state
  const recorded = encodeHello({ device: keyPair('phone').publicKey, seq, hash }, place, keyPair('phone'))
  const channel = Protomux.from(other).createChannel<Uint8Array>({
    protocol: 'cloudpal/key-rotation/1',
    id: channelId(base.state.identity),
    unique: true,
    handshake: c.raw
  })
  for (let i = 0; i < 2; i++) channel?.addMessage<Uint8Array>({ encoding: c.raw })
  channel?.open(recorded)
  expect(await asked).not.toBe(null)
})

test('32 high: one event of a stranger does not cost a verification of the whole chain', async () => {
  const base = family()
  for (let i = 0; i < 200; i++) addDevice(base, `reader ${i}`, 'reader')
  const laptop = await party('laptop', base)
  const [one, other] = connect()
  const asked = codeOfAsync(laptop.authenticator.authenticate(one))
  const send = await speak(other, base, createKeyPair(), 10 ** 6)
  // The last event, with another time: its signature is not right, and everything before it is known.
  const last = base.events.at(-1) as Uint8Array
  const changed = Uint8Array.from(last)
  changed[2 + 32 + 1 + 32 + 1] = (changed[2 + 32 + 1 + 32 + 1] as number) ^ 1
  const spy = vi.spyOn(hypercoreCrypto, 'verify')
  try {
    send(encodeEvents(base.state.seq, [...base.events.slice(0, -1), changed]).message)
    expect(await asked).toMatch(/^KEY_ROTATION_/)
    expect(spy.mock.calls.length).toBeLessThan(20)
  } finally {
    spy.mockRestore()
  }
})

// ---------------------------------------------------------------- cores

/** A follower that has read a thief's second history of the core `notes`, and the chain that goes on from the right one. */
async function misled() {
  const [mine, thiefs, theirs] = [await tmpStore(), await tmpStore(), await tmpStore()]
  const pair = createKeyPair()
  const [old, second] = [mine.get({ keyPair: pair }), thiefs.get({ keyPair: pair })]
  await Promise.all([old.ready(), second.ready()])
  await old.append(['one', 'two', 'three'])
  await second.append(['one', 'something', 'else'])
  const chain = named('notes', old)
  const wire = replicate(thiefs, theirs)
  const follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 3; i++) await follower.next()
  await wire.destroy()
  const core = await roll(mine, chain, 'notes', old)
  await carryBlocks(old, core)
  await core.append('four')
  return { mine, theirs, chain, core, follower }
}

describe('33 high: a follower that has read a thief’s second history is told, and not led on', () => {
  test('also when it hears of a second roll-over before it has read on', async () => {
    const { mine, theirs, chain, core, follower } = await misled()
    await follower.update(chain.state)
    const third = await roll(mine, chain, 'notes', hypercore(core))
    await carryBlocks(core, third)
    await third.append('five')
    replicate(mine, theirs)
    await follower.update(chain.state)
    await expect(follower.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
    await follower.close()
  })

  test('also when it is started again before it has read on', async () => {
    const { mine, theirs, chain, follower } = await misled()
    await follower.update(chain.state)
    const { position, core } = follower
    await follower.close()
    await using again = new CoreFollower(theirs, 'notes', { position, core })
    replicate(mine, theirs)
    await again.update(chain.state)
    await expect(again.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  })
})

test('34 high: blocks in the place of some that were read and truncated are not left out', async () => {
  const store = await tmpStore()
  const core = await filled(store, 'notes', 10)
  const chain = named('notes', core)
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 10; i++) await follower.next()
  await core.truncate(5)
  await core.append(['a', 'b', 'c', 'd', 'e', 'f'])
  const next = await follower.next().catch((error: { code?: string }) => error.code ?? '')
  // Either it says so, or it reads what took their place.
  expect(typeof next === 'string' ? next : String(next?.block)).toMatch(/^(a|KEY_ROTATION_.+)$/)
})

test('36 critical: what is carried over while somebody with the old key forks the old core is still the history that counts', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 10)
  const core = await roll(store, named('notes', old), 'notes', old)
  const { storage } = (old as unknown as { core: { state: { storage: { read(): Reader } } } }).core.state
  const read = storage.read.bind(storage)
  let calls = 0
  storage.read = () => {
    // The third is for the blocks; both histories have been compared by then. A fork comes in before the disk answers.
    if (++calls !== 3) return read()
    const forking = old.truncate(4).then(() => old.append(Array.from({ length: 6 }, () => 'the thief’s')))
    const later = async <T>(ask: (reader: Reader) => Promise<T>): Promise<T> => {
      await forking
      const reader = read()
      const asked = ask(reader)
      reader.tryFlush()
      return asked
    }
    return {
      getBlock: (index) => later((reader) => reader.getBlock(index)),
      getTreeNode: (index) => later((reader) => reader.getTreeNode(index)),
      tryFlush: () => {}
    }
  }
  await codeOfAsync(carryBlocks(old, core))
  const seventh = (await core.get(7, { wait: false })) as Uint8Array | null
  expect(seventh === null ? 'block 7' : String(seventh)).toBe('block 7')
})

interface Reader {
  getBlock(index: number): Promise<Uint8Array | null>
  getTreeNode(index: number): Promise<unknown>
  tryFlush(): void
}

test('37 medium: a core that has more blocks than a chain can have is refused before they are all fetched', async () => {
  let gets = 0
  const core = {
    ready: async () => {},
    length: 70_000,
    get: async () => {
      gets++
      return bytesOf(1)
    }
  }
  expect([await codeOfAsync(readChain(core)), gets <= 65_536]).toEqual(['KEY_ROTATION_TOO_LARGE', true])
})

test('38 low: the same event with more signatures is no other event for a core that has a chain', async () => {
  const chain = ada()
  addDevice(chain, 'laptop', 'admin')
  const request = requestToJoin(chain.state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(chain.state, { ...request, kind: 'addDevice' }, START)
  const [one, two] = ['control 0', 'laptop'].map((name) => signProposal(proposal, keyPair(name)))
  const events = [sealProposal(proposal, one ?? []), sealProposal(proposal, [...(one ?? []), ...(two ?? [])])]
  const store = await tmpStore()
  const core = store.get({ name: 'chain' })
  await writeChain(core, [...chain.events, events[0] as Uint8Array])
  expect(await codeOfAsync(writeChain(core, [...chain.events, events[1] as Uint8Array]))).toBe(null)
})

test('35 medium: who has decided for one history stays connected to a device that still has the other', async () => {
  const base = family()
  const [one, other] = [copyOf(base), copyOf(base)]
  addDevice(one, 'one')
  addDevice(other, 'other')
  const [laptop, tablet] = [await party('laptop', one), await party('tablet', other)]
  const ends = await meet(laptop, tablet)
  await until(() => laptop.memory.duplicity !== null && tablet.memory.duplicity !== null)
  await laptop.memory.choose(0)
  for (const end of ends) end.destroy()
  await meet(laptop, tablet)
  await until(() => laptop.refused.length > 0, { timeoutMs: 1_000 }).catch(() => {})
  expect(laptop.refused).toEqual([])
})

test('39 medium: who has seen two histories tells a third device of both', async () => {
  const base = family()
  const [one, other] = [copyOf(base), copyOf(base)]
  addDevice(one, 'one')
  addDevice(other, 'other')
  const [laptop, phone] = [await party('laptop', one), await party('phone', base)]
  await codeOfAsync(laptop.memory.receive(other.events))
  await meet(laptop, phone)
  await until(() => phone.memory.state.seq === 4)
  await until(() => phone.memory.duplicity !== null, { timeoutMs: 1_000 })
})

test('40 medium: a chain that has a clock refuses an event of a time that is still to come, as memories do', () => {
  const chain = ada()
  const request = requestToJoin(chain.state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(chain.state, { ...request, kind: 'addDevice' }, START + 400 * DAY)
  const event = sealProposal(proposal, signProposal(proposal, keyPair('control 0')))
  expect(codeOf(() => chain.append(event))).toBe('KEY_ROTATION_BAD_TIME')
})

test('41 medium: both sides call `authenticate` at any time, also the one when the other has long spoken', async () => {
  const base = family()
  const [laptop, phone] = [await party('laptop', base), await party('phone', base)]
  const [one, other] = connect()
  // The app replicates something else meanwhile, or opens its memory first.
  Protomux.from(other)
  const asked = laptop.authenticator.authenticate(one).then(
    ({ name }) => name,
    (error: { code: string }) => error.code
  )
  await other.opened
  for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next))
  const answer = await codeOfAsync(phone.authenticator.authenticate(other))
  expect([await asked, answer]).toEqual(['phone', null])
})

test('42 medium: blocks are carried in pieces of a bounded size, not of 8,192 blocks: those of a drive have 64 KB', async () => {
  const store = await tmpStore()
  const old = store.get({ name: 'blobs' })
  await old.ready()
  await old.append(Array.from({ length: 512 }, () => Buffer.alloc(65_536, 1)))
  const core = await roll(store, named('blobs', old), 'blobs', old)
  const { storage } = (old as unknown as { core: { state: { storage: { read(): Reader } } } }).core.state
  const read = storage.read.bind(storage)
  let most = 0
  storage.read = () => {
    const reader = read()
    const getBlock = reader.getBlock.bind(reader)
    let count = 0
    reader.getBlock = (index) => {
      most = Math.max(most, ++count)
      return getBlock(index)
    }
    return reader
  }
  expect(await carryBlocks(old, core)).toBe(512)
  expect((most * 65_536) / 1024 / 1024).toBeLessThanOrEqual(16)
})

test('43 low: two memories on one store do not take back what one of them has seen', async () => {
  const chain = ada()
  const store = ram()
  const { identity } = chain.state
  const [one, two] = [
    await IdentityMemory.open(store, identity, chain.toBytes()),
    await IdentityMemory.open(store, identity, chain.toBytes())
  ]
  addDevice(chain, 'phone')
  const shorter = chain.toBytes()
  addDevice(chain, 'tablet')
  await one.receive(chain.toBytes())
  await codeOfAsync(two.receive(shorter))
  expect((await IdentityMemory.open(store, identity)).state.seq).toBe(2)
})

test('44 low: an archive that cannot be reached is no archive of another history: what it throws passes through', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 3)
  const plan = planRoll(await endOf(old), { signers: publicKeys('writer') })
  const source = { proof: () => Promise.reject(Object.assign(new Error('offline'), { code: 'ECONNRESET' })) }
  expect(await codeOfAsync(startRoll(store, plan, source))).toBe('ECONNRESET')
  const core = await startRoll(store, plan, old)
  expect(await codeOfAsync(pullBlocks(source, core))).toBe('ECONNRESET')
})

test('45 medium: with `wait: false` nothing waits for peers, also where the core has an end', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const core = await filled(mine, 'notes', 64)
  const chain = named('notes', core)
  const wire = replicate(mine, theirs)
  const copy = theirs.get({ key: core.key as Uint8Array })
  await copy.ready()
  await copy.get(63)
  await wire.cut()
  const end = await endOf(core, 37)
  const state = { ...chain.state, cutOffs: new Map([[Buffer.from(end.core).toString('hex'), end]]) }
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(state)
  let outcome: unknown = 'waits'
  void follower.next({ wait: false }).then(
    (next) => (outcome = next),
    (error: unknown) => (outcome = error)
  )
  await until(() => outcome !== 'waits', { timeoutMs: 2_000 }).catch(() => {})
  expect(outcome).toBe(null)
})

test('46 high: who publishes what it wrote after an old event is told, and freezes nothing: nobody else has seen it', async () => {
  const base = family()
  const laptop = await party('laptop', base)
  // As README has it: a Sigchain, and a memory that hears of others.
  const mine = copyOf(base)
  const others = copyOf(base)
  addDevice(others, 'from the tablet')
  await laptop.memory.receive(others.events)
  addDevice(mine, 'from the laptop')
  expect(await codeOfAsync(laptop.authenticator.publish(mine.events))).toMatch(/^KEY_ROTATION_/)
  expect(laptop.memory.duplicity).toBe(null)
})

test('47 medium: a recovery that was held back is taken in when its time has come, without a new connection', async () => {
  const base = family()
  const { chain, late } = recovered(base)
  const clock = manualTime(late)
  const memory = await IdentityMemory.open(ram(), base.state.identity, base.toBytes(), { now: clock })
  const laptop = new Authenticator(memory, keyPair('laptop'), { now: clock })
  const tablet = await party('tablet', chain, { now: clock }, late)
  const [one, other] = connect()
  await Promise.all([laptop.authenticate(one), tablet.authenticator.authenticate(other)])
  await until(() => memory.state.pending !== null)
  clock.at += 8 * DAY
  laptop.refresh()
  tablet.authenticator.refresh()
  await until(() => memory.state.seq === chain.state.seq, { timeoutMs: 1_000 })
})

test.each([['another device'], ['nobody']])(
  '48 high: a core that a stolen admin has named for %s ends with the admin',
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

test('24 critical: also when the shorter history has let the device in that is connected', async () => {
  const base = family()
  const [mine, thiefs] = [copyOf(base), copyOf(base)]
  addDevice(mine, 'new phone')
  addDevice(thiefs, 'one')
  addDevice(thiefs, 'two')
  const [phone, tablet] = [await party('new phone', mine), await party('tablet', thiefs)]
  const ends = connect()
  await Promise.all([
    codeOfAsync(phone.authenticator.authenticate(ends[0])),
    codeOfAsync(tablet.authenticator.authenticate(ends[1]))
  ])
  await until(() => tablet.memory.duplicity !== null || phone.memory.duplicity !== null, {
    timeoutMs: 2_000
  })
})

test('49 medium: a follower reads on where only the old core has the blocks, on the same connection', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 10)
  const chain = named('notes', old)
  const core = await roll(mine, chain, 'notes', old)
  await core.append('block 10')
  replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  let block: unknown = null
  void follower.next().then(
    (next) => (block = next?.block),
    () => {}
  )
  await until(() => block !== null, { timeoutMs: 2_000 }).catch(() => {})
  expect(String(block)).toBe('block 0')
})

test('50 high: a name whose core was empty when its device was revoked can be gone on with', async () => {
  const store = await tmpStore()
  const empty = await filled(store, 'notes', 0)
  const chain = family()
  const phone = keyPair('phone').publicKey
  const control = keyPairs('control 0')
  const first = { name: 'notes', core: empty.key as Uint8Array, previous: null }
  chain.rollCore({ device: phone, rolls: [first] }, control)
  const end = await endOf(empty)
  chain.revokeDevice(phone, { reason: 'lost', cutOffs: [end] }, control)
  const fresh = await filled(store, 'fresh', 2)
  const core = fresh.key as Uint8Array
  const ways: (() => Promise<void>)[] = [
    async () => {
      const plan = planRoll(end, { signers: publicKeys('laptop') })
      await (await startRoll(store, plan, empty)).close()
    },
    async () => void chain.rollCore({ rolls: [{ name: 'notes', core, previous: null }] }, control),
    async () => {
      chain.rollCore({ rolls: [{ name: 'notes', core, previous: end }] }, control)
      await using follower = new CoreFollower(store, 'notes')
      await follower.update(chain.state)
      expect(await follower.next()).not.toBe(null)
    }
  ]
  const codes: (string | null)[] = []
  for (const way of ways) codes.push(await codeOfAsync(way()))
  expect(codes).toContain(null)
})

test('51 high: a block that was asked for before an end was heard of does not count after it', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const core = await filled(mine, 'notes', 10)
  const chain = named('notes', core)
  const wire = replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 7; i++) await follower.next()
  await wire.cut()
  const asked = follower.next().catch(() => null)
  const end = await endOf(core, 5)
  const state = { ...chain.state, cutOffs: new Map([[Buffer.from(end.core).toString('hex'), end]]) }
  expect(await follower.update(state)).toMatchObject({ start: 5, end: 7 })
  wire.heal()
  expect([await asked, follower.position]).toEqual([null, 5])
})

describe('52 high: README: “who has the present keys can freeze an identity”, and so nobody else', () => {
  test('not who has keys that were rotated away', async () => {
    const chain = family()
    const branch = copyOf(chain)
    chain.rotate(keysOf('control 1', 'control 2'), keyPairs('control 0', 'control 1'))
    addDevice(branch, 'thief', 'reader', keyPairs('control 0'))
    const memory = await memoryOf(chain)
    await codeOfAsync(memory.receive(branch.events))
    expect(memory.duplicity).toBe(null)
  })

  test('not an admin that was revoked, by a connection of a stranger', async () => {
    const chain = family()
    const branch = copyOf(chain)
    chain.revokeDevice(keyPair('laptop').publicKey, lost, keyPairs('control 0'))
    addDevice(branch, 'thief', 'reader', keyPairs('laptop'))
    const tablet = await party('tablet', chain)
    const [one, other] = connect()
    const asked = codeOfAsync(tablet.authenticator.authenticate(one))
    const send = await speak(other, chain, createKeyPair(), 10 ** 6)
    send(encodeEvents(0, branch.events).message)
    await until(() => tablet.memory.duplicity !== null, { timeoutMs: 1_000 }).catch(() => {})
    expect(tablet.memory.duplicity).toBe(null)
    one.destroy()
    await asked
  })
})

describe('53 high: what is appended to a core of several signers reaches peers, or is refused at once', () => {
  test.each([
    ['one', 1, 1],
    ['two, of whom one signs', 2, 1],
    ['two, who both sign', 2, 2]
  ])('%s', async (_, count, quorum) => {
    const [mine, theirs] = [await tmpStore(), await tmpStore()]
    const old = await filled(mine, 'notes', 5)
    const pairs = [createKeyPair(), createKeyPair()].slice(0, count)
    const plan = planRoll(await endOf(old), { signers: pairs.map(({ publicKey }) => publicKey), quorum })
    let appended = true
    const core = await startRoll(mine, plan, old, { keyPair: pairs[0] as KeyPair }).catch(() => null)
    await core?.append('block 5').catch(() => (appended = false))
    if (core === null || !appended) return
    replicate(mine, theirs)
    const copy = theirs.get({ key: plan.core })
    await copy.ready()
    let block: unknown = null
    void copy.get(5).then(
      (value) => (block = value),
      () => {}
    )
    await until(() => block !== null, { timeoutMs: 3_000 }).catch(() => {})
    expect(String(block)).toBe('block 5')
  })
})

test('54 medium: a signer of a core that stands twice is refused: it would count twice', () => {
  const end = { core: bytesOf(1), fork: 0, length: 1, treeHash: bytesOf(2) }
  const [key] = publicKeys('a') as [Uint8Array]
  expect(codeOf(() => planRoll(end, { signers: [key, key], quorum: 2 }))).not.toBe(null)
})

test('55 medium: a second authenticator of the same identity does not end the connection of the first', async () => {
  const base = family()
  const [laptop, phone] = [await party('laptop', base), await party('phone', base)]
  const [end] = await meet(laptop, phone)
  const second = new Authenticator(laptop.memory, keyPair('laptop'), { now: () => START })
  expect(await codeOfAsync(second.authenticate(end))).toBe('KEY_ROTATION_CLOSED')
  expect(end.destroying).toBe(false)
})
