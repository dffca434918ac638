/** "How a put becomes operations" of MERGE.md: what an honest device writes. */

import { canonicalJson, compareNames, isMap, type JsonMap } from './canonical-json.ts'
import type { Operation, Value } from './types.ts'

/**
 * The operations of `put(key, value)` against the value that is compared with (null = absent).
 * `hasMarker` tells whether the map shown at a path has a presence marker.
 */
export function putOperations(
  key: string,
  shown: Value | null,
  value: Value,
  hasMarker: (path: string[]) => boolean
): Operation[] {
  if (shown === null || shown.kind === 'opaque' || value.kind === 'opaque') {
    const isEqual = shown?.kind === 'opaque' && value.kind === 'opaque' && shown.hex === value.hex
    return isEqual ? [] : [{ type: 'assign', key, path: [], value }]
  }
  return compare(key, [], JSON.parse(shown.text), JSON.parse(value.text), hasMarker)
}

function compare(
  key: string,
  path: string[],
  shown: unknown,
  value: unknown,
  hasMarker: (path: string[]) => boolean
): Operation[] {
  if (isMap(shown) && isMap(value)) return compareMaps(key, path, shown, value, hasMarker)
  // Equal leaves: nothing; anything else: assign.
  return canonicalJson(shown) === canonicalJson(value) ? [] : [assign(key, path, value)]
}

function compareMaps(
  key: string,
  path: string[],
  shown: JsonMap,
  value: JsonMap,
  hasMarker: (path: string[]) => boolean
): Operation[] {
  // If the new map is {} and the shown one has no marker, it is assigned (so that it stays).
  // No two operations are one above the other, so the fields are not unset beside it.
  if (Object.keys(value).length === 0 && !hasMarker(path)) return [assign(key, path, value)]
  // A field only in the new value is assigned, one only in the old is unset, one in both is compared in turn.
  const names = [...new Set([...Object.keys(shown), ...Object.keys(value)])].sort(compareNames)
  return names.flatMap((name): Operation[] => {
    const at = [...path, name]
    if (!Object.hasOwn(shown, name)) return [assign(key, at, value[name])]
    if (!Object.hasOwn(value, name)) return [{ type: 'unset', key, path: at }]
    return compare(key, at, shown[name], value[name], hasMarker)
  })
}

function assign(key: string, path: string[], value: unknown): Operation {
  return { type: 'assign', key, path, value: { kind: 'document', text: canonicalJson(value) } }
}
