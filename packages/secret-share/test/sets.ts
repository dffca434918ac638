import {
  dealerKeyPair,
  split,
  type Holder,
  type KeyPair,
  type RandomBytes,
  type SecretSet,
  type Share
} from '../src/index.ts'
import { makeShare, shareValue, type ShareParts } from '../src/format/share.ts'

/** Friends without keys, by number. */
export function friends(count: number): Holder[] {
  return Array.from({ length: count }, (_, i) => ({ name: `friend ${i + 1}` }))
}

export interface DealOptions {
  threshold?: number
  count?: number
  dealer?: KeyPair
  label?: string
  random?: RandomBytes
}

/** A set of three out of five, unless something else is asked for. */
export function deal(
  secret: Uint8Array,
  { threshold = 3, count = 5, dealer = dealerKeyPair(), label = 'Ada’s cloud', random }: DealOptions = {}
): SecretSet {
  return split(secret, { threshold, holders: friends(count), label, dealer, ...(random && { random }) })
}

/** A share with other parts, signed by whoever has this key, 64 bytes. */
export function resign(share: Share, changes: Partial<ShareParts>, secretKey: Uint8Array): Share {
  const { header, commitment, index, payload } = share
  return makeShare({ header, commitment, index, payload, value: shareValue(share), ...changes }, secretKey)
}

export function sharesOf(set: SecretSet) {
  return set.shares.map(({ share }) => share)
}

/** Bytes that look like nothing else, from a seed. */
export function bytesOf(length: number, seed = 1): Uint8Array {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 16
  })
}
