import { expect, test } from 'vitest'
import { codesInTable } from '../src/error-codes.ts'

test('a table is read row by row', () => {
  expect(
    codesInTable(
      '| Code | Meaning |\n|--|--|\n| `MULTI_BEE_A` | x |\n|MULTI_BEE_B| `MULTI_BEE_C` |\n',
      'MULTI_BEE_'
    )
  ).toEqual(['MULTI_BEE_A', 'MULTI_BEE_B'])
})
