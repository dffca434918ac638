import { expect, test } from 'vitest'
import {
  combine,
  holderKeyPair,
  openShare,
  Recovery,
  RecoveryHelp,
  sealShare,
  type Share
} from '../src/index.ts'
import { KIND, wrap } from '../src/format/wire.ts'
import { failure, given, meeting, spoken } from './meetings.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const secret = bytesOf(32)
const set = deal(secret)
const shares = sharesOf(set)
const [share] = shares as [Share]

test('three friends bring the secret back to a new device, and none sends a raw share', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  for (const [i, name] of ['Ann', 'Bob', 'Cleo'].entries()) {
    const one = shares[i + 1] as Share
    const { ask, help } = meeting(recovery, name)
    expect(help.request?.label).toBe('Ada’s cloud')
    const sent = help.approve(one, spoken(ask))
    expect(Buffer.from(sent).includes(Buffer.from(one.toBytes().slice(120, 160)))).toBe(false)
    ask.receive(sent)
    ask.confirm(spoken(help))
  }
  expect(recovery.received).toEqual(['Ann', 'Bob', 'Cleo'])
  expect(recovery.combine({ sheet: set.sheet }).secret).toEqual(secret)
})

test('a long secret comes back with the sheet that one friend kept, whatever sheet another sends', () => {
  const long = bytesOf(5_000)
  const { sheet, shares } = deal(long, { label: 'a wallet' })
  const lie = deal(bytesOf(5_000, 9), { label: 'a wallet' })
  const recovery = new Recovery({ label: 'a wallet' })
  for (const [i, { share }] of shares.entries()) {
    const { ask, help } = meeting(recovery, `friend ${i}`)
    if (i === 4) expect(() => recovery.combine()).toThrow('SECRET_SHARE_NO_PAYLOAD')
    const code = spoken(ask)
    if (i === 0) expect(() => help.approve(share, code, lie.sheet)).toThrow('SECRET_SHARE_OTHER_DEALER')
    const theirs = sharesOf(lie)[0] as Share
    if (i === 0) ask.receive(help.approve(theirs, code, lie.sheet))
    else ask.receive(help.approve(share, code, i === 4 ? sheet : undefined))
    ask.confirm(spoken(help))
    expect(ask.sheet?.toBytes()).toEqual(
      i === 4 ? sheet.toBytes() : i === 0 ? lie.sheet.toBytes() : undefined
    )
  }
  const { secret: found, faults } = recovery.combine()
  expect(found).toEqual(long)
  expect(faults.map(({ code }) => code)).toEqual(['SECRET_SHARE_OTHER_DEALER'])
})

test('numbers do as well as words, however they are typed, on both sides', () => {
  for (const typed of [
    (code: { numbers: string }) => code.numbers,
    (code: { numbers: string }) => code.numbers.replaceAll(' ', '-'),
    (code: { words: string }) => ` ${code.words.toUpperCase()} `
  ]) {
    const { ask, help } = meeting()
    if (ask.code === null) throw new Error('no code')
    expect(ask.code.numbers).toMatch(/^\d{4} \d{3} \d{3}$/)
    expect(ask.code.words).toMatch(/^[a-z]+ [a-z]+ [a-z]+$/)
    expect(ask.receive(help.approve(share, typed(ask.code)))).toBeNull()
    if (help.code === null) throw new Error('no code')
    ask.confirm(typed(help.code))
    expect(ask.share?.toBytes()).toEqual(share.toBytes())
  }
})

test('no share leaves before the owner’s code, and none twice', () => {
  const help = new RecoveryHelp()
  expect(() => help.approve(share, '')).toThrow('SECRET_SHARE_OUT_OF_TURN')
  const met = meeting()
  met.help.approve(share, spoken(met.ask))
  expect(() => met.help.approve(share, spoken(met.ask))).toThrow('SECRET_SHARE_OUT_OF_TURN')
  const other = new Recovery({ label: 'Ada’s cloud' }).ask('Ann')
  expect(() => met.help.receive(other.hello())).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('what the friend’s app shows of a request is a copy: changing it seals to nobody else', () => {
  const { ask, help } = meeting()
  help.request?.sealTo.set(holderKeyPair().publicKey)
  ask.receive(help.approve(share, spoken(ask)))
  expect(ask.arrived).toBe(true)
})

test('no share counts before the friend’s code, which the friend does not see before the share is sent', () => {
  const { ask, help } = meeting()
  expect(help.code).toBeNull()
  expect(() => help.approve(share, 'zebra able music')).toThrow('SECRET_SHARE_CODE_MISMATCH')
  expect(help.code).toBeNull()
  ask.receive(help.approve(share, spoken(ask)))
  expect([ask.arrived, ask.share, ask.sheet]).toEqual([true, null, null])
  expect(() => ask.confirm(spoken(ask))).toThrow('SECRET_SHARE_CODE_MISMATCH')
  ask.confirm(spoken(help))
  expect(ask.share?.index).toBe(1)
})

test('after three wrong codes it is over, on either side', () => {
  const { ask, help } = meeting()
  for (let time = 0; time < 3; time++) {
    expect(() => help.approve(share, 'zebra able music')).toThrow('SECRET_SHARE_CODE_MISMATCH')
  }
  expect(() => help.approve(share, spoken(ask))).toThrow('SECRET_SHARE_OUT_OF_TURN')
  const met = meeting()
  met.ask.receive(met.help.approve(share, spoken(met.ask)))
  for (let time = 0; time < 3; time++) {
    expect(() => met.ask.confirm('zebra able music')).toThrow('SECRET_SHARE_CODE_MISMATCH')
  }
  expect(() => met.ask.confirm(spoken(met.help))).toThrow('SECRET_SHARE_CODE_MISMATCH')
  expect(met.ask.share).toBeNull()
})

test('a friend may say no, before the code and after, and not when the share is sent', () => {
  const { ask, help } = meeting()
  expect(() => ask.receive(help.refuse())).toThrow('SECRET_SHARE_REFUSED')
  expect(ask.share).toBeNull()
  expect(() => help.approve(share, spoken(ask))).toThrow('SECRET_SHARE_OUT_OF_TURN')
  const [device, friend] = [new Recovery({ label: 'a' }).ask('Ann'), new RecoveryHelp()]
  friend.receive(device.hello())
  expect(() => device.receive(friend.refuse())).toThrow('SECRET_SHARE_REFUSED')
  expect(() => friend.begin()).toThrow('SECRET_SHARE_OUT_OF_TURN')
  const met = meeting()
  met.help.approve(share, spoken(met.ask))
  expect(() => met.help.refuse()).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('a refusal that anybody can make does not undo a share that is here', () => {
  const ask = given(new Recovery({ label: 'Ada’s cloud' }), 'Ann', share)
  expect(failure(() => ask.receive(wrap(KIND.refusal, new Uint8Array(0)))).code).toBe(
    'SECRET_SHARE_OUT_OF_TURN'
  )
  expect(ask.share?.index).toBe(1)
})

test('a share that does not go with the sheet leaves the meeting as it was', () => {
  const { ask, help } = meeting()
  const other = deal(bytesOf(32, 3)).sheet
  expect(() => help.approve(share, spoken(ask), other)).toThrow('SECRET_SHARE_OTHER_DEALER')
  expect(help.code).toBeNull()
  ask.receive(help.approve(share, spoken(ask)))
  expect(ask.arrived).toBe(true)
})

test('a sealed share opens for its holder only', () => {
  const [mine, theirs] = [holderKeyPair(), holderKeyPair()]
  const sealed = sealShare(share, mine.publicKey)
  expect(openShare(sealed, mine).toBytes()).toEqual(share.toBytes())
  expect(() => openShare(sealed, theirs)).toThrow('SECRET_SHARE_NOT_FOR_YOU')
  const claimed = { publicKey: mine.publicKey, secretKey: theirs.secretKey }
  expect(() => openShare(sealed, claimed)).toThrow('SECRET_SHARE_DAMAGED')
})

test('a friend who sends the share of another set is named', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  const other = sharesOf(deal(bytesOf(32, 8)))[0] as Share
  for (const [i, one] of ([shares[0], other, shares[2], shares[4]] as Share[]).entries()) {
    given(recovery, `friend ${i}`, one)
  }
  const { secret: found, faults } = recovery.combine()
  expect(found).toEqual(secret)
  expect(faults.map(({ position, code }) => [position, code])).toEqual([[1, 'SECRET_SHARE_OTHER_DEALER']])
  expect(combine(shares.slice(0, 3)).secret).toEqual(secret)
})

test('one friend who is asked three times (“it did not work, ask again”) is one voice, by whatever spelling', () => {
  const forged = sharesOf(deal(bytesOf(32, 2)))
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  given(recovery, 'Ann', shares[0] as Share)
  given(recovery, 'Bob', shares[1] as Share)
  for (const [i, name] of ['Mallory', 'mallory ', 'MALLORY'].entries()) {
    given(recovery, name, forged[i + 2] as Share)
  }
  expect(recovery.received).toEqual(['Ann', 'Bob', 'Mallory'])
  expect(recovery.asked).toHaveLength(3)
  expect(() => recovery.combine()).toThrow('SECRET_SHARE_TOO_FEW')
  given(recovery, 'Cleo', shares[2] as Share)
  expect(recovery.combine().secret).toEqual(secret)
})

test('a friend who is asked again keeps what they gave until they give again; an unfinished meeting ends', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  const first = given(recovery, 'Ann', share)
  const second = recovery.ask('Ann')
  expect(recovery.received).toEqual(['Ann'])
  const third = meeting(recovery, 'Ann')
  expect(() => second.receive(third.reply)).toThrow('SECRET_SHARE_OUT_OF_TURN')
  third.ask.receive(third.help.approve(shares[1] as Share, spoken(third.ask)))
  expect(recovery.asked.map(({ ask }) => ask.share)).toEqual([null])
  third.ask.confirm(spoken(third.help))
  expect(recovery.asked[0]?.ask.share?.index).toBe(2)
  expect(first.share?.index).toBe(1)
})

test('friends have names', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  for (const name of ['', ' ', '\u200b', 'x'.repeat(101), 7, null, '\uD800']) {
    expect(() => recovery.ask(name as string)).toThrow('SECRET_SHARE_BAD_ARGUMENT')
  }
})

test('a share of what is called otherwise is named, unless it is said to be what is wanted', () => {
  const { sheet, ...made } = deal(secret, { label: 'wallet', threshold: 2 })
  const wallet = made.shares.map(({ share }) => share)
  const recovery = new Recovery({ label: 'cloud' })
  for (const [i, name] of ['Ann', 'Bob'].entries()) given(recovery, name, wallet[i] as Share)
  const error = failure(() => recovery.combine())
  expect(error.faults.map(({ code }) => code)).toEqual(Array(2).fill('SECRET_SHARE_OTHER_LABEL'))
  expect(error.faults[0]?.message).toBe(
    'This is a share of “\u2068wallet\u2069”, and not of “\u2068cloud\u2069”.'
  )
  expect(recovery.combine({ label: 'Wallet ' }).secret).toEqual(secret)
  expect(recovery.combine({ label: null }).secret).toEqual(secret)
  expect(recovery.combine({ sheet }).secret).toEqual(secret)
})

test('no share leaves of something else than what is asked for, unless the friend has seen both labels', () => {
  const wallet = sharesOf(deal(secret, { label: 'Bob’s wallet' }))[0] as Share
  const { ask, help } = meeting(new Recovery({ label: "Ada's cloud" }))
  for (let time = 0; time < 4; time++) {
    expect(() => help.approve(wallet, spoken(ask))).toThrow('SECRET_SHARE_OTHER_LABEL')
  }
  expect([help.ready, help.code]).toEqual([true, null])
  expect(() => help.approve(wallet, spoken(ask), undefined, { otherlabel: true } as never)).toThrow(
    'SECRET_SHARE_BAD_ARGUMENT'
  )
  ask.receive(help.approve(wallet, spoken(ask), undefined, { otherLabel: true }))
  expect(ask.arrived).toBe(true)
  const same = meeting(new Recovery({ label: "ADA'S  cloud".replace('  ', ' ') }))
  expect(same.ask.receive(same.help.approve(share, spoken(same.ask)))).toBeNull()
})

test.each([
  ['full width', 0xff10],
  ['Arabic', 0x0660],
  ['Persian', 0x06f0]
])('a code in %s digits is the code', (_, zero) => {
  const { ask, help } = meeting()
  const typed = ask.code?.numbers.replaceAll(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))
  help.approve(share, typed ?? '')
  expect(help.code).not.toBeNull()
})

test('an empty field costs no try, on either side', () => {
  const { ask, help } = meeting()
  for (const nothing of ['', ' ', ' - ', undefined as never]) {
    for (let time = 0; time < 3; time++) {
      expect(() => help.approve(share, nothing)).toThrow('SECRET_SHARE_CODE_MISMATCH')
      expect(() => ask.confirm(nothing)).toThrow('SECRET_SHARE_CODE_MISMATCH')
    }
  }
  ask.receive(help.approve(share, spoken(ask)))
  ask.confirm(spoken(help))
  expect(ask.share?.index).toBe(1)
})

test('a name with a mark that shows as nothing is the same friend, and holds no second share', () => {
  const recovery = new Recovery({ label: 'cloud' })
  for (const mark of [
    '',
    '\u200E',
    '\u200F',
    '\u2068',
    '\u2062',
    '\u180E',
    '\u034F',
    '\uFE0E',
    '\u{E0020}'
  ]) {
    recovery.ask(`Ann${mark}`)
  }
  expect(recovery.asked).toHaveLength(1)
  expect(() => recovery.ask('\u2062')).toThrow('SECRET_SHARE_BAD_ARGUMENT')
})

test('the label that a recovery was made with is not switched off by an undefined one', () => {
  const recovery = new Recovery({ label: 'wallet' })
  for (const [i, one] of shares.slice(0, 3).entries()) given(recovery, `friend ${i}`, one)
  expect(() => recovery.combine()).toThrow('SECRET_SHARE_TOO_FEW')
  expect(() => recovery.combine({ label: undefined } as never)).toThrow('SECRET_SHARE_BAD_ARGUMENT')
  expect(() => recovery.combine({ sheet: undefined } as never)).toThrow('SECRET_SHARE_BAD_ARGUMENT')
})

test('a refusal with anything in it is none', () => {
  const ask = new Recovery({ label: 'cloud' }).ask('Ann')
  expect(() => ask.receive(wrap(KIND.refusal, bytesOf(9)))).toThrow('SECRET_SHARE_DAMAGED')
})
