import resolve from 'unix-path-resolve'

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

/** The first name of a path below a directory. */
export function nameIn(folder: string, path: string): string {
  const rest = path.slice(below(folder).gt.length)
  const slash = rest.indexOf('/')
  return slash === -1 ? rest : rest.slice(0, slash)
}
