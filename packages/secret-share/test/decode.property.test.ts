import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as api from '../src/index.ts'
import type { RecoveryAsk, Share } from '../src/index.ts'
import { hash } from '../src/crypto/crypto.ts'
import { given, meeting, spoken } from './meetings.ts'
import { bytesOf, deal, friends, sharesOf } from './sets.ts'

const set = deal(bytesOf(100))
const [share] = sharesOf(set) as [Share]
const keys = api.holderKeyPair()
const question = api.challenge(set.sheet, 1)

/** A device that has revealed its part, and waits for the share. */
function waiting(): RecoveryAsk {
  return meeting(new api.Recovery({ label: 'a' })).ask
}

/** A friend who has begun, and waits for the device's part. */
function begun(): api.RecoveryHelp {
  const help = new api.RecoveryHelp()
  help.receive(new api.Recovery({ label: 'a' }).ask('Ann').hello())
  help.begin()
  return help
}

/** All that reads what others have written, with something that it reads well. */
const readers: [name: string, sample: Uint8Array, read: (bytes: Uint8Array) => unknown][] = [
  ['share', share.toBytes(), (bytes) => api.verifyShare(bytes, set.sheet)],
  ['sheet', set.sheet.toBytes(), (bytes) => api.SetSheet.fromBytes(bytes)],
  ['sealed', api.sealShare(share, keys.publicKey), (bytes) => api.openShare(bytes, keys)],
  ['challenge', question, (bytes) => api.answer(share, bytes)],
  ['answer', api.answer(share, question), (bytes) => api.check(set.sheet, question, bytes)],
  [
    'request',
    new api.Recovery({ label: 'a' }).ask('Ann').hello(),
    (bytes) => new api.RecoveryHelp().receive(bytes)
  ],
  ['reply', meeting().reply, (bytes) => new api.Recovery({ label: 'a' }).ask('Ann').receive(bytes)],
  ['reveal', meeting().reveal, (bytes) => begun().receive(bytes)],
  ['refusal', new api.RecoveryHelp().refuse(), (bytes) => waiting().receive(bytes)],
  ['help', signedHelp(), (bytes) => waiting().receive(bytes)],
  ['saved recovery', savedRecovery(), (bytes) => api.Recovery.fromBytes(bytes)],
  ['saved help', meeting().help.toBytes(), (bytes) => api.RecoveryHelp.fromBytes(bytes)]
]

function signedHelp(): Uint8Array {
  const { ask, help } = meeting()
  return help.approve(share, spoken(ask), set.sheet)
}

function savedRecovery(): Uint8Array {
  const recovery = new api.Recovery({ label: 'Ada’s cloud' })
  given(recovery, 'Ann', share)
  meeting(recovery, 'Bob')
  return recovery.toBytes()
}

const withChecksum = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from([...bytes, ...hash('checksum', [bytes]).slice(0, 4)])

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), byte: fc.nat(40) }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) })
)

function mutate(
  bytes: Uint8Array,
  { kind, at, byte }: { kind: string; at: number; byte: number }
): Uint8Array {
  const place = at % (bytes.length + 1)
  if (kind === 'cut') return Uint8Array.from([...bytes.slice(0, place), ...bytes.slice(place + byte)])
  const rest = bytes.slice(kind === 'set' ? place + 1 : place)
  return Uint8Array.from([...bytes.slice(0, place), byte, ...rest])
}

test.each(readers)(
  'whatever is read as a %s, whole by its checksum, is read or refused with a code',
  (_, sample, read) => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const changed = withChecksum(mutations.reduce(mutate, Uint8Array.from(sample.slice(0, -4))))
        try {
          read(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(api.SecretShareError)
        }
      }),
      { numRuns: 400 }
    )
  }
)

test.each(readers)('noise read as a %s is refused with a code', (_, __, read) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      expect(() => read(noise)).toThrow('SECRET_SHARE_DAMAGED')
    }),
    { numRuns: 100 }
  )
})

test.each(readers)('what is no bytes at all is refused with a code when read as a %s', (_, __, read) => {
  for (const nothing of [null, undefined, 7, {}, []]) {
    expect(() => read(nothing as never)).toThrow(/^SECRET_SHARE_(DAMAGED|BAD_ARGUMENT)/)
  }
})

test('noise as text is refused with a code', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (noise) => {
      for (const text of [noise, `cpshare1${noise}`]) {
        expect(() => api.verifyShare(text)).toThrow(/^SECRET_SHARE_(NOT_A_SHARE|BAD_TEXT)/)
      }
    })
  )
})

test('every secret, threshold, crowd and order comes back; one share fewer never does', () => {
  const world = fc.integer({ min: 2, max: 12 }).chain((count) =>
    fc.record({
      count: fc.constant(count),
      threshold: fc.integer({ min: 2, max: count }),
      secret: fc.uint8Array({ minLength: 1, maxLength: 200 }),
      order: fc.shuffledSubarray(
        Array.from({ length: count }, (_, i) => i),
        { minLength: count, maxLength: count }
      )
    })
  )
  const dealer = api.dealerKeyPair()
  fc.assert(
    fc.property(world, ({ count, threshold, secret, order }) => {
      const made = api.split(secret, { threshold, holders: friends(count), label: 'x', dealer })
      const shares = order.map((at) => made.shares[at]?.share as Share)
      const found = api.combine(shares.slice(0, threshold), { sheet: made.sheet })
      expect(found.secret).toEqual(secret)
      expect(found.faults).toEqual([])
      expect(() => api.combine(shares.slice(1, threshold), { sheet: made.sheet })).toThrow(
        'SECRET_SHARE_TOO_FEW'
      )
    }),
    { numRuns: 60 }
  )
})

test('text of a share comes back from any white space put into it', () => {
  const text = api.shareToText(share)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(text.length), fc.constantFrom(' ', '\n', '\t', '-', '\u00A0'))),
      (spaces) => {
        const spaced = spaces.reduce((made, [at, space]) => made.slice(0, at) + space + made.slice(at), text)
        expect(api.verifyShare(spaced).toBytes()).toEqual(share.toBytes())
      }
    )
  )
})
