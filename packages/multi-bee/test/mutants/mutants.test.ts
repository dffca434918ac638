import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mutants } from './all.mjs'

// `npm run mutants` at the top of the repository puts these bugs in and runs the tests. Here: that each can still be put in.

const root = resolve(import.meta.dirname, '../..')

test('no two mutants have one name', () => {
  const names = mutants.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
})

test('every bug of the predecessor is among them', () => {
  const numbers = mutants.flatMap(({ name }) => /^P(\d+)/.exec(name)?.[1] ?? [])
  expect(new Set(numbers.map(Number))).toEqual(new Set(Array.from({ length: 13 }, (_, i) => i + 1)))
})

describe('a mutant still applies:', () => {
  test.each(mutants)('$name', ({ file, find, replace, caughtBy }) => {
    const source = readFileSync(resolve(root, 'src', file), 'utf8')
    expect(source.split(find).length - 1).toBe(1)
    expect(replace).not.toBe(find)
    expect(existsSync(resolve(root, 'test', caughtBy.file))).toBe(true)
  })
})
