import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { onTestFinished } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { decodeCommit, encodeCommit, type Commit } from '../src/format/commit.ts'
import {
  Archiver,
  buildReadPack,
  openFromArchive,
  S3ArchiverError,
  type CallOptions,
  type ObjectStore,
  type OpenedArchive,
  type OpenFromArchiveOptions,
  type RangeResult
} from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { Passing } from './bad-stores.ts'
import { changeObject } from './changed-objects.ts'

const WRITER: Uint8Array = new Uint8Array(16).fill(1)

export interface Archived {
  core: Hypercore
  store: MemoryStore
  archiver: Archiver
  key: Uint8Array
}

/** A core with blocks, archived into memory. */
export async function archived(blocks: readonly Uint8Array[]): Promise<Archived> {
  const core = (await tmpStore()).get({ name: 'core' })
  await core.ready()
  const store = new MemoryStore()
  const archiver = archiverOf(store, core)
  if (blocks.length > 0) await core.append([...blocks])
  await archiver.flush()
  return { core, store, archiver, key: core.key as Uint8Array }
}

export function archiverOf(store: ObjectStore, ...cores: Hypercore[]): Archiver {
  const archiver = new Archiver(store, { cores, writerId: WRITER, live: false })
  onTestFinished(() => archiver.close())
  return archiver
}

/** Closed when the test ends. */
export async function open(
  store: ObjectStore,
  options: OpenFromArchiveOptions
): Promise<OpenedArchive & { core: Hypercore }> {
  const archive = await openFromArchive(store, options)
  onTestFinished(() => archive.close())
  return archive as OpenedArchive & { core: Hypercore }
}

/** What becomes of it: its value, or the code of its error. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: Error) => (error as S3ArchiverError).code ?? `no code: ${error.message}`)
}

/** Fails, damages or counts what is read. */
export class Meddling extends Passing {
  /** Of all ranges that were asked for, in bytes. */
  largest = 0
  gets = 0
  change: (name: string, bytes: Uint8Array, range: { start: number; end: number }) => Uint8Array = (
    _,
    bytes
  ) => bytes

  override async getRange(
    name: string,
    range: { start: number; end: number },
    options?: CallOptions
  ): Promise<RangeResult | null> {
    this.gets++
    this.largest = Math.max(this.largest, range.end - range.start)
    const result = await this.inner.getRange(name, range, options)
    return result && { ...result, bytes: this.change(name, result.bytes, range) }
  }
}

/** Holds what is read, but for commits, until it is let go. */
export class Held extends Meddling {
  isHeld = false
  waiting: (() => void)[] = []

  letGo(): void {
    this.isHeld = false
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  override async getRange(
    name: string,
    range: { start: number; end: number },
    options?: CallOptions
  ): Promise<RangeResult | null> {
    if (this.isHeld && !name.startsWith('l/'))
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    return super.getRange(name, range, options)
  }
}

export const unavailable = (): never => {
  throw new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', 'away', { retryable: true })
}

/** Commits are there, and nothing else. */
export const onlyCommits = (name: string, bytes: Uint8Array): Uint8Array =>
  name.startsWith('l/') ? bytes : unavailable()

/** Another commit in the place of the newest, as anybody can make who may write to the bucket. */
export async function forge(store: ObjectStore, change: (commit: Commit) => Commit): Promise<void> {
  const [first] = await collect(store.list('l/', { limit: 1 }))
  await changeObject(store, (first as { name: string }).name, (bytes) =>
    encodeCommit(change(decodeCommit(bytes)))
  )
}

export const ENCODINGS = { keyEncoding: 'utf-8', valueEncoding: 'utf-8', extension: false } as const
export const entryName = (i: number): string => `key-${String(i).padStart(6, '0')}`

/** A bee with a read pack. */
export async function packedBee(entries: number): Promise<Archived> {
  const made = await archived([])
  const bee = new Hyperbee<string, string>(made.core, ENCODINGS)
  const batch = bee.batch()
  for (let i = 0; i < entries; i++) await batch.put(entryName(i), `value ${i} ${'x'.repeat(60)}`)
  await batch.flush()
  await made.archiver.flush()
  await buildReadPack(made.store, made.archiver, bee)
  return made
}
