/** Arbitraries for keys, names and values: few of them, so that they meet. */

import fc from 'fast-check'
import { canonicalJson } from './canonical-json.ts'
import type { Value } from './types.ts'

/**
 * Writer keys. The first two, and two others, differ in the last byte only; joining does not follow byte
 * order.
 */
export const WRITERS: string[] = [
  '55'.repeat(31) + '02',
  '55'.repeat(31) + '01',
  'aa'.repeat(32),
  '0f'.repeat(31) + 'ff',
  '0f'.repeat(31) + '0f'
]

/** A key that no log has. */
export const STRANGER: string = 'ee'.repeat(32)

export const KEYS: string[] = ['6b', '6c', '00', '']

export const NAMES: string[] = ['a', 'b', 'a!', '__proto__', '', '/', '1']

const name: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b') },
  fc.constantFrom(...NAMES)
)

export const key: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('6b') },
  fc.constantFrom(...KEYS)
)

export const path: fc.Arbitrary<string[]> = fc.array(name, { maxLength: 3 })

/** A leaf as JSON text. */
const leafText: fc.Arbitrary<string> = fc.constantFrom(
  '0',
  '1',
  '2',
  '""',
  '"x"',
  'false',
  'true',
  'null',
  '[]',
  '[{"b":0,"a":[]}]',
  '-0.5',
  '1e+21',
  '"\\ud800"'
)

/** A map as JSON text, its names in any order. */
function mapTextOf(depth: number): fc.Arbitrary<string> {
  const field =
    depth === 0
      ? leafText
      : fc.oneof({ weight: 2, arbitrary: leafText }, { weight: 1, arbitrary: mapTextOf(depth - 1) })
  return fc
    .uniqueArray(fc.tuple(name, field), { maxLength: 3, selector: ([field]) => field })
    .map((fields) => '{' + fields.map(([field, text]) => `${JSON.stringify(field)}:${text}`).join(',') + '}')
}

function document(json: string): Value {
  return { kind: 'document', text: canonicalJson(JSON.parse(json)) }
}

/** A leaf document. */
const leaf: fc.Arbitrary<Value> = leafText.map(document)

/** A map document up to three deep. */
export const map: fc.Arbitrary<Value> = mapTextOf(2).map(document)

export const opaque: fc.Arbitrary<Value> = fc.constantFrom<Value>(
  { kind: 'opaque', hex: '' },
  { kind: 'opaque', hex: '00ff' }
)

/** A leaf or map, as may stand at any path. */
export const field: fc.Arbitrary<Value> = fc.oneof(leaf, map)

/** What a put may be given: most often a map. */
export const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: map },
  { weight: 2, arbitrary: leaf },
  { weight: 1, arbitrary: opaque }
)
