import b4a from 'b4a'
import { UnionBeeError } from '../errors.ts'
import type { Key } from '../types.ts'
import { compareText } from './compare-text.ts'

/** What a union does with keys, by their type. */
export interface Keys<K extends Key> {
  /** Byte order of encoded keys. */
  compare(a: K, b: K): number
  isKey(value: unknown): value is K
  startsWith(key: K, prefix: K): boolean
  join(prefix: K, key: K): K
  /** Without the first `length` units. */
  cut(key: K, length: number): K
  /** The key as it comes back from a bee. @throws UnionBeeError `UNION_BEE_BAD_KEY` */
  check(key: unknown): K
  /** `prefix`, then what Hyperbee puts between the prefix of a sub and its keys. */
  subPrefix(prefix: K): K
  /** The first key after all of a sub, by the prefix that {@link subPrefix} made. */
  afterSub(prefix: K): K
  /** The byte Hyperbee starts an unbounded scan of a sub after. */
  readonly separator: K
}

/** Text, ordered by its UTF-8 bytes. Lone surrogates count as U+FFFD, which is what they are stored as. */
const textKeys: Keys<string> = {
  compare: compareText,
  isKey: (value) => typeof value === 'string',
  startsWith: (key, prefix) => key.startsWith(prefix),
  join: (prefix, key) => prefix + key,
  cut: (key, length) => key.slice(length),
  check: (key) => {
    if (typeof key !== 'string') throw badKey('text', key)
    return key.isWellFormed() ? key : key.toWellFormed()
  },
  subPrefix: (prefix) => `${prefix}\0`,
  afterSub: (prefix) => `${prefix.slice(0, -1)}\x01`,
  separator: '\0'
}

const byteKeys: Keys<Uint8Array> = {
  compare: (a, b) => b4a.compare(a, b),
  isKey: (value) => value instanceof Uint8Array,
  startsWith: (key, prefix) => b4a.equals(key.subarray(0, prefix.length), prefix),
  join: (prefix, key) => b4a.concat([prefix, key]),
  cut: (key, length) => key.subarray(length),
  check: (key) => {
    if (!(key instanceof Uint8Array)) throw badKey('bytes', key)
    return key
  },
  subPrefix: (prefix) => b4a.concat([prefix, b4a.alloc(1)]),
  afterSub: (prefix) => b4a.concat([prefix.subarray(0, -1), b4a.from([1])]),
  separator: b4a.alloc(1)
}

/** @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
export function keysOf<K extends Key>(encoding: 'utf-8' | 'binary'): Keys<K> {
  if (encoding === 'utf-8') return textKeys as unknown as Keys<K>
  if (encoding === 'binary') return byteKeys as unknown as Keys<K>
  throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', "`keyEncoding` is 'utf-8' or 'binary'")
}

function badKey(wanted: string, key: unknown): UnionBeeError {
  const found = key === null ? 'null' : typeof key
  return new UnionBeeError('UNION_BEE_BAD_KEY', `keys of this union are ${wanted}, not ${found}`)
}
