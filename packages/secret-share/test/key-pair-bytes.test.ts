import { expect, test } from 'vitest'
import {
  dealerKeyPair,
  holderKeyPair,
  keyPairFromBytes,
  keyPairToBytes,
  openShare,
  sealShare,
  split,
  type KeyPair,
  type Share
} from '../src/index.ts'
import { KIND, wrap } from '../src/format/wire.ts'
import { bytesOf, deal, friends, sharesOf } from './sets.ts'

const [share] = sharesOf(deal(bytesOf(32))) as [Share]
const kept = (keys: KeyPair): KeyPair => keyPairFromBytes(structuredClone(keyPairToBytes(keys)))

test('keys that were kept as bytes open and sign what the keys do', () => {
  const holder = holderKeyPair()
  expect(openShare(sealShare(share, holder.publicKey), kept(holder)).toBytes()).toEqual(share.toBytes())
  const dealer = dealerKeyPair()
  expect(kept(dealer).secretKey).toEqual(dealer.secretKey)
  const options = { threshold: 2, holders: friends(3), label: 'cloud', dealer: kept(dealer) }
  expect(split(bytesOf(32), options).sheet.header.dealer).toEqual(dealer.publicKey)
})

test('they show their secret half as little as those that were made', () => {
  for (const keys of [holderKeyPair(), dealerKeyPair()]) {
    expect(Object.keys(kept(keys))).toEqual(['publicKey'])
  }
})

test('a copy lacks the secret half, and the error says how to keep it', () => {
  const holder = structuredClone(holderKeyPair())
  expect(() => openShare(sealShare(share, holder.publicKey), holder)).toThrow(/BAD_ARGUMENT.*keyPairToBytes/)
  expect(() => keyPairToBytes(holder)).toThrow('SECRET_SHARE_BAD_ARGUMENT')
  expect(() => keyPairToBytes(structuredClone(dealerKeyPair()))).toThrow('SECRET_SHARE_BAD_ARGUMENT')
  expect(() => keyPairToBytes(undefined as never)).toThrow('SECRET_SHARE_BAD_ARGUMENT')
})

test('bytes that are cut, changed, made up or of something else are refused', () => {
  for (const keys of [holderKeyPair(), dealerKeyPair()]) {
    const bytes = keyPairToBytes(keys)
    for (let at = 0; at < bytes.length; at++) {
      expect(() => keyPairFromBytes(bytes.slice(0, at))).toThrow('SECRET_SHARE_DAMAGED')
      const changed = bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
      expect(() => keyPairFromBytes(changed)).toThrow('SECRET_SHARE_DAMAGED')
    }
  }
  const [one, other] = [holderKeyPair(), holderKeyPair()]
  for (const body of [
    Uint8Array.from([...one.publicKey, ...other.secretKey]),
    Uint8Array.from([...new Uint8Array(32), ...one.secretKey]),
    Uint8Array.from([...one.publicKey, ...one.secretKey, 0])
  ]) {
    expect(() => keyPairFromBytes(wrap(KIND.holderKeys, body))).toThrow('SECRET_SHARE_DAMAGED')
  }
  expect(() => keyPairFromBytes(wrap(KIND.dealerKeys, bytesOf(33)))).toThrow('SECRET_SHARE_DAMAGED')
  expect(() => keyPairFromBytes(share.toBytes())).toThrow('SECRET_SHARE_NOT_A_SHARE')
})
