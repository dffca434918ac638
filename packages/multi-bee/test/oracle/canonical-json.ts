/** "Values and paths" of MERGE.md. */

/** A JSON object: what becomes a map. Arrays and null are leaves. */
export type JsonMap = Record<string, unknown>

/** Maps are JSON objects; everything else is a leaf. */
export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A name as JSON quotes it; a lone surrogate comes out as its `\u` escape. */
function quote(name: string): string {
  return JSON.stringify(name)
}

/** Fields of every object are ordered by their JSON-quoted names (UTF-16 code units of the quoted text). */
export function compareNames(a: string, b: string): number {
  return quote(a) < quote(b) ? -1 : quote(a) > quote(b) ? 1 : 0
}

/** The text of a map whose fields are already text. */
export function mapText(fields: Array<[name: string, text: string]>): string {
  const ordered = [...fields].sort(([a], [b]) => compareNames(a, b))
  return '{' + ordered.map(([name, text]) => quote(name) + ':' + text).join(',') + '}'
}

/**
 * Canonical JSON of what `JSON.parse` returns: ordered fields, no white space, numbers as `JSON.stringify`
 * prints them. It never writes to an object, so `__proto__` and integer-like names are names like any other.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return '[' + value.map(canonicalJson).join(',') + ']'
  if (isMap(value)) return mapText(Object.keys(value).map((name) => [name, canonicalJson(value[name])]))
  return JSON.stringify(value)
}

/** Order of paths: name by name, a prefix before what it is a prefix of. */
export function comparePaths(a: string[], b: string[]): number {
  for (const [depth, name] of a.entries()) {
    const other = b[depth]
    if (other === undefined) return 1
    if (name !== other) return compareNames(name, other)
  }
  return a.length - b.length
}

/** Whether `path` is `above` or lies below it. */
export function isAtOrBelow(path: string[], above: string[]): boolean {
  return above.every((name, depth) => path[depth] === name)
}

/** Whether the two paths are the same. */
export function samePath(a: string[], b: string[]): boolean {
  return a.length === b.length && isAtOrBelow(a, b)
}
