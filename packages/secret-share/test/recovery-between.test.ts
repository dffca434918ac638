// PROTOCOL.md: what somebody in between two people can try, and what comes of it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recovery, RecoveryHelp, sealShare, type Share } from '../src/index.ts'
import { concat } from '../src/bytes.ts'
import { signKeyPair } from '../src/crypto/crypto.ts'
import { KIND, unwrap, wrap } from '../src/format/wire.ts'
import {
  commitToNonce,
  decodeRequest,
  encodeHelp,
  encodeReply,
  encodeRequest,
  transcriptOf
} from '../src/recovery/messages.ts'
import { shortCode } from '../src/recovery/code.ts'
import { failure, given, meeting, spoken, type Meeting } from './meetings.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const [truth, lie] = [bytesOf(32, 1), bytesOf(32, 2)]
const set = deal(truth)
const honest = sharesOf(set)
const forged = sharesOf(deal(lie))
const [share] = honest as [Share]

/** A help as whoever knows a meeting's messages can make it, signed with a key of their own. */
function counterfeit({ request, reply, reveal }: Meeting, instead: Share, seed = 7): Uint8Array {
  const sealed = sealShare(instead, decodeRequest(request).sealTo)
  const { secretKey } = signKeyPair(bytesOf(32, seed))
  return encodeHelp({ sealed, sheet: null }, transcriptOf(request, reply, reveal), secretKey)
}

test('whoever carries the messages cannot exchange the shares of honest friends after the codes agreed', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  for (const [i, name] of ['Ann', 'Bob', 'Cleo'].entries()) {
    const ask = given(recovery, name, honest[i] as Share, (_, met) => counterfeit(met, forged[i] as Share))
    expect(ask.arrived).toBe(false)
  }
  expect(recovery.received).toEqual([])
})

test('a counterfeit help is forged, and the true one still comes through after it', () => {
  const met = meeting()
  const sent = met.help.approve(share, spoken(met.ask))
  const body = unwrap(KIND.help, sent)
  for (const bad of [
    counterfeit(met, forged[0] as Share),
    wrap(KIND.help, concat([body.slice(0, -64), bytesOf(64)])),
    wrap(KIND.help, concat([body.slice(0, -64), set.sheet.toBytes(), body.slice(-64)]))
  ]) {
    expect(failure(() => met.ask.receive(bad)).code).toBe('SECRET_SHARE_FORGED')
  }
  met.ask.receive(sent)
  met.ask.confirm(spoken(met.help))
  expect(met.ask.share?.toBytes()).toEqual(share.toBytes())
})

test('a help that was sent in one meeting is not taken in another, under another friend’s name', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  const [ann, bob] = [meeting(recovery, 'Ann'), meeting(recovery, 'Bob')]
  const sent = ann.help.approve(share, spoken(ann.ask))
  expect(() => bob.ask.receive(sent)).toThrow('SECRET_SHARE_FORGED')
  ann.ask.receive(sent)
  expect([ann.ask.arrived, bob.ask.arrived]).toEqual([true, false])
})

test('somebody who talks to the device in a friend’s name is not confirmed, since the friend reads another code', () => {
  const recovery = new Recovery({ label: 'Ada’s cloud' })
  const mallory = meeting(recovery, 'Ann')
  mallory.ask.receive(mallory.help.approve(forged[0] as Share, spoken(mallory.ask)))
  const ann = meeting()
  expect(() => ann.help.approve(share, spoken(mallory.ask))).toThrow('SECRET_SHARE_CODE_MISMATCH')
  ann.help.approve(share, spoken(ann.ask))
  expect(() => mallory.ask.confirm(spoken(ann.help))).toThrow('SECRET_SHARE_CODE_MISMATCH')
  expect(recovery.received).toEqual([])
})

test('someone in between, who asks in their own name, is seen by the code', () => {
  const device = new Recovery({ label: 'Ada’s cloud' }).ask('Ann')
  const toDevice = new RecoveryHelp()
  const friend = meeting(new Recovery({ label: 'Ada’s cloud' }))
  toDevice.receive(device.hello())
  toDevice.receive(device.receive(toDevice.begin()) as Uint8Array)
  expect(device.code).not.toEqual(friend.ask.code)
  for (let time = 0; time < 3; time++) {
    expect(() => friend.help.approve(share, spoken(device))).toThrow('SECRET_SHARE_CODE_MISMATCH')
  }
  expect(() => friend.help.approve(share, spoken(friend.ask))).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('a friend’s side makes no code before a person there has agreed, however often it is asked', () => {
  const thief = new Recovery({ label: 'Ada’s cloud' })
  for (let time = 0; time < 20; time++) {
    const [ask, help] = [thief.ask('Ann'), new RecoveryHelp()]
    expect(help.receive(ask.hello())).toBeNull()
    expect(help.receive(ask.hello())).toBeNull()
    expect(() => help.receive(wrap(KIND.reveal, bytesOf(32)))).toThrow('SECRET_SHARE_OUT_OF_TURN')
    expect([help.ready, help.code, ask.code]).toEqual([false, null, null])
  }
})

test('a friend agrees to one request and to no other, and has one part of the code for it', () => {
  const [one, two] = [new Recovery({ label: 'a' }).ask('Ann'), new Recovery({ label: 'b' }).ask('Ann')]
  const help = new RecoveryHelp()
  expect(() => help.begin()).toThrow('SECRET_SHARE_OUT_OF_TURN')
  help.receive(one.hello())
  const reply = help.begin()
  expect(help.begin()).toEqual(reply)
  expect(() => help.receive(two.hello())).toThrow('SECRET_SHARE_OUT_OF_TURN')
  expect(help.request?.label).toBe('a')
})

test('a device takes one answer and no other: it has revealed its part, so that a second could be made to fit', () => {
  const ask = new Recovery({ label: 'Ada’s cloud' }).ask('Ann')
  const [reply, second] = [1, 2].map((seed) =>
    encodeReply({ nonce: bytesOf(32, seed), key: signKeyPair(bytesOf(32, seed)).publicKey })
  ) as [Uint8Array, Uint8Array]
  const reveal = ask.receive(reply)
  const { code } = ask
  expect(() => ask.receive(second)).toThrow('SECRET_SHARE_OUT_OF_TURN')
  expect(ask.receive(reply)).toEqual(reveal)
  expect(ask.code).toEqual(code)
})

test('a device that reveals another part than it has fixed gets no code', () => {
  const [one, two] = [new Recovery({ label: 'a' }).ask('Ann'), new Recovery({ label: 'b' }).ask('Ann')]
  const help = new RecoveryHelp()
  help.receive(one.hello())
  const reply = help.begin()
  expect(() => help.receive(two.receive(reply) as Uint8Array)).toThrow('SECRET_SHARE_DAMAGED')
  expect([help.ready, help.code]).toEqual([false, null])
  expect(() => help.receive(one.receive(reply) as Uint8Array)).toThrow('SECRET_SHARE_OUT_OF_TURN')
  expect(() => help.approve(share, '')).toThrow('SECRET_SHARE_OUT_OF_TURN')
})

test('each of the messages, and each of its bytes, is in both codes', () => {
  fc.assert(
    fc.property(fc.nat(2), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, change) => {
      const { request, reply, reveal } = meeting()
      const messages = [request, reply, reveal]
      const changed = messages.map((message, i) =>
        message.map((byte, place) => (i === which && place === at % message.length ? byte ^ change : byte))
      )
      const [before, after] = [messages, changed].map((three) =>
        transcriptOf(...(three as [Uint8Array, Uint8Array, Uint8Array]))
      ) as [Uint8Array, Uint8Array]
      for (const speaker of ['owner', 'friend'] as const) {
        expect(shortCode(speaker, after)).not.toEqual(shortCode(speaker, before))
      }
    }),
    { numRuns: 60 }
  )
})

test('the two codes of a meeting have nothing to do with each other', () => {
  const transcript = bytesOf(32, 9)
  expect(shortCode('owner', transcript)).not.toEqual(shortCode('friend', transcript))
})

test('a request to seal to a key of a small order is refused when it comes, not after the code was typed', () => {
  const device = signKeyPair(bytesOf(32))
  const sealTo = new Uint8Array(32)
  const parts = { label: 'cloud', device: device.publicKey, sealTo, commitment: commitToNonce(bytesOf(32)) }
  expect(() => new RecoveryHelp().receive(encodeRequest(parts, device))).toThrow('SECRET_SHARE_FORGED')
})

test('a request that was changed and given a right checksum is forged', () => {
  const hello = new Recovery({ label: 'Ada’s cloud' }).ask('Ann').hello()
  const thief = new Recovery({ label: 'Ada’s cloud' }).ask('Ann').hello()
  const at = 2 + 1 + 5 + 32
  const body = concat([hello.slice(2, at), thief.slice(at, at + 32), hello.slice(at + 32, -4)])
  expect(() => new RecoveryHelp().receive(wrap(KIND.request, body))).toThrow('SECRET_SHARE_FORGED')
  expect(new RecoveryHelp().receive(wrap(KIND.request, hello.slice(2, -4)))).toBeNull()
})

test('every changed byte of every message is noticed', () => {
  const change = (message: Uint8Array, at: number): Uint8Array =>
    message.map((byte, i) => (i === at ? byte ^ 1 : byte))
  const [ask, help] = [new Recovery({ label: 'Ada’s cloud' }).ask('Ann'), new RecoveryHelp()]
  const everyChange = (message: Uint8Array, read: (bytes: Uint8Array) => unknown): void => {
    for (let at = 0; at < message.length; at++) {
      expect(() => read(change(message, at))).toThrow('SECRET_SHARE_')
    }
  }
  const hello = ask.hello()
  everyChange(hello, (bytes) => new RecoveryHelp().receive(bytes))
  help.receive(hello)
  const reply = help.begin()
  everyChange(reply, (bytes) => ask.receive(bytes))
  help.receive(ask.receive(reply) as Uint8Array)
  const sent = help.approve(share, spoken(ask))
  everyChange(sent, (bytes) => ask.receive(bytes))
  expect(ask.receive(sent)).toBeNull()
})

test('a sheet of another set, sent along by a false friend, is refused with its share', () => {
  const { ask, help } = meeting()
  const theirs = forged[0] as Share
  expect(() => help.approve(theirs, spoken(ask), set.sheet)).toThrow('SECRET_SHARE_OTHER_DEALER')
  const keys = signKeyPair(bytesOf(32, 5))
  const device = new Recovery({ label: 'Ada’s cloud' }).ask('Ann')
  const reply = encodeReply({ nonce: bytesOf(32), key: keys.publicKey })
  const reveal = device.receive(reply) as Uint8Array
  const sealed = sealShare(theirs, decodeRequest(device.hello()).sealTo)
  const transcript = transcriptOf(device.hello(), reply, reveal)
  const message = encodeHelp({ sealed, sheet: set.sheet }, transcript, keys.secretKey)
  expect(() => device.receive(message)).toThrow('SECRET_SHARE_OTHER_DEALER')
  expect(device.arrived).toBe(false)
})
