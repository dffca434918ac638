/** Arbitraries for keys, names and values: few of them, so that they meet. */

import b4a from 'b4a'
import fc from 'fast-check'
import Hypercore from 'hypercore'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { canonicalJson } from './canonical-json.ts'
import type { Value } from './types.ts'

const keyPairs = new Map<string, KeyPair>()

/** The key of a core that one key pair signs; the pair comes from a fixed seed. */
function coreKey(seed: number): string {
  const keyPair = crypto.keyPair(b4a.alloc(32, seed))
  const coreKey = b4a.toString(Hypercore.key(keyPair.publicKey), 'hex')
  keyPairs.set(coreKey, keyPair)
  return coreKey
}

/** Writer keys. Two of them have one first byte; joining does not follow byte order. */
export const WRITERS: string[] = [1, 4, 3, 16, 5].map(coreKey)

/** Keys of the logs in which devices go on. */
export const SPARES: string[] = [6, 7, 8, 2].map(coreKey)

/** Keys that no world names, for the logs in which two devices beside a world go on. */
export const OWN_SPARES: string[][] = [[20, 21, 22, 23].map(coreKey), [24, 25, 26, 27].map(coreKey)]

/** A key that no log has. */
export const STRANGER: string = coreKey(10)

/** Signs the log of a writer above. */
export function keyPairOf(writer: string): KeyPair {
  const keyPair = keyPairs.get(writer)
  if (keyPair === undefined) throw new Error(`no key pair for ${writer}`)
  return keyPair
}

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
