import { expect, test } from 'vitest'
import { combine, dealerKeyPair, refresh, type RandomBytes, type SecretSet } from '../src/index.ts'
import { shareValue } from '../src/format/share.ts'
import { bytesOf, deal, friends, sharesOf } from './sets.ts'

const [truth, lie] = [bytesOf(32, 1), bytesOf(32, 2)]
const dealer = dealerKeyPair()

/** Gives the same from the start each time: the generator of a machine that was cloned. */
function cloned(): RandomBytes {
  let count = 0
  return (length) => bytesOf(length, ++count)
}

const apart = (a: Uint8Array, b: Uint8Array): string => a.map((byte, i) => byte ^ (b[i] ?? 0)).join()
const values = (set: SecretSet): string[] => sharesOf(set).map((share) => shareValue(share).join())

test('a source that begins anew does not seal two secrets with one key stream, nor share two keys alike', () => {
  const [one, two] = [truth, lie].map((secret) => deal(secret, { dealer, random: cloned() })) as [
    SecretSet,
    SecretSet
  ]
  expect(apart(one.sheet.payload, two.sheet.payload).startsWith(apart(truth, lie))).toBe(false)
  expect(one.sheet.header.setId).not.toEqual(two.sheet.header.setId)
  const differences = sharesOf(one).map((share, i) =>
    apart(shareValue(share), shareValue(sharesOf(two)[i] ?? share))
  )
  expect(new Set(differences).size).toBe(5)
  expect(combine(sharesOf(one)).secret).toEqual(truth)
  expect(combine(sharesOf(two)).secret).toEqual(lie)
})

test('nor does it when a set is refreshed with another secret, or the same is dealt in another way', () => {
  const { sheet } = deal(truth, { dealer })
  const options = { threshold: 3, holders: friends(5), label: 'Ada’s cloud', dealer }
  const sets = [
    refresh(sheet, truth, { ...options, random: cloned() }),
    refresh(sheet, lie, { ...options, random: cloned() }),
    refresh(sheet, truth, { ...options, threshold: 4, random: cloned() }),
    deal(truth, { dealer, random: cloned() }),
    deal(truth, { dealer, label: 'wallet', random: cloned() }),
    deal(truth, { dealer: dealerKeyPair(), random: cloned() })
  ]
  expect(new Set(sets.flatMap(values)).size).toBe(5 * sets.length)
})
