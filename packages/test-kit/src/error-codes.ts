import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The error codes of a package, by what is written in it. */
export interface ErrorCodes {
  /** The literals of the union in `src/errors.ts`, in its order. */
  declared: string[]
  /** Those in the rest of `src`, in order, once each: a code counts where it stands in a string that is not in a comment. */
  thrown: string[]
  /** First column of the rows of the README's table that begin with a code, in its order. */
  listed: string[]
}

/**
 * Reads which error codes a package declares, throws and explains: all three should be the same.
 *
 * @param root - the package's directory
 * @param prefix - what its codes begin with, such as `MULTI_BEE_`
 */
export function errorCodes(root: string, prefix: string): ErrorCodes {
  const text = sources(join(root, 'src'))
    .join('\n')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\/\/.*$/gm, '')
  return {
    declared: found(readFileSync(join(root, 'src/errors.ts'), 'utf8'), `^ {2}\\| '(${prefix}\\w+)'$`),
    thrown: [...new Set(found(text, `'(${prefix}\\w+)'`))].sort(),
    listed: codesInTable(readFileSync(join(root, 'README.md'), 'utf8'), prefix)
  }
}

/** First column of the rows of a table that begin with a code. */
export function codesInTable(markdown: string, prefix: string): string[] {
  return found(markdown, `^\\|\\s*\`?(${prefix}\\w+)\`?\\s*\\|`)
}

function found(text: string, pattern: string): string[] {
  return [...text.matchAll(new RegExp(pattern, 'gm'))].map(([, code]) => code ?? '')
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile() && file.name.endsWith('.ts') && file.name !== 'errors.ts')
    .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
}
