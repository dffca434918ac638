import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { testCleanup, tmpStore, until } from '@cloudpal/test-kit'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import b4a from 'b4a'
import c from 'compact-encoding'
import Protomux from 'protomux'
import { describe, expect, test, vi } from 'vitest'
import { Authenticator } from '../src/connections/index.ts'
import { channelId, encodeEvents, encodeHello } from '../src/connections/messages.ts'
import { CoreFollower, endOf, planRoll } from '../src/cores/index.ts'
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
import { filled } from './rolls.ts'

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

// ---------------------------------------------------------------- cores

test('40 medium: a chain that has a clock refuses an event of a time that is still to come, as memories do', () => {
  const chain = ada()
  const request = requestToJoin(chain.state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(chain.state, { ...request, kind: 'addDevice' }, START + 400 * DAY)
  const event = sealProposal(proposal, signProposal(proposal, keyPair('control 0')))
  expect(codeOf(() => chain.append(event))).toBe('KEY_ROTATION_BAD_TIME')
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
