import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  apply,
  createKeyPair,
  createReceipt,
  decodeChain,
  decodeEvent,
  encodeChain,
  propose,
  readReceipt,
  requestToJoin,
  sealProposal,
  Sigchain,
  signProposal,
  verify
} from '../src/index.ts'
import { MAX_EVENTS } from '../src/format/chain.ts'
import { fullChain } from './full-chain.ts'
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

const chain = fullChain()
const trusted = chain.state.identity
const [first, second] = chain.events as [Uint8Array, Uint8Array]

/** An event with other bytes at a place. */
function changed(event: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = Buffer.from(event)
  copy.set(bytes, at)
  return copy
}

describe('events', () => {
  test.each<[what: string, event: unknown, code: string]>([
    ['of a newer version', changed(first, 0, 2), 'KEY_ROTATION_NEWER_FORMAT'],
    ['of version 0', changed(first, 0, 0), 'KEY_ROTATION_MALFORMED'],
    ['of an unknown kind', changed(second, 1, 9), 'KEY_ROTATION_UNKNOWN_EVENT'],
    ['of kind 0', changed(second, 1, 0), 'KEY_ROTATION_UNKNOWN_EVENT'],
    ['cut off', second.subarray(0, -1), 'KEY_ROTATION_MALFORMED'],
    ['empty', new Uint8Array(0), 'KEY_ROTATION_MALFORMED'],
    ['with something after it', Buffer.concat([second, Uint8Array.of(0)]), 'KEY_ROTATION_NOT_CANONICAL'],
    ['too large', new Uint8Array(8193), 'KEY_ROTATION_TOO_LARGE'],
    ['no bytes', 'an event', 'KEY_ROTATION_MALFORMED'],
    [
      'with a number that could be shorter',
      Buffer.concat([second.subarray(0, 34), Uint8Array.of(0xfd, 1, 0), second.subarray(35)]),
      'KEY_ROTATION_NOT_CANONICAL'
    ],
    [
      'with a number above 2⁵³',
      Buffer.concat([second.subarray(0, 34), new Uint8Array(9).fill(255), second.subarray(35)]),
      'KEY_ROTATION_MALFORMED'
    ]
  ])('%s', (_, event, code) => {
    expect(codeOf(() => decodeEvent(event as Uint8Array))).toBe(code)
  })

  test('a name that is no UTF-8', () => {
    const at = Buffer.from(second).indexOf('laptop')
    expect(codeOf(() => decodeEvent(changed(second, at, 0xff)))).toBe('KEY_ROTATION_MALFORMED')
  })

  test('of another identity, without an inception, with two', () => {
    const other = ada(manualTime(), 'another')
    expect(codeOf(() => apply(other.state, second))).toBe('KEY_ROTATION_WRONG_IDENTITY')
    expect(codeOf(() => apply(null, second))).toBe('KEY_ROTATION_OUT_OF_ORDER')
    expect(codeOf(() => apply(other.state, first))).toBe('KEY_ROTATION_OUT_OF_ORDER')
  })

  test('that was written after another one', () => {
    const [one, other] = [ada(), ada()]
    addDevice(one, 'laptop')
    addDevice(other, 'phone')
    addDevice(other, 'tablet')
    expect(codeOf(() => one.append(other.events[2] as Uint8Array))).toBe('KEY_ROTATION_BROKEN_CHAIN')
  })

  test('clock nonsense', () => {
    const late = ada(manualTime(START + DAY))
    const at = (time: number): string | null => {
      const request = requestToJoin(late.state.identity, keyPair('phone'), { name: 'phone' })
      return codeOf(() => {
        const proposal = propose(late.state, { ...request, kind: 'addDevice' }, time)
        apply(late.state, sealProposal(proposal, signProposal(proposal, keyPair('control 0'))))
      })
    }
    expect([at(0), at(START + DAY - 1), at(2 ** 48 + 1), at(2 ** 53 - 1)]).toEqual(
      Array(4).fill('KEY_ROTATION_BAD_TIME')
    )
    expect([at(-1), at(0.5), at(NaN), at(2 ** 53)]).toEqual(Array(4).fill('KEY_ROTATION_BAD_ARGUMENT'))
    expect(at(START + DAY)).toBe(null)
    expect(codeOf(() => addDevice(late, 'guest', 'reader', keyPairs('control 0'), START + DAY))).toBe(
      'KEY_ROTATION_BAD_TIME'
    )
  })

  test('thresholds that are none', () => {
    const start = (threshold: number, next = 1): string | null =>
      codeOf(() =>
        Sigchain.incept({
          control: { keys: publicKeys('a', 'b'), threshold },
          next: { keys: publicKeys('c'), threshold: next },
          signers: keyPairs('a', 'b')
        })
      )
    expect([start(0), start(3), start(2, 0), start(2, 2)]).toEqual(
      Array(4).fill('KEY_ROTATION_BAD_THRESHOLD')
    )
    expect(start(2)).toBe(null)
    const none = { keys: [], threshold: 0 }
    expect(codeOf(() => Sigchain.incept({ control: none, next: none, signers: [] }))).toBe(
      'KEY_ROTATION_BAD_THRESHOLD'
    )
    const recovery = { quorum: { keys: publicKeys('f'), threshold: 1 }, delayMs: 101 * 365 * DAY }
    expect(
      codeOf(() =>
        Sigchain.incept({
          control: { keys: publicKeys('a') },
          next: { keys: publicKeys('c') },
          recovery,
          signers: keyPairs('a')
        })
      )
    ).toBe('KEY_ROTATION_BAD_TIME')
  })

  test('devices and cores that are not there', () => {
    const own = ada()
    const device = keyPair('nobody').publicKey
    expect(codeOf(() => own.revokeDevice(device, { reason: 'lost' }, keyPairs('control 0')))).toBe(
      'KEY_ROTATION_DEVICE_UNKNOWN'
    )
    const roll = (name: string, previous: object | null): string | null =>
      codeOf(() =>
        own.rollCore(
          { rolls: [{ name, core: bytesOf(1), previous: previous as never }] },
          keyPairs('control 0')
        )
      )
    const end = { core: bytesOf(2), fork: 0, length: 1, treeHash: bytesOf(3) }
    expect([roll('', null), roll('notes', end)]).toEqual(Array(2).fill('KEY_ROTATION_CORE_MISMATCH'))
    expect(roll('x'.repeat(65), null)).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(roll('notes', null)).toBe(null)
    expect(roll('notes', { ...end, core: bytesOf(1) })).toBe('KEY_ROTATION_CORE_REUSED')
    expect(codeOf(() => own.vetoRecovery(keyPairs('control 0')))).toBe('KEY_ROTATION_NO_RECOVERY')
    const without = Sigchain.incept({
      control: { keys: publicKeys('a') },
      next: { keys: publicKeys('b') },
      signers: keyPairs('a')
    })
    const keys = { control: { keys: publicKeys('c') }, next: { keys: publicKeys('d') } }
    expect(codeOf(() => without.announceRecovery(keys, keyPairs('c')))).toBe('KEY_ROTATION_NO_RECOVERY')
  })
})

describe('chains', () => {
  test.each<[what: string, chain: unknown, code: string]>([
    ['no bytes', 'a chain', 'KEY_ROTATION_BAD_ARGUMENT'],
    ['nothing', undefined, 'KEY_ROTATION_BAD_ARGUMENT'],
    ['of a newer version', Uint8Array.of(2, 0), 'KEY_ROTATION_NEWER_FORMAT'],
    ['of version 0', Uint8Array.of(0, 0), 'KEY_ROTATION_MALFORMED'],
    ['with events that are no bytes', [1, null], 'KEY_ROTATION_MALFORMED'],
    [
      'that says it has very many events',
      Uint8Array.of(1, 0xfe, 255, 255, 255, 255),
      'KEY_ROTATION_TOO_LARGE'
    ],
    ['that says it has more than it has', Uint8Array.of(1, 200), 'KEY_ROTATION_MALFORMED'],
    [
      'with an event that says it is very large',
      Uint8Array.of(1, 1, 0xfd, 255, 255),
      'KEY_ROTATION_TOO_LARGE'
    ],
    ['over-long', Array.from({ length: MAX_EVENTS + 1 }, () => first), 'KEY_ROTATION_TOO_LARGE'],
    ['with something after it', Buffer.concat([chain.toBytes(), Uint8Array.of(0)]), 'KEY_ROTATION_MALFORMED'],
    [
      'whose count could be shorter',
      Buffer.concat([Uint8Array.of(1, 0xfd, chain.events.length, 0), chain.toBytes().subarray(2)]),
      'KEY_ROTATION_NOT_CANONICAL'
    ],
    ['of somebody else', ada(manualTime(), 'another').toBytes(), 'KEY_ROTATION_WRONG_IDENTITY'],
    ['without its inception', encodeChain(chain.events.slice(1)), 'KEY_ROTATION_OUT_OF_ORDER']
  ])('%s', (_, given, code) => {
    expect(codeOf(() => verify(given as Uint8Array, { trusted }))).toBe(code)
  })

  test('what is read of a chain does not change with the caller’s bytes', () => {
    const bytes = chain.toBytes()
    const [event] = decodeChain(bytes) as [Uint8Array]
    bytes.fill(0)
    expect(Buffer.from(event).equals(first)).toBe(true)
  })
})

describe('arguments', () => {
  test('pins, clocks and witnesses of a wrong form', () => {
    const given = (options: object): string | null => codeOf(() => verify(chain.toBytes(), options as never))
    for (const options of [
      { trusted: bytesOf(1, 31) },
      { trusted: 'ada' },
      { trusted: { identity: trusted, seq: 1 } },
      { trusted: { identity: trusted, hash: bytesOf(1) } },
      { trusted: { identity: trusted, seq: -1, hash: bytesOf(1) } },
      { trusted: { identity: trusted, seq: 1, hash: bytesOf(1, 31) } },
      { trusted, now: -1 },
      { trusted, now: '2026' },
      { trusted, witnesses: { receipts: 'none' } },
      { trusted, witnesses: { receipts: [], need: 0.5 } },
      { trusted, witnesses: { receipts: [], keys: [bytesOf(1, 31)] } },
      { trusted, witnesses: { receipts: [], keys: 1 } }
    ])
      expect({ options, code: given(options) }).toEqual({ options, code: 'KEY_ROTATION_BAD_ARGUMENT' })
  })

  test('receipts that are none count for nothing, and say why', () => {
    const receipt = createReceipt(chain.state, keyPair('laptop'), START)
    const others = createReceipt(chain.state, keyPair('stranger'), START)
    const elsewhere = createReceipt(ada(manualTime(), 'another').state, keyPair('laptop'), START)
    const receipts = [
      changed(receipt, 40, 1),
      changed(receipt, 0, 2),
      new Uint8Array(3),
      others,
      elsewhere,
      receipt
    ]
    const { witnesses } = verify(chain.toBytes(), { trusted, witnesses: { receipts } })
    expect(witnesses.confirmed).toHaveLength(1)
    expect(witnesses.refused.map(({ code }) => code)).toEqual([
      'KEY_ROTATION_BAD_SIGNATURE',
      'KEY_ROTATION_NEWER_FORMAT',
      'KEY_ROTATION_MALFORMED',
      null,
      'KEY_ROTATION_WRONG_IDENTITY'
    ])
    expect(codeOf(() => readReceipt('a receipt' as never))).toBe('KEY_ROTATION_MALFORMED')
  })

  test('key pairs and seeds that are none', () => {
    const own = ada()
    const bad = { publicKey: bytesOf(1), secretKey: bytesOf(1) }
    expect(codeOf(() => own.vetoRecovery([bad]))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(codeOf(() => own.vetoRecovery(undefined as never))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(codeOf(() => createReceipt(own.state, bad, 0))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(codeOf(() => createKeyPair(bytesOf(1, 31)))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(
      codeOf(() => requestToJoin(own.state.identity, keyPair('a'), { name: 'x', role: 'owner' as never }))
    ).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(codeOf(() => propose(own.state, { kind: 'recover' } as never, START))).toBe(
      'KEY_ROTATION_BAD_ARGUMENT'
    )
  })
})

test('every code that this package can say of an event is met in these tests', () => {
  const union = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8')
  const codes = [...union.matchAll(/'(KEY_ROTATION_\w+)'/g)].map(([, code]) => code ?? '')
  const tests = [
    'bad-input',
    'attacks',
    'block-judge',
    'core-follower',
    'drive-thieves',
    'rollover',
    'memory',
    'authenticator',
    'timestamp',
    'upstream'
  ]
    .map((name) => readFileSync(new URL(`${name}.test.ts`, import.meta.url), 'utf8'))
    .join('')
  expect(codes.filter((code) => !tests.includes(code))).toEqual([])
})
