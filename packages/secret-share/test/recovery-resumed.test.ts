import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recovery, RecoveryHelp, type Share } from '../src/index.ts'
import { concat } from '../src/bytes.ts'
import { KIND, uint, unwrap, wrap } from '../src/format/wire.ts'
import { failure, given, meeting, spoken } from './meetings.ts'
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

test('a refusal is said again to every request and reveal, whenever it was said and whatever was lost', () => {
  for (const when of ['before the request', 'before begin', 'before the reveal', 'after the reveal']) {
    const [ask, first] = [new Recovery({ label: 'Ada’s cloud' }).ask('Ann'), new RecoveryHelp()]
    if (when !== 'before the request') first.receive(ask.hello())
    const reply = when === 'before the reveal' || when === 'after the reveal' ? first.begin() : null
    const reveal = reply && ask.receive(reply)
    if (reveal && when === 'after the reveal') first.receive(reveal)
    first.refuse() // lost with the channel
    for (const help of [first, RecoveryHelp.fromBytes(first.toBytes())]) {
      expect(() => reconnect(ask, help)).toThrow('SECRET_SHARE_REFUSED')
      expect(() => reconnect(ask, help)).toThrow('SECRET_SHARE_REFUSED')
      if (reveal)
        expect(() => ask.receive(help.receive(reveal) as Uint8Array)).toThrow('SECRET_SHARE_REFUSED')
      expect(() => help.receive(share.toBytes())).toThrow('SECRET_SHARE_OUT_OF_TURN')
      expect(() => help.begin()).toThrow('SECRET_SHARE_OUT_OF_TURN')
    }
  }
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

test('a saved help that no writer makes is refused', () => {
  const met = meeting()
  const before = met.help.toBytes()
  const sent = met.help.approve(share, spoken(met.ask))
  const after = met.help.toBytes()
  const other = meeting()
  const foreign = other.help.approve(share, spoken(other.ask))
  const [open, over] = [before, after].map((bytes) => unwrap(KIND.helping, bytes)) as [Uint8Array, Uint8Array]
  const seedAt = open.length - 4 - 1 - 32
  const head = open.slice(0, -5)
  const ending = (code: number, last: Uint8Array, of: Uint8Array = head): Uint8Array =>
    concat([of, Uint8Array.of(code), uint(last.length, 4), last])
  const blank = concat([head.slice(0, seedAt), new Uint8Array(32)])
  const refusal = wrap(KIND.refusal, new Uint8Array(0))
  const right = 0x83
  for (const body of [
    over,
    ending(right, sent, blank),
    ending(3, refusal, blank),
    ending(1, new Uint8Array(0))
  ]) {
    const bytes = wrap(KIND.helping, body)
    expect(RecoveryHelp.fromBytes(bytes).toBytes()).toEqual(bytes)
  }
  const noRequest = [new Uint8Array(6 + 32), Uint8Array.of(2, 0, 0, 0, 0)]
  for (const [what, body] of Object.entries({
    'a seed after the end': concat([
      over.slice(0, seedAt),
      open.slice(seedAt, seedAt + 32),
      over.slice(seedAt + 32)
    ]),
    'no seed before it': ending(3, new Uint8Array(0), blank),
    'noise at the end': ending(3, bytesOf(3), blank),
    'a refusal with something in it': ending(3, wrap(KIND.refusal, bytesOf(1)), blank),
    'a refusal after the help': ending(right, refusal, blank),
    'a help without the code': ending(3, sent, blank),
    'a help of another meeting': ending(right, foreign, blank),
    'a right code without tries': ending(0x80, sent, blank),
    'a wrong code before there was one': concat(noRequest),
    'four tries': ending(4, new Uint8Array(0))
  })) {
    const expected = { 'a help of another meeting': 'FORGED', 'a refusal after the help': 'NOT_A_SHARE' }[
      what
    ]
    expect([what, failure(() => RecoveryHelp.fromBytes(wrap(KIND.helping, body))).code]).toEqual([
      what,
      `SECRET_SHARE_${expected ?? 'DAMAGED'}`
    ])
  }
})

test('a saved recovery that no writer makes is refused', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  meeting(recovery, 'Ann')
  const body = unwrap(KIND.recovery, recovery.toBytes())
  const at = 1 + (body[0] ?? 0) + 64
  const [head, one] = [body.slice(0, at), body.slice(at + 2)]
  const read = (...meetings: readonly Uint8Array[]): Recovery =>
    Recovery.fromBytes(wrap(KIND.recovery, concat([head, uint(meetings.length, 2), ...meetings])))
  expect(read(one).asked).toHaveLength(1)
  const unseen = concat([Uint8Array.of(3, 0xe2, 0x81, 0xa2), one.slice(4)])
  for (const meetings of [[one, one], [one, one, one], [unseen]]) {
    expect(() => read(...meetings)).toThrow('SECRET_SHARE_DAMAGED')
  }
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
