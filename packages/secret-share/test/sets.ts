import {
  dealerKeyPair,
  split,
  type Holder,
  type KeyPair,
  type RandomBytes,
  type SecretSet
} from '../src/index.ts'

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
