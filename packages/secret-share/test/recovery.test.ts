import { expect, test } from 'vitest'
import {
  combine,
  holderKeyPair,
  openShare,
  Recovery,
  RecoveryHelp,
  sealShare,
  type RecoveryAsk,
  type Share
} from '../src/index.ts'
import { decodeHelp, encodeHelp } from '../src/recovery/messages.ts'
import { KIND, wrap } from '../src/format/wire.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const secret = bytesOf(32)
const set = deal(secret)
const shares = sharesOf(set)
const [share] = shares as [Share]

const openHelp = (message: Uint8Array): Uint8Array => decodeHelp(message).sealed

/** Brings two sides to where both show a code. */
function meeting(recovery = new Recovery({ label: 'cloud' })): { ask: RecoveryAsk; help: RecoveryHelp } {
  const [ask, help] = [recovery.ask('Ann'), new RecoveryHelp()]
  help.receive(ask.receive(help.receive(ask.hello()) as Uint8Array) as Uint8Array)
  return { ask, help }
}

test('three friends bring the secret back to a new device, and none sends a raw share', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  for (const one of shares.slice(1, 4)) {
    const { ask, help } = meeting(recovery)
    expect(help.request?.label).toBe('Ada’s cloud')
    expect(ask.code).toEqual(help.code)
    const sent = help.approve(one, ask.code?.words ?? '')
    expect(Buffer.from(sent).includes(Buffer.from(one.toBytes().slice(120, 160)))).toBe(false)
    ask.receive(sent)
  }
  expect(recovery.received).toEqual(['Ann', 'Ann', 'Ann'])
  expect(recovery.combine({ sheet: set.sheet }).secret).toEqual(secret)
})

test('a long secret comes back with the sheet that one friend kept, whatever sheet another sends', () => {
  const long = bytesOf(5_000)
  const { sheet, shares } = deal(long)
  const lie = deal(bytesOf(5_000, 9))
  const recovery = new Recovery({ label: 'a wallet' })
  for (const [i, { share }] of shares.entries()) {
    const { ask, help } = meeting(recovery)
    const code = help.code?.words ?? ''
    if (i === 4) expect(() => recovery.combine()).toThrow('SECRET_SHARE_NO_PAYLOAD')
    if (i === 0) expect(() => help.approve(share, code, lie.sheet)).toThrow('SECRET_SHARE_OTHER_DEALER')
    const theirs = sharesOf(lie)[0] as Share
    if (i === 0) ask.receive(help.approve(theirs, code, lie.sheet))
    else ask.receive(help.approve(share, code, i === 4 ? sheet : undefined))
    expect(ask.sheet?.toBytes()).toEqual(
      i === 4 ? sheet.toBytes() : i === 0 ? lie.sheet.toBytes() : undefined
    )
  }
  const { secret: found, faults } = recovery.combine()
  expect(found).toEqual(long)
  expect(faults.map(({ code }) => code)).toEqual(['SECRET_SHARE_OTHER_DEALER'])
})

test('a sheet of another set, sent along by a false friend, is refused with its share', () => {
  const { ask, help } = meeting()
  const sealed = openHelp(help.approve(share, ask.code?.words ?? ''))
  const message = encodeHelp(sealed, deal(secret).sheet)
  expect(() => ask.receive(message)).toThrow('SECRET_SHARE_OTHER_DEALER')
  expect(ask.share).toBeNull()
  expect(ask.sheet).toBeNull()
})

test('numbers do as well as words, however they are typed', () => {
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
    expect(ask.share?.toBytes()).toEqual(share.toBytes())
  }
})

test('someone in between, who asks in their own name, is seen by the code', () => {
  const device = new Recovery({ label: 'cloud' }).ask('Ann')
  const between = { ask: new Recovery({ label: 'cloud' }).ask('Ann'), help: new RecoveryHelp() }
  const friend = new RecoveryHelp()
  between.help.receive(device.receive(between.help.receive(device.hello()) as Uint8Array) as Uint8Array)
  friend.receive(between.ask.receive(friend.receive(between.ask.hello()) as Uint8Array) as Uint8Array)
  expect(device.code).not.toEqual(friend.code)
  for (let time = 0; time < 3; time++) {
    expect(() => friend.approve(share, device.code?.words ?? '')).toThrow('SECRET_SHARE_CODE_MISMATCH')
  }
  expect(() => friend.approve(share, friend.code?.words ?? '')).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('a device that reveals another part than it has fixed gets no code', () => {
  const [one, two] = [new Recovery({ label: 'a' }).ask('Ann'), new Recovery({ label: 'b' }).ask('Ann')]
  const help = new RecoveryHelp()
  const nonce = help.receive(one.hello()) as Uint8Array
  expect(() => help.receive(two.receive(nonce) as Uint8Array)).toThrow('SECRET_SHARE_DAMAGED')
  expect(help.code).toBeNull()
  expect(() => help.receive(one.receive(nonce) as Uint8Array)).toThrow('SECRET_SHARE_OUT_OF_TURN')
  expect(() => help.approve(share, '')).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('no share leaves before the code, and none twice', () => {
  const help = new RecoveryHelp()
  expect(() => help.approve(share, '')).toThrow('SECRET_SHARE_OUT_OF_TURN')
  const met = meeting()
  met.help.approve(share, met.ask.code?.numbers ?? '')
  expect(() => met.help.approve(share, met.ask.code?.numbers ?? '')).toThrow('SECRET_SHARE_OUT_OF_TURN')
  expect(() => met.help.receive(met.ask.hello())).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('a friend may say no', () => {
  const { ask, help } = meeting()
  expect(() => ask.receive(help.refuse())).toThrow('SECRET_SHARE_REFUSED')
  expect(ask.share).toBeNull()
})

test('every changed byte of every message is noticed', () => {
  const change = (message: Uint8Array, at: number): Uint8Array =>
    message.map((byte, i) => (i === at ? byte ^ 1 : byte))
  const [ask, help] = [new Recovery({ label: 'cloud' }).ask('Ann'), new RecoveryHelp()]
  const hello = ask.hello()
  for (let at = 0; at < hello.length; at++) {
    expect(() => new RecoveryHelp().receive(change(hello, at))).toThrow('SECRET_SHARE_')
  }
  const nonce = help.receive(hello) as Uint8Array
  for (let at = 0; at < nonce.length; at++)
    expect(() => ask.receive(change(nonce, at))).toThrow('SECRET_SHARE_')
  help.receive(ask.receive(nonce) as Uint8Array)
  const sent = help.approve(share, help.code?.words ?? '')
  for (let at = 0; at < sent.length; at++)
    expect(() => ask.receive(change(sent, at))).toThrow('SECRET_SHARE_')
  expect(ask.receive(sent)).toBeNull()
})

test('a request that was changed and given a right checksum is forged', () => {
  const hello = new Recovery({ label: 'cloud' }).ask('Ann').hello()
  const thief = new Recovery({ label: 'cloud' }).ask('Ann').hello()
  const at = 2 + 1 + 5 + 32
  const body = Uint8Array.from([
    ...hello.slice(2, at),
    ...thief.slice(at, at + 32),
    ...hello.slice(at + 32, -4)
  ])
  expect(() => new RecoveryHelp().receive(wrap(KIND.request, body))).toThrow('SECRET_SHARE_FORGED')
  expect(new RecoveryHelp().receive(wrap(KIND.request, hello.slice(2, -4)))).not.toBeNull()
})

test('a share that was sealed for another device does not open here', () => {
  const [one, two] = [meeting(), meeting()]
  const sent = one.help.approve(share, one.ask.code?.words ?? '')
  expect(() => two.ask.receive(sent)).toThrow('SECRET_SHARE_NOT_FOR_YOU')
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
  const recovery = new Recovery({ label: 'cloud' })
  const other = sharesOf(deal(bytesOf(32, 8)))[0] as Share
  for (const one of [shares[0], other, shares[2], shares[4]] as Share[]) {
    const { ask, help } = meeting(recovery)
    ask.receive(help.approve(one, help.code?.words ?? ''))
  }
  const { secret: found, faults } = recovery.combine()
  expect(found).toEqual(secret)
  expect(faults.map(({ position, code }) => [position, code])).toEqual([[1, 'SECRET_SHARE_OTHER_DEALER']])
  expect(combine(shares.slice(0, 3)).secret).toEqual(secret)
})
