import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recovery, RecoveryHelp, type Share } from '../src/index.ts'
import { concat } from '../src/bytes.ts'
import { KIND, unwrap, wrap } from '../src/format/wire.ts'
import { given, meeting, spoken } from './meetings.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const secret = bytesOf(32)
const shares = sharesOf(deal(secret))
const [share] = shares as [Share]

/** The app is ended, and started with what was saved. */
const restarted = (recovery: Recovery): Recovery => Recovery.fromBytes(recovery.toBytes())

/** What the device sends first over a new channel, and all that follows by itself. */
function reconnect(
  ask: { hello(): Uint8Array; receive(message: Uint8Array): Uint8Array | null },
  help: RecoveryHelp
) {
  let toFriend: Uint8Array | null = ask.hello()
  while (toFriend !== null) {
    const toDevice = help.receive(toFriend)
    toFriend = toDevice && ask.receive(toDevice)
  }
}

test('a channel that is cut at any place loses nothing: the next one goes on there', () => {
  const steps = fc.array(fc.boolean(), { minLength: 5, maxLength: 5 })
  fc.assert(
    fc.property(steps, (cuts) => {
      const [ask, help] = [new Recovery({ label: 'Ada’s cloud' }).ask('Ann'), new RecoveryHelp()]
      const arrives = (i: number): boolean => cuts[i] === false
      if (arrives(0)) help.receive(ask.hello())
      reconnect(ask, help)
      const reply = help.begin()
      const reveal = arrives(1) ? ask.receive(reply) : null
      if (reveal && arrives(2)) help.receive(reveal)
      reconnect(ask, help)
      const { code } = ask
      const sent = help.approve(share, spoken(ask))
      if (arrives(3)) ask.receive(sent)
      reconnect(ask, help)
      reconnect(ask, help)
      expect(ask.code).toEqual(code)
      ask.confirm(spoken(help))
      expect(ask.share?.toBytes()).toEqual(share.toBytes())
    }),
    { numRuns: 32 }
  )
})

test('a refusal that was lost comes over the next channel', () => {
  const { ask, help } = meeting()
  help.refuse()
  expect(() => reconnect(ask, help)).toThrow('SECRET_SHARE_REFUSED')
})

test('a friend whose app began anew is refused, and asked again', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  const { ask } = meeting(recovery)
  const anew = new RecoveryHelp()
  anew.receive(ask.hello())
  expect(() => ask.receive(anew.begin())).toThrow('SECRET_SHARE_OUT_OF_TURN')
  given(recovery, 'Ann', share)
  expect(recovery.received).toEqual(['Ann'])
})

test('a recovery goes on after a restart, wherever it was, and shares that had come are there', () => {
  let recovery = new Recovery({ label: 'Ada’s cloud' })
  given(recovery, 'Ann', shares[0] as Share)
  recovery = restarted(recovery)
  const bob = meeting(recovery, 'Bob')
  recovery = restarted(recovery)
  const again = recovery.asked[1]?.ask
  if (again === undefined) throw new Error('Bob is forgotten')
  expect(again.code).toEqual(bob.ask.code)
  again.receive(bob.help.approve(shares[1] as Share, spoken(again)))
  recovery = restarted(recovery)
  expect(recovery.received).toEqual(['Ann'])
  expect(recovery.asked[1]?.ask.arrived).toBe(true)
  recovery.asked[1]?.ask.confirm(spoken(bob.help))
  recovery = restarted(recovery)
  expect(recovery.received).toEqual(['Ann', 'Bob'])
  given(recovery, 'Cleo', shares[2] as Share)
  expect(restarted(recovery).combine().secret).toEqual(secret)
})

test('wrong codes are counted over a restart', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  const { ask, help } = meeting(recovery)
  ask.receive(help.approve(share, spoken(ask)))
  for (let time = 0; time < 2; time++) expect(() => ask.confirm('zebra able music')).toThrow('CODE_MISMATCH')
  const again = restarted(recovery).asked[0]?.ask
  expect(() => again?.confirm('zebra able music')).toThrow('CODE_MISMATCH')
  expect(() => again?.confirm(spoken(help))).toThrow('CODE_MISMATCH')
  expect(again?.share).toBeNull()
})

test('a friend’s app may be ended at any place as well, and goes on with the same part of the code', () => {
  const [ask, first] = [new Recovery({ label: 'Ada’s cloud' }).ask('Ann'), new RecoveryHelp()]
  const again = (help: RecoveryHelp): RecoveryHelp => RecoveryHelp.fromBytes(help.toBytes())
  let help = again(first)
  help.receive(ask.hello())
  help = again(help)
  expect(help.request?.label).toBe('Ada’s cloud')
  const reply = help.begin()
  help = again(help)
  expect(help.begin()).toEqual(reply)
  help.receive(ask.receive(reply) as Uint8Array)
  help = again(help)
  expect(() => help.approve(share, 'zebra able music')).toThrow('CODE_MISMATCH')
  help = again(help)
  const sent = help.approve(share, spoken(ask))
  const { code } = help
  help = again(help)
  expect(help.code).toEqual(code)
  expect(help.receive(ask.receive(reply) as Uint8Array)).toEqual(sent)
  ask.receive(sent)
  ask.confirm(spoken(help))
  expect(ask.share?.index).toBe(1)
  expect(() => help.approve(share, spoken(ask))).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('a friend’s wrong codes are counted over a restart, and so is a refusal', () => {
  const { ask, help } = meeting()
  for (let time = 0; time < 3; time++) {
    expect(() => help.approve(share, 'zebra able music')).toThrow('CODE_MISMATCH')
  }
  const again = RecoveryHelp.fromBytes(help.toBytes())
  expect(again.ready).toBe(false)
  expect(() => again.approve(share, spoken(ask))).toThrow('SECRET_SHARE_OUT_OF_TURN')
  help.refuse()
  const refused = RecoveryHelp.fromBytes(help.toBytes())
  expect([refused.ready, refused.code]).toEqual([false, null])
  expect(() => reconnect(ask, refused)).toThrow('SECRET_SHARE_REFUSED')
})

test('a saved help that was changed, cut, or put together of two is refused', () => {
  const [one, two] = [meeting(), meeting()]
  const saved = one.help.toBytes()
  for (let at = 0; at < saved.length; at += 5) {
    expect(() => RecoveryHelp.fromBytes(saved.slice(0, at))).toThrow('SECRET_SHARE_DAMAGED')
  }
  const [a, b] = [saved, two.help.toBytes()].map((bytes) => unwrap(KIND.helping, bytes)) as [
    Uint8Array,
    Uint8Array
  ]
  const seedAt = a.length - 4 - 1 - 32
  const swapped = concat([a.slice(0, seedAt), b.slice(seedAt)])
  const otherReveal = concat([a.slice(0, seedAt - 38), b.slice(seedAt - 38, seedAt), a.slice(seedAt)])
  const unasked = concat([new Uint8Array(2), a.slice(2 + one.request.length)])
  for (const body of [swapped, otherReveal, unasked]) {
    expect(() => RecoveryHelp.fromBytes(wrap(KIND.helping, body))).toThrow('SECRET_SHARE_DAMAGED')
  }
  const failed = new RecoveryHelp()
  failed.receive(one.request)
  failed.begin()
  expect(() => failed.receive(two.reveal)).toThrow('SECRET_SHARE_DAMAGED')
  expect(() => failed.toBytes()).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('a meeting that nobody had answered is not gone on with: its part of the code may be known by now', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  recovery.ask('Ann')
  expect(restarted(recovery).asked).toEqual([])
})

test('a friend who was asked again after giving is saved with both', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  given(recovery, 'Ann', share)
  const { ask } = meeting(recovery, 'ann')
  const again = restarted(recovery)
  expect(again.received).toEqual(['Ann'])
  expect(again.asked[0]?.ask.code).toEqual(ask.code)
})

test('what was saved and then changed, cut or made up is refused with a code', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  given(recovery, 'Ann', share)
  const saved = recovery.toBytes()
  for (let at = 0; at < saved.length; at += 5) {
    expect(() => Recovery.fromBytes(saved.map((byte, i) => (i === at ? byte ^ 1 : byte)))).toThrow(
      'SECRET_SHARE_'
    )
    expect(() => Recovery.fromBytes(saved.slice(0, at))).toThrow('SECRET_SHARE_DAMAGED')
  }
  expect(() => Recovery.fromBytes(share.toBytes())).toThrow('SECRET_SHARE_NOT_A_SHARE')
  expect(() => Recovery.fromBytes(null as never)).toThrow('SECRET_SHARE_DAMAGED')
})
