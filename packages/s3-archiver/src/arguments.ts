import { S3ArchiverError } from './errors.ts'

/** What an argument has to be. */
export interface Rule {
  is: (value: unknown) => boolean
  /** That, in words. */
  says: string
}

type Members = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null
}

/** An object that has these methods: of whichever class, since there may be two copies of it. */
function having(says: string, ...methods: readonly string[]): Rule {
  const is = (value: unknown): boolean =>
    isObject(value) && methods.every((name) => typeof value[name] === 'function')
  return { is, says }
}

function listOf(rule: Rule): Rule {
  return {
    is: (value) => Array.isArray(value) && value.every(rule.is),
    says: `a list, of each: ${rule.says}`
  }
}

/** A byte string of one length. */
export function bytes(count: number): Rule {
  const is = (value: unknown): boolean => value instanceof Uint8Array && value.byteLength === count
  return { is, says: `a Uint8Array of ${count} bytes` }
}

/** A count. */
export function least(min: number): Rule {
  const is = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= min
  return { is, says: `a whole number, at least ${min}` }
}

const key: Rule = bytes(32)
const keys: Rule = { ...listOf(key), says: 'a list of keys, Uint8Arrays of 32 bytes' }
const keyPair: Rule = {
  is: (value) => isObject(value) && key.is(value['publicKey']) && bytes(64).is(value['secretKey']),
  says: 'a key pair, { publicKey, secretKey }, of 32 and 64 bytes'
}
const core: Rule = {
  is: (value) => having('', 'ready', 'on', 'off').is(value) && 'core' in (value as object),
  says: 'a Hypercore'
}
const amount: Rule = { is: (value) => typeof value === 'number' && value > 0, says: 'a number above 0' }
const mark: Rule = {
  is: (value) =>
    isObject(value) &&
    bytes(32).is(value['hash']) &&
    [value['seq'], value['fork'], value['length']].every(least(0).is),
  says: 'a mark, as a reader has given it'
}
const range: Rule = {
  is: (value) =>
    isObject(value) && least(0).is(value['start']) && least(value['start'] as number).is(value['end']),
  says: '{ start, end }, whole numbers, and the end not before the start'
}

/** Names of the kinds of arguments. */
export type RuleName =
  | 'key'
  | 'keys'
  | 'keyPair'
  | 'core'
  | 'amount'
  | 'mark'
  | 'range'
  | 'cores'
  | 'ranges'
  | 'store'
  | 'corestore'
  | 'signal'
  | 'clock'
  | 'frontKeeper'
  | 'front'
  | 'bee'
  | 'flag'
  | 'text'
  | 'listener'
  | 'time'
  | 'encryption'

/** The kinds of arguments that this package takes. */
export const RULES: Readonly<Record<RuleName, Rule>> = {
  key,
  keys,
  keyPair,
  core,
  amount,
  mark,
  range,
  cores: { ...listOf(core), says: 'a list of Hypercores' },
  ranges: listOf(range),
  store: having('an object store', 'putIfAbsent', 'getRange', 'head', 'list', 'delete'),
  corestore: {
    is: (value) => having('', 'ready', 'get').is(value) && isObject((value as Members)['storage']),
    says: 'a Corestore'
  },
  signal: having('a signal, as of an AbortController', 'addEventListener', 'removeEventListener'),
  clock: having('a clock, with `now` and `after`', 'now', 'after'),
  frontKeeper: having('an Archiver', 'attachFront'),
  front: {
    is: (value) =>
      isObject(value) && value['bytes'] instanceof Uint8Array && listOf(RULES.text).is(value['objects']),
    says: 'the front of a read pack, { objects, bytes }'
  },
  bee: having('a Hyperbee', 'ready', 'checkout'),
  flag: { is: (value) => typeof value === 'boolean', says: 'true or false' },
  text: { is: (value) => typeof value === 'string', says: 'a string' },
  listener: { is: (value) => typeof value === 'function', says: 'a function' },
  time: {
    is: (value) => typeof value === 'number' && value >= 0 && value < Infinity,
    says: 'a finite number, at least 0'
  },
  encryption: {
    is: (value) => value instanceof Uint8Array || (isObject(value) && value['key'] instanceof Uint8Array),
    says: 'a key, or { key }'
  }
}

/**
 * Checks what a caller has given, before anything is done with it: what TypeScript has not seen comes here, too.
 *
 * @param rules - by name; what has none is not looked at
 * @param needed - names of what cannot be left out
 * @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` with the name of what is wrong, and what it has to be
 */
export function checkArguments(
  values: unknown,
  rules: Readonly<Record<string, Rule>>,
  needed: readonly string[] = []
): void {
  if (!isObject(values)) throw badArgument('the options are an object')
  for (const [name, rule] of Object.entries(rules)) {
    const value = values[name]
    if (value === undefined ? needed.includes(name) : !rule.is(value))
      throw badArgument(`\`${name}\` is ${rule.says}`)
  }
}

export function badArgument(help: string): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', help)
}
