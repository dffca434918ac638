import { join } from 'node:path'
import { errorCodes } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'

const { declared, thrown, listed } = errorCodes(join(import.meta.dirname, '..'), 'RELAY_')

test('the union of codes is in order and names none twice', () => {
  expect(declared.length).toBeGreaterThan(10)
  expect(declared).toEqual([...new Set(declared)].sort())
})

test('every code is used somewhere, and no other', () => {
  expect(thrown).toEqual(declared)
})

test('the README lists exactly the codes there are, in order', () => {
  expect(listed).toEqual(declared)
})
