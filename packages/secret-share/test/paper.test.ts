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
  const { groups: made, fingerprint } = toPaper(secret, { groups: groups.slice(0, 1), passphrase: 'right' })
  const lists = made.flat().slice(1)
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
  const one = { name: 'a', threshold: 2, members: 2 }
  for (const length of [0, 14, 17, 34]) {
    expect(caught(() => toPaper(bytesOf(length), { groups: [one] })).code).toBe('SECRET_SHARE_PAPER')
  }
  for (const bad of [
    [],
    [{ ...one, threshold: 3 }],
    [{ ...one, threshold: 0 }],
    [{ ...one, threshold: 1, members: 3 }],
    [{ ...one, threshold: 2, members: 17 }]
  ]) {
    expect(caught(() => toPaper(secret, { groups: bad })).code).toBe('SECRET_SHARE_PAPER')
  }
  expect(caught(() => toPaper(secret, { groups: [one], passphrase: 'ä' })).code).toBe('SECRET_SHARE_PAPER')
  expect(caught(() => toPaper(secret, { groups: [one], iterationExponent: 16 })).code).toBe(
    'SECRET_SHARE_PAPER'
  )
})

test('a passphrase outside ASCII is refused, as slip39 takes it for another one', () => {
  const { groups: made } = toPaper(secret, { groups: groups.slice(0, 1), passphrase: 'aa' })
  const lists = made.flat().slice(1)
  expect(fromPaper(lists, { passphrase: 'aa' })).toEqual(secret)
  for (const passphrase of ['慡', 'aa\0', '\u0161a', 'größe', 7 as never]) {
    expect(caught(() => fromPaper(lists, { passphrase })).code).toBe('SECRET_SHARE_PAPER')
    expect(caught(() => toPaper(secret, { groups, passphrase })).code).toBe('SECRET_SHARE_PAPER')
  }
})

test('that one paper alone is the secret is refused, unless it is meant so', () => {
  const one = [{ name: 'safe', threshold: 1, members: 1 }]
  const either = [...one, { name: 'friends', threshold: 2, members: 3 }]
  for (const options of [{ groups: one }, { groups: either, groupThreshold: 1 }]) {
    expect(caught(() => toPaper(secret, options)).code).toBe('SECRET_SHARE_PAPER')
    const made = toPaper(secret, { ...options, onePaperIsEnough: true })
    expect(fromPaper(made.groups[0] ?? [])).toEqual(secret)
  }
  expect(toPaper(secret, { groups: either }).groups).toHaveLength(2)
})

test('what is called without what it needs says so with a code', () => {
  for (const call of [
    () => fromPaper('one two' as never),
    () => fromPaper([7] as never),
    () => fromPaper([], null as never),
    () => toPaper(secret, null as never),
    () => toPaper('secret' as never, { groups }),
    () => toPaper(secret, { groups: [null] as never })
  ]) {
    expect(caught(call).code).toBe('SECRET_SHARE_BAD_ARGUMENT')
  }
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
