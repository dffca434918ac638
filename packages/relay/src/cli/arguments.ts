import b4a from 'b4a'
import { InvalidArgumentError } from 'commander'
import { isPublicKey } from '../protocol/public-key.ts'
import type { Surroundings } from './surroundings.ts'

/** A port; 0 is any free one. */
export function portOf(word: string): number {
  const port = numberOf(word)
  if (!(port <= 65_535)) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

/** Anything but nothing: an address that is empty would be every address. */
export function wordOf(word: string): string {
  if (word.trim() === '') throw new InvalidArgumentError('This is empty.')
  return word
}

/** One or more, in one word with commas or in several words. */
export function wordsOf(word: string, others: readonly string[] = []): string[] {
  return [...others, ...listOf(wordOf(word))]
}

/** `host:port` of nodes of a DHT. */
export function nodesOf(
  word: string,
  others: readonly { host: string; port: number }[] = []
): { host: string; port: number }[] {
  const nodes = listOf(wordOf(word)).map((one) => {
    const [, host, port] = /^([^:]+):(\d+)$/.exec(one) ?? []
    if (host === undefined || port === undefined)
      throw new InvalidArgumentError(`${one} should be host:port, as 192.0.2.1:49737.`)
    return { host, port: portOf(port) }
  })
  return [...others, ...nodes]
}

/** Yes or no, of a file or the environment. */
export function truthOf(value: unknown): boolean {
  const truth = { true: true, 1: true, false: false, 0: false }[String(value)]
  if (truth === undefined) throw new InvalidArgumentError('This is true or false.')
  return truth
}

/** A whole number, not negative. */
export function countOf(word: string): number {
  const count = numberOf(word)
  if (!Number.isSafeInteger(count)) throw new InvalidArgumentError('This is a whole number.')
  return count
}

/** A public key of 64 hex digits. */
export function keyOf(word: string): Uint8Array {
  const key = hexOf(word)
  if (!isPublicKey(key)) throw new InvalidArgumentError(`${word} is no public key: is a digit wrong?`)
  return key
}

/** 64 hex digits, or other lengths. */
function hexOf(word: string, lengths: readonly number[] = [32]): Uint8Array {
  const bytes = /^([0-9a-f]{2})+$/i.test(word) ? b4a.from(word, 'hex') : new Uint8Array(0)
  if (!lengths.includes(bytes.length))
    throw new InvalidArgumentError(
      `${word} should have ${lengths.map((n) => 2 * n).join(' or ')} hex digits.`
    )
  return bytes
}

/** The same, of public keys. */
export function keysOf(word: string, others: readonly Uint8Array[] = []): Uint8Array[] {
  return [...others, ...listOf(word).map(keyOf)]
}

/** The same, of devices and of nonces of grants. */
export function revokedOf(word: string, others: readonly Uint8Array[] = []): Uint8Array[] {
  return [...others, ...listOf(word).map((one) => hexOf(one, [32, 16]))]
}

/** The environment's name of an option. */
export function variableOf(name: string): string {
  return `CLOUDPAL_RELAY_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** A line of the log: for people, or an object for programs. */
export function logger({ out }: Surroundings, isJson: boolean): (event: string, facts?: object) => void {
  return (event, facts = {}) => {
    const words = Object.entries(facts).map(([name, value]) => `${name}=${value}`)
    if (isJson) out(JSON.stringify({ time: new Date().toISOString(), event, ...facts }))
    else out([event, ...words].join(' '))
  }
}

/** `NaN` for everything but digits: `Number` takes nothing for 0, and words as 0x50. */
function numberOf(word: string): number {
  return /^\d+$/.test(word) ? Number(word) : Number.NaN
}

function listOf(word: string): string[] {
  return word
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}
