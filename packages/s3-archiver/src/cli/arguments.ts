import { InvalidArgumentError } from 'commander'
import id from 'hypercore-id-encoding'
import { FileStore } from '../store/file-store.ts'
import { HttpStore } from '../store/http-store.ts'
import type { ObjectStore } from '../store/object-store.ts'

/**
 * The store that a word names: a directory, or `s3://bucket/prefix`, with `?endpoint=` and `&region=` when it is not Amazon's; or the url of a
 * bucket that anybody may list, with `?prefix=` for what lies deeper in it.
 */
export async function storeOf(word: string): Promise<ObjectStore> {
  if (/^https?:/.test(word)) return publicStoreOf(word)
  if (!word.startsWith('s3:')) return new FileStore(word.replace(/^file:(\/\/)?/, ''))
  const match = /^s3:\/\/([^/?]+)\/?([^?]*)(?:\?(.*))?$/.exec(word)
  if (match === null)
    throw new InvalidArgumentError('A bucket is named s3://bucket/prefix?endpoint=…&region=…')
  const [, bucket = '', prefix = '', query = ''] = match
  const options = Object.fromEntries(
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => pair.split('=').map(decodeURIComponent) as [string, string])
  )
  for (const name of Object.keys(options))
    if (name !== 'endpoint' && name !== 'region')
      throw new InvalidArgumentError(`A bucket takes \`endpoint\` and \`region\`, not \`${name}\``)
  const { S3Store } = await import('../s3/index.ts')
  return new S3Store({ bucket, prefix: prefix.replace(/\/$/, ''), ...options })
}

function publicStoreOf(word: string): ObjectStore {
  const [, bucket = '', query = ''] = /^([^?]+?)\/*(?:\?(.*))?$/.exec(word) ?? []
  const [, prefix] = /^prefix=([^&]*?)\/*$/.exec(query) ?? []
  if (query !== '' && prefix === undefined)
    throw new InvalidArgumentError('A public bucket is named https://…/bucket?prefix=…')
  const url = prefix === undefined ? bucket : `${bucket}/${decodeURIComponent(prefix)}`
  return new HttpStore({ url, bucket })
}

/** The key of a core, as z-base-32 or hex. */
export function keyOf(word: string): Uint8Array {
  try {
    return id.decode(word)
  } catch {
    throw new InvalidArgumentError('The key of a core has 64 hex digits, or 52 characters of z-base-32.')
  }
}

export function keysOf(word: string, others: readonly Uint8Array[] = []): Uint8Array[] {
  return [...others, keyOf(word)]
}

function numberOf(word: string): number {
  const value = Number(word)
  if (word.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('Not a number.')
  return value
}

/** Blocks, commits and moments are counted. */
export function countOf(word: string): number {
  const value = numberOf(word)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('Not a whole number.')
  return value
}

/** Of a limit, or a pause: without any, the option is left out. */
export function amountOf(word: string): number {
  const value = numberOf(word)
  if (value === 0) throw new InvalidArgumentError('It has to be above 0.')
  return value
}

/** From 0 to 1. */
export function shareOf(word: string): number {
  const value = numberOf(word)
  if (value > 1) throw new InvalidArgumentError('A share is from 0 to 1.')
  return value
}

/** At least a day. */
export function ageOf(word: string): number {
  const value = numberOf(word)
  if (value < 1) throw new InvalidArgumentError('What is younger than a day always stays.')
  return value
}

export function timeOf(word: string): number {
  const timeMs = Date.parse(word)
  if (Number.isNaN(timeMs)) throw new InvalidArgumentError('A time is written as 2026-11-21T15:00:00Z.')
  return timeMs
}
