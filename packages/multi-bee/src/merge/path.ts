import { isCanonicalJson } from './canonical-text.ts'

/**
 * A path inside an entry, as one string: the JSON-quoted field names one after the other, `''` for the entry itself
 * (`['a', 'b']` is `"a""b"`). A quoted name ends at its unescaped quote, so a string prefix that is itself a path is an ancestor,
 * and any field name, also `''`, `/` and a lone surrogate, has exactly one spelling.
 */
export type Path = string

export const ROOT: Path = ''

export function childPath(parent: Path, name: string): Path {
  return parent + JSON.stringify(name)
}

export function pathOf(names: readonly string[]): Path {
  let path = ROOT
  for (const name of names) path = childPath(path, name)
  return path
}

export function pathNames(path: Path): string[] {
  return quotedNames(path).map((quoted) => JSON.parse(quoted) as string)
}

/** The quoted names of a path, first to last. */
export function quotedNames(path: Path): string[] {
  const names: string[] = []
  for (let start = 0; start < path.length;) {
    const end = quotedEnd(path, start)
    names.push(path.slice(start, end))
    start = end
  }
  return names
}

/** The path and all above it, the entry itself first. */
export function pathsTo(path: Path): Path[] {
  const paths = [ROOT]
  for (let end = 0; end < path.length;) {
    end = quotedEnd(path, end)
    paths.push(path.slice(0, end))
  }
  return paths
}

export function isAtOrBelow(path: Path, ancestor: Path): boolean {
  return path.startsWith(ancestor)
}

export function isBelow(path: Path, ancestor: Path): boolean {
  return path.length > ancestor.length && path.startsWith(ancestor)
}

/** Whether text from a peer spells a path the one way it can be spelt, no deeper than `maxDepth`. Never throws. */
export function isPath(text: string, maxDepth: number): boolean {
  let depth = 0
  for (let start = 0; start < text.length; depth++) {
    const end = quotedEnd(text, start)
    if (end === -1 || depth === maxDepth) return false
    if (!isCanonicalJson(text.slice(start, end))) return false
    start = end
  }
  return true
}

/** Index after the closing quote of the name that starts at `start`, or -1. */
function quotedEnd(path: Path, start: number): number {
  if (path.charCodeAt(start) !== 0x22) return -1
  for (let i = start + 1; i < path.length; i++) {
    const unit = path.charCodeAt(i)
    if (unit === 0x5c) i++
    else if (unit === 0x22) return i + 1
  }
  return -1
}
