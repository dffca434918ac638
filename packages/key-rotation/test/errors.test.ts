import { join } from 'node:path'
import { errorCodes } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'

const { declared, thrown, listed } = errorCodes(join(import.meta.dirname, '..'), 'KEY_ROTATION_')

test('the union of codes is in order and names none twice', () => {
  expect(declared.length).toBeGreaterThan(30)
  expect(declared).toEqual([...new Set(declared)].sort())
})

// src throws nothing else that a string of this form could be for.
test('every code is thrown somewhere, and no other', () => {
  expect(thrown).toEqual(declared)
})

test('the README lists exactly the codes there are, in order', () => {
  expect(listed).toEqual(declared)
})
