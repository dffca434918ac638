import { expect, test } from 'vitest'
import {
  combine,
  dealerKeyPair,
  Recovery,
  RecoveryHelp,
  refresh,
  type RandomBytes,
  type SecretSet
} from '../src/index.ts'
import { signKeyPair } from '../src/crypto/crypto.ts'
import { shareValue } from '../src/format/share.ts'
import { commitToNonce, decodeReply, decodeRequest, decodeReveal } from '../src/recovery/messages.ts'
import { meeting } from './meetings.ts'
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

const nonceOf = (recovery: Recovery, name: string): string =>
  decodeRequest(recovery.ask(name).hello()).commitment.join()

test('a source that begins anew after a restart draws no part of a code again, whoever is asked then', () => {
  const first = new Recovery({ label: 'cloud', random: cloned() })
  const saved = first.toBytes()
  const seen = [nonceOf(first, 'Ann'), nonceOf(first, 'Bob')]
  for (const name of ['Ann', 'Bob']) {
    seen.push(nonceOf(Recovery.fromBytes(saved, { random: cloned() }), name))
  }
  const met = meeting(first)
  const again = Recovery.fromBytes(first.toBytes(), { random: cloned() })
  seen.push(commitToNonce(decodeReveal(met.reveal)).join(), nonceOf(again, 'Ann'), nonceOf(again, 'Bob'))
  expect(new Set(seen).size).toBe(seen.length)
})

test('what is revealed is no seed of a key, and one source gives two friends other parts', () => {
  const one = new Recovery({ label: 'cloud', random: cloned() })
  const requests = ['Ann', 'Bob'].map((name) => decodeRequest(one.ask(name).hello()))
  expect(new Set(requests.map(({ commitment }) => commitment.join())).size).toBe(2)
  const replies = requests.map((_, i) => {
    const help = new RecoveryHelp({ random: cloned() })
    help.receive(one.asked[i]?.ask.hello() as Uint8Array)
    return decodeReply(help.begin())
  })
  expect(new Set(replies.flatMap(({ nonce, key }) => [nonce.join(), key.join()])).size).toBe(4)
  for (const { nonce, key } of replies) expect(signKeyPair(nonce).publicKey).not.toEqual(key)
})

test('a source that repeats itself is refused by both sides of a recovery as by split', () => {
  const random: RandomBytes = (length) => bytesOf(length, 5)
  expect(() => deal(truth, { random })).toThrow('SECRET_SHARE_NO_RANDOMNESS')
  expect(() => new Recovery({ label: 'cloud', random })).toThrow('SECRET_SHARE_NO_RANDOMNESS')
  const help = new RecoveryHelp({ random })
  help.receive(new Recovery({ label: 'cloud' }).ask('Ann').hello())
  expect(() => help.begin()).toThrow('SECRET_SHARE_NO_RANDOMNESS')
  const restored = Recovery.fromBytes(new Recovery({ label: 'cloud' }).toBytes(), { random: cloned() })
  expect(restored.asked).toEqual([])
})
