import { expect, test } from 'vitest'
import { answer, challenge, check, dealerKeyPair, SetSheet, type Share } from '../src/index.ts'
import { makeSheet } from '../src/format/set-sheet.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const dealer = dealerKeyPair()
const set = deal(bytesOf(32), { dealer })
const [first, second] = sharesOf(set) as [Share, Share]

test('who holds the share asked for can answer, anybody with the sheet can check, also over bytes', () => {
  const sheet = SetSheet.fromBytes(set.sheet.toBytes())
  const question = challenge(sheet, 1)
  expect(check(sheet, question, answer(first, question))).toBe(true)
})

test('an answer is good for one question only', () => {
  const [one, two] = [challenge(set.sheet, 1), challenge(set.sheet, 1)]
  expect(one).not.toEqual(two)
  expect(check(set.sheet, two, answer(first, one))).toBe(false)
})

test('no other share answers for it, and no share answers a question of another set', () => {
  const other = deal(bytesOf(32), { dealer })
  expect(() => answer(second, challenge(set.sheet, 1))).toThrow('SECRET_SHARE_OTHER_SET')
  expect(() => answer(first, challenge(other.sheet, 1))).toThrow('SECRET_SHARE_OTHER_SET')
  const question = challenge(set.sheet, 1)
  const another = challenge(other.sheet, 1)
  const reply = answer(sharesOf(other)[0] as Share, another)
  expect(check(set.sheet, question, reply)).toBe(false)
  expect(check(set.sheet, another, reply)).toBe(false)
})

test('every changed byte of an answer is refused', () => {
  const question = challenge(set.sheet, 1)
  const reply = answer(first, question)
  for (let at = 0; at < reply.length; at++) {
    const bad = Uint8Array.from(reply)
    bad[at] = (bad[at] ?? 0) ^ 0x40
    expect(() => check(set.sheet, question, bad)).toThrow('SECRET_SHARE_DAMAGED')
  }
})

test('an answer holds nothing of the share’s secret part, and nothing that changes from one answer to the next', () => {
  const question = challenge(set.sheet, 1)
  expect(answer(first, question)).toEqual(answer(first, question))
  const value = first.toBytes().slice(-4 - 64 - 48 - 1 - 32, -4 - 64 - 48 - 1)
  const reply = answer(first, question)
  for (let at = 0; at < 29; at++) {
    expect(Buffer.from(reply).includes(Buffer.from(value.slice(at, at + 4)))).toBe(false)
  }
})

test('there is no question about a share that there is not', () => {
  for (const index of [0, 6, 1.5, NaN])
    expect(() => challenge(set.sheet, index)).toThrow('SECRET_SHARE_BAD_ARGUMENT')
})

test('a sheet that was changed is refused, wherever', () => {
  const bytes = set.sheet.toBytes()
  for (let at = 0; at < bytes.length; at += 3) {
    const bad = Uint8Array.from(bytes)
    bad[at] = (bad[at] ?? 0) ^ 1
    expect(() => SetSheet.fromBytes(bad)).toThrow('SECRET_SHARE_DAMAGED')
  }
  const stolen = makeSheet(set.sheet, dealerKeyPair().secretKey)
  expect(() => SetSheet.fromBytes(stolen.toBytes())).toThrow('SECRET_SHARE_FORGED')
})
