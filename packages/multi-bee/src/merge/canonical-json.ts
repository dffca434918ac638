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
  return print(value, 0, true) ?? null
}

/**
 * Canonical text of any value that `JSON.stringify` takes. `undefined` is `null`, as an array element is.
 *
 * @returns the text, or `null` when the value cannot be a document (cycle, bigint, nested too deep)
 */
export function toCanonicalJson(value: unknown): string | null {
  if (typeof value === 'string' || value === null || value === undefined) return JSON.stringify(value ?? null)
  const plain = print(value, 0, false)
  if (plain !== undefined) return plain
  try {
    const text: string | undefined = JSON.stringify(value)
    return text === undefined ? null : canonicalJson(JSON.parse(text))
  } catch {
    return null
  }
}

/**
 * @param isParsed - whether `JSON.parse` made the value
 * @returns `null` when it nests too deep; `undefined` when it is not what `JSON.parse` could have made
 */
function print(value: unknown, depth: number, isParsed: boolean): string | null | undefined {
  if (typeof value === 'bigint' || typeof value === 'function') return undefined
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (depth === MAX_DEPTH) return null
  if (!isParsed && !isPlain(value)) return undefined
  return Array.isArray(value)
    ? printArray(value, depth + 1, isParsed)
    : printObject(value, depth + 1, isParsed)
}

function printArray(items: readonly unknown[], depth: number, isParsed: boolean): string | null | undefined {
  let text = '['
  for (let i = 0; i < items.length; i++) {
    const item = print(items[i], depth, isParsed)
    if (item == null) return item
    text += i === 0 ? item : ',' + item
  }
  return text + ']'
}

function printObject(object: object, depth: number, isParsed: boolean): string | null | undefined {
  const fields: [quoted: string, value: string][] = []
  let sorted = true
  let previous = ''
  for (const [name, value] of Object.entries(object)) {
    const text = print(value, depth, isParsed)
    if (text == null) return text
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

/** Whether `JSON.stringify` prints the object or array itself, field by field. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype) return false
  return !('toJSON' in value)
}
