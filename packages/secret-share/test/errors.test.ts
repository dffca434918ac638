import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const errors = readFileSync(join(root, 'src/errors.ts'), 'utf8')

/** The literals of the union. */
const codes = [...errors.matchAll(/^ {2}\| '(SECRET_SHARE_\w+)'$/gm)].map(([, code]) => code ?? '')

/** First column of the rows of the README's table that begin with a code. */
function codesInTable(markdown: string): string[] {
  return [...markdown.matchAll(/^\|\s*`?(SECRET_SHARE_\w+)`?\s*\|/gm)].map(([, code]) => code ?? '')
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile() && file.name.endsWith('.ts') && file.name !== 'errors.ts')
    .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
}

test('the union of codes is in order and names none twice', () => {
  expect(codes.length).toBeGreaterThan(10)
  expect(codes).toEqual([...new Set(codes)].sort())
})

test('every code is thrown somewhere, and no other', () => {
  // A code counts where it stands in a string that is not in a comment; src throws nothing else it could be for.
  const text = sources(join(root, 'src'))
    .join('\n')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\/\/.*$/gm, '')
  const thrown = new Set([...text.matchAll(/'(SECRET_SHARE_\w+)'/g)].map(([, code]) => code ?? ''))
  expect([...thrown].sort()).toEqual(codes)
})

test('the README lists exactly the codes there are, in order', () => {
  expect(codesInTable(readFileSync(join(root, 'README.md'), 'utf8'))).toEqual(codes)
})

test('a table is read row by row', () => {
  expect(
    codesInTable(
      '| Code | Meaning |\n|--|--|\n| `SECRET_SHARE_A` | x |\n|SECRET_SHARE_B| `SECRET_SHARE_C` |\n'
    )
  ).toEqual(['SECRET_SHARE_A', 'SECRET_SHARE_B'])
})
