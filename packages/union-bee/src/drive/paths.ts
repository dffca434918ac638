import resolve from 'unix-path-resolve'
import { compareText } from '../keys/compare-text.ts'
import type { PathRange } from './types.ts'

/** Absolute, without `.`, `..` and a slash at the end, as Hyperdrive has it. `/` is the root. */
export function normalPath(name: string): string {
  const path = resolve('/', name)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** All directories above, the root left out; the lowest last. */
export function ancestors(path: string): string[] {
  const above: string[] = []
  for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1))
    above.push(path.slice(0, slash))
  return above
}

/** Keys of everything in a directory. `0` is the byte after `/`. */
export function below(folder: string): { gt: string; lt: string } {
  const base = folder === '/' ? '' : folder
  return { gt: `${base}/`, lt: `${base}0` }
}

/**
 * Paths before a range that something in it may be below of, in byte order: what begins with such a path and a slash is no earlier than the
 * range, so the range begins with the path and goes on with no greater byte than a slash.
 */
export function above({ gt, gte, lt, lte }: PathRange): string[] {
  const start = gt ?? gte ?? ''
  const end = lt ?? lte
  const paths: string[] = []
  for (let length = 2; length <= start.length; length++) {
    const path = start.slice(0, length)
    const next = start[length]
    const isBefore = next === undefined ? path === gt : next <= '/'
    if (isBefore && !path.endsWith('/') && (end === undefined || compareText(`${path}/`, end) <= 0))
      paths.push(path)
  }
  return paths
}

/** The first name of a path below a directory. */
export function nameIn(folder: string, path: string): string {
  const rest = path.slice(below(folder).gt.length)
  const slash = rest.indexOf('/')
  return slash === -1 ? rest : rest.slice(0, slash)
}
