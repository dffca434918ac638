import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_DEPTH, toCanonicalJson } from '../src/merge/canonical-json.ts'
import { canonicalJson } from './oracle/canonical-json.ts'

/** By way of `JSON.stringify`, whatever the value is made of, and the oracle. */
function byWayOfText(value: unknown): string | null {
  let text: string | undefined
  try {
    text = JSON.stringify(value ?? null)
  } catch {
    return null
  }
  return text === undefined ? null : canonicalJson(JSON.parse(text))
}

const anything = fc.anything({
  maxDepth: 4,
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true
})

test('any value has the canonical text of what JSON.stringify makes of it', () => {
  fc.assert(
    fc.property(anything, (value) => {
      expect(toCanonicalJson(value)).toBe(byWayOfText(value))
    }),
    { numRuns: 2000 }
  )
})

class Point {
  readonly x = 1
  toJSON(): unknown {
    return { y: 2, x: 1 }
  }
}

const called = Object.assign(() => {}, { toJSON: () => ({ b: 1, a: 2 }) })

test.each([
  ['a field called toJSON', { toJSON: 1, a: [{ toJSON: 'x' }] }],
  ['a method called toJSON', { b: { toJSON: () => ({ b: 1, a: 2 }) }, a: 1 }],
  ['one that is not enumerable', { at: Object.defineProperty({}, 'toJSON', { value: () => 7 }) }],
  ['a class with toJSON', { point: new Point(), a: 1 }],
  ['a function with toJSON', { called, a: 1 }],
  ['fields that are no values', { b: undefined, a: 1, [Symbol('c')]: 2, d: () => {}, e: Symbol('e') }],
  ['elements that are no values', [undefined, () => {}, Symbol('a'), 1]],
  ['numbers that are none', { a: NaN, b: -0, c: [Infinity] }],
  ['a bigint', { a: { b: 1n } }],
  ['names in the order of their quoted form', { 10: 1, 9: 2, 'a!': 3, a: 4, '\uD800': 5, '\\': 6 }],
  ['a field called __proto__', JSON.parse('{"b":1,"__proto__":{"d":1,"c":2}}') as unknown]
])('%s', (_, value) => {
  expect(toCanonicalJson(value)).toBe(byWayOfText(value))
})

test('a value that holds itself, or nests too deep, has none', () => {
  const circle: Record<string, unknown> = { a: 1 }
  circle['left'] = circle
  circle['right'] = [circle, circle]
  expect(toCanonicalJson(circle)).toBeNull()
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
  expect(toCanonicalJson(nested(MAX_DEPTH))).not.toBeNull()
  expect(toCanonicalJson(nested(MAX_DEPTH + 1))).toBeNull()
})
