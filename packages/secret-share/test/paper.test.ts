import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SecretShareError } from '../src/index.ts'
import { fromPaper, paperFingerprint, toPaper } from '../src/paper/index.ts'
import { bytesOf } from './sets.ts'

const secret = bytesOf(32)
const groups = [
  { name: 'family', threshold: 2, members: 3 },
  { name: 'bank', threshold: 1, members: 1 }
]

/** The official vectors, https://github.com/trezor/python-shamir-mnemonic/blob/master/vectors.json, which slip39 brings. */
const official = JSON.parse(
  readFileSync(join(dirname(createRequire(import.meta.url).resolve('slip39')), 'test/vectors.json'), 'utf8')
) as [description: string, mnemonics: string[], secret: string, xprv: string][]

test('there are 45 official vectors', () => {
  expect(official).toHaveLength(45)
})

test.each(official)('%s', (_, mnemonics, expected) => {
  if (expected === '')
    expect(() => fromPaper(mnemonics, { passphrase: 'TREZOR' })).toThrow('SECRET_SHARE_PAPER')
  else expect(Buffer.from(fromPaper(mnemonics, { passphrase: 'TREZOR' })).toString('hex')).toBe(expected)
})

test('words of two groups bring the secret back, with the passphrase', () => {
  const { groups: made, fingerprint } = toPaper(secret, { groups, passphrase: 'correct horse' })
  const [family = [], bank = []] = made
  expect(family.map((list) => list.split(' ').length)).toEqual([33, 33, 33])
  expect(bank).toHaveLength(1)
  for (const some of [family.slice(0, 2), family.slice(1), [family[0], family[2]] as string[]]) {
    const lists = [...some, ...bank].map((list) => `  ${list.toUpperCase().replaceAll(' ', '\n')} `)
    expect(fromPaper(lists, { passphrase: 'correct horse', fingerprint })).toEqual(secret)
  }
})

test('a wrong passphrase is found by the fingerprint, and by nothing else', () => {
  const { groups: made, fingerprint } = toPaper(secret, { groups: groups.slice(1), passphrase: 'right' })
  const lists = made.flat()
  expect(fromPaper(lists, { passphrase: 'wrong' })).not.toEqual(secret)
  expect(() => fromPaper(lists, { passphrase: 'wrong', fingerprint })).toThrow(
    'SECRET_SHARE_PAPER_WRONG_SECRET'
  )
  expect(fingerprint).toBe(paperFingerprint(secret))
})

test('a list with a wrong word is named; the message holds no words', () => {
  const lists = toPaper(secret, { groups: groups.slice(0, 1) })
    .groups.flat()
    .slice(0, 2)
  const bad = lists[1]?.replace(/ \w+ /, ' zero ') ?? ''
  const error = caught(() => fromPaper([lists[0] ?? '', bad]))
  expect(error.faults.map(({ position }) => position)).toEqual([1])
  for (const few of [[], lists.slice(1), ['zero'], ['']]) {
    const { message, code } = caught(() => fromPaper(few))
    expect(code).toBe('SECRET_SHARE_PAPER')
    expect(message).not.toContain(lists[1]?.slice(0, 20))
  }
})

test('what SLIP-39 has no words for is refused', () => {
  const one = { name: 'a', threshold: 1, members: 1 }
  for (const length of [0, 14, 17, 34]) {
    expect(caught(() => toPaper(bytesOf(length), { groups: [one] })).code).toBe('SECRET_SHARE_PAPER')
  }
  for (const bad of [
    [],
    [{ ...one, threshold: 2 }],
    [{ ...one, members: 3 }],
    [{ ...one, threshold: 2, members: 17 }]
  ]) {
    expect(caught(() => toPaper(secret, { groups: bad })).code).toBe('SECRET_SHARE_PAPER')
  }
  expect(caught(() => toPaper(secret, { groups: [one], passphrase: 'ä' })).code).toBe('SECRET_SHARE_PAPER')
  expect(caught(() => toPaper(secret, { groups: [one], iterationExponent: 16 })).code).toBe(
    'SECRET_SHARE_PAPER'
  )
})

test('what slip39 hangs on every array and string is seen by no loop', () => {
  const seen: string[] = []
  const all = (value: object): void => {
    for (const key in value) seen.push(key)
  }
  all(['a'])
  all(Object('a') as object)
  expect(seen).toEqual(['0', '0'])
})

function caught(run: () => unknown): SecretShareError {
  try {
    run()
  } catch (error) {
    if (error instanceof SecretShareError) return error
    throw error
  }
  throw new Error('it did not throw')
}
