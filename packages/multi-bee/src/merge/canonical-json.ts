/** Deepest nesting a document may have. Above it, parsers of different engines would differ in where they give up. */
export const MAX_DEPTH = 128

/**
 * Prints a JSON tree in its one canonical form: fields ordered by their quoted names, no white space.
 * Two devices that hold equal values hold equal text, so equality is a comparison of bytes.
 *
 * @param value - what `JSON.parse` returned: plain objects, arrays and scalars
 * @returns the text, or `null` when it nests deeper than {@link MAX_DEPTH}
 */
export function canonicalJson(value: unknown): string | null {
  return print(value, 0)
}

/**
 * Canonical text of any value that `JSON.stringify` takes. `undefined` is `null`, as an array element is.
 *
 * @returns the text, or `null` when the value cannot be a document (cycle, bigint, nested too deep)
 */
export function toCanonicalJson(value: unknown): string | null {
  if (typeof value === 'string' || value === null || value === undefined) return JSON.stringify(value ?? null)
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    return null
  }
  if (text === undefined || nestsTooDeep(text)) return null
  return canonicalJson(JSON.parse(text))
}

function print(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (depth === MAX_DEPTH) return null
  return Array.isArray(value) ? printArray(value, depth + 1) : printObject(value, depth + 1)
}

function printArray(items: readonly unknown[], depth: number): string | null {
  let text = '['
  for (let i = 0; i < items.length; i++) {
    const item = print(items[i], depth)
    if (item === null) return null
    text += i === 0 ? item : ',' + item
  }
  return text + ']'
}

function printObject(object: object, depth: number): string | null {
  const fields: [quoted: string, value: string][] = []
  let sorted = true
  let previous = ''
  for (const [name, value] of Object.entries(object)) {
    const text = print(value, depth)
    if (text === null) return null
    const quoted = JSON.stringify(name)
    if (quoted < previous) sorted = false
    previous = quoted
    fields.push([quoted, text])
  }
  if (!sorted) fields.sort(([a], [b]) => (a < b ? -1 : 1))
  let text = '{'
  for (const [quoted, value] of fields) text += (text === '{' ? '' : ',') + quoted + ':' + value
  return text + '}'
}

/** Counts brackets outside strings, so that a document is refused before a recursive parser sees it. */
function nestsTooDeep(text: string): boolean {
  if (text.length < MAX_DEPTH) return false
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (inString) {
      if (unit === 0x5c) i++
      else if (unit === 0x22) inString = false
    } else if (unit === 0x22) inString = true
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > MAX_DEPTH) return true
    } else if (unit === 0x7d || unit === 0x5d) depth--
  }
  return false
}
