import b4a from 'b4a'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type { KeyPairLike } from './core-writer.ts'
import { S3ArchiverError } from './errors.ts'
import { writerIdOf } from './format/names.ts'
import type { CoreLike, CorestoreLike } from './types.ts'

// What this package asks of a Corestore beyond its documented API. Of corestore 7.12: `watch`, `cores` and `primaryKey` (index.js); of hypercore-storage 3.3:
// `getInfos`, `resumeCore` and what that gives; of hypercore 11.37: a weak session of a core that is open (index.js, `_open`).

/** How a core of a Corestore stands, without opening it. */
export interface StoredCore {
  key: Uint8Array
  fork: number
  /** In blocks. */
  length: number
}

/** A session, to be closed. */
export interface CoreSession extends CoreLike {
  close(): Promise<void>
}

interface Internals {
  readonly primaryKey: Uint8Array | null
  readonly ns: Uint8Array
  readonly cores: Iterable<object> & { get(discoveryKey: Uint8Array): object | null }
  readonly storage: {
    resumeCore(discoveryKey: Uint8Array): Promise<StoredStorage | null>
    getInfos(discoveryKeys: readonly Uint8Array[], options: object): Promise<readonly (Info | null)[]>
  }
  list(): AsyncIterable<Uint8Array>
  watch(listener: (core: object) => void): void
  unwatch(listener: (core: object) => void): void
  get(options: object): CoreSession
  createKeyPair(name: string): Promise<KeyPairLike>
}

interface StoredStorage {
  read(): {
    getAuth(): Promise<Info['auth']>
    getHead(): Promise<{ fork: number; length: number; signature: Uint8Array | null } | null>
    tryFlush(): void
  }
  createBitfieldStream(options: object): AsyncIterable<{ index: number; page: Uint8Array }>
  close(): Promise<void>
}

interface Info {
  readonly auth: {
    readonly key: Uint8Array
    readonly manifest: object | null
    readonly keyPair: object | null
  } | null
  readonly head: { readonly fork: number; readonly length: number } | null
}

/** Blocks in one page of Hypercore's bitfield. */
const PAGE_BLOCKS = 32768
/** Cores that are asked for at once. */
const BATCH = 1024

/** @throws S3ArchiverError `S3_ARCHIVER_UNSUPPORTED_UPSTREAM` naming what is missing */
export function checkCorestore(corestore: CorestoreLike): void {
  const internals = internalsOf(corestore)
  const missing = (['watch', 'unwatch', 'list', 'get'] as const)
    .filter((name) => typeof internals[name] !== 'function')
    .map((name): string => name)
  if (typeof internals.storage?.getInfos !== 'function') missing.push('storage.getInfos')
  if (typeof internals.storage?.resumeCore !== 'function') missing.push('storage.resumeCore')
  if (typeof internals.cores?.[Symbol.iterator] !== 'function') missing.push('cores')
  if (missing.length === 0) return
  const help = `this corestore lacks ${missing.join(', ')}; corestore 7.12 has them`
  throw new S3ArchiverError('S3_ARCHIVER_UNSUPPORTED_UPSTREAM', help)
}

/** All cores of a Corestore that have a block, without opening one. A read of the disk for each thousand. */
export async function* storedCores(corestore: CorestoreLike): AsyncGenerator<StoredCore> {
  const { storage } = internalsOf(corestore)
  let batch: Uint8Array[] = []
  const look = async function* (): AsyncGenerator<StoredCore> {
    for (const info of await storage.getInfos(batch, { auth: true, head: true, hints: false })) {
      const { auth = null, head = null } = info ?? {}
      if (auth === null || auth.manifest === null || head === null || head.length === 0) continue
      // A copy: what is kept must not keep the page of the disk that it was read from.
      yield { key: b4a.from(auth.key), fork: head.fork, length: head.length }
    }
    batch = []
  }
  for await (const discoveryKey of internalsOf(corestore).list()) {
    batch.push(discoveryKey)
    if (batch.length === BATCH) yield* look()
  }
  yield* look()
}

/**
 * A core to be read: a session of it when it is open, and else what lies in the store, without opening it. Thousands that were opened at once
 * would stay in memory for seconds.
 *
 * @returns to be closed; `null` when there is none
 */
export async function readableCore(corestore: CorestoreLike, key: Uint8Array): Promise<CoreSession | null> {
  const { cores, storage } = internalsOf(corestore)
  const discoveryKey = crypto.discoveryKey(key)
  if (cores.get(discoveryKey) !== null) {
    const session = internalsOf(corestore).get({ key, active: false })
    await session.ready()
    return session
  }
  const stored = await storage.resumeCore(discoveryKey)
  return stored && storedCore(key, stored)
}

/** What Hypercore would have in memory of a core, as far as `hypercore-adapter.ts` asks for it. */
async function storedCore(key: Uint8Array, storage: StoredStorage): Promise<CoreSession> {
  const reader = storage.read()
  const reading = Promise.all([reader.getAuth(), reader.getHead()])
  reader.tryFlush()
  const [auth, head] = await reading
  const { fork = 0, length = 0, signature = null } = head ?? {}
  const bitfield = new StoredBitfield()
  for await (const { index, page } of storage.createBitfieldStream({})) bitfield.set(index, page)
  const state = { fork, length, signature, storage }
  const nothing = (): void => {}
  return {
    key,
    core: { state, bitfield, header: { manifest: auth?.manifest ?? null, keyPair: auth?.keyPair ?? null } },
    ready: async () => {},
    on: nothing,
    off: nothing,
    close: () => storage.close()
  }
}

/** Which blocks a core has, in pages as its store keeps them. */
class StoredBitfield {
  readonly #pages = new Map<number, Uint8Array>()
  #end = 0

  set(index: number, page: Uint8Array): void {
    this.#pages.set(index, page)
    this.#end = Math.max(this.#end, (index + 1) * PAGE_BLOCKS)
  }

  /** @returns -1 for none */
  firstSet(position: number): number {
    const found = this.#first(position, true)
    return found === this.#end ? -1 : found
  }

  firstUnset(position: number): number {
    return Math.max(position, this.#first(position, false))
  }

  #first(position: number, isSet: boolean): number {
    for (let at = position; at < this.#end; at++) {
      const page = this.#pages.get(Math.floor(at / PAGE_BLOCKS))
      const byte = page?.[(at % PAGE_BLOCKS) >> 3] ?? 0
      // Whole bytes of no interest are passed over.
      if (at % 8 === 0 && byte === (isSet ? 0 : 255)) at += 7
      else if (((byte >> (at % 8)) & 1) === (isSet ? 1 : 0)) return at
    }
    return this.#end
  }
}

/** A watch of a Corestore's cores. */
export interface CoreWatch {
  /** Resolves once all that were open when it was called have been told of. */
  settled(): Promise<void>
  /** Ends it, and closes its sessions. */
  close(): Promise<void>
}

/** Tells of each core that is open, or is opened, with a session that does not keep it open. */
export function watchCores(corestore: CorestoreLike, onopen: (session: CoreSession) => void): CoreWatch {
  const internals = internalsOf(corestore)
  const sessions = new Set<CoreSession>()
  const opening = new Set<Promise<void>>()
  const seen = new WeakSet()
  const look = (core: object): void => {
    if (seen.has(core)) return
    seen.add(core)
    const session = weakSession(core)
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    // A core that cannot be opened is none.
    const ready = session
      .ready()
      .then(() => onopen(session))
      .catch(() => {})
      .finally(() => opening.delete(ready))
    opening.add(ready)
  }
  for (const core of internals.cores) look(core)
  internals.watch(look)
  return {
    async settled() {
      await Promise.all(opening)
    },
    async close() {
      internals.unwatch(look)
      await Promise.all([...sessions].map((session) => session.close()))
    }
  }
}

/** By which an archiver of a Corestore knows its archive again, wherever that is opened; 16 bytes, by chance without a Corestore. */
export function writerIdFor(corestore: CorestoreLike | undefined): Uint8Array {
  const secret = corestore === undefined ? null : internalsOf(corestore).primaryKey
  return secret === null ? crypto.randomBytes(16) : writerIdOf(secret)
}

/** The key pair that a Corestore has for a name, and the namespace in which it has. */
export async function keyPairOf(
  corestore: CorestoreLike,
  name: string
): Promise<{ keyPair: KeyPairLike; namespace: Uint8Array }> {
  const { ns } = internalsOf(corestore)
  return { keyPair: await internalsOf(corestore).createKeyPair(name), namespace: ns }
}

interface WeakSession extends CoreSession {
  once(event: 'close', listener: () => void): unknown
}

function weakSession(core: object): WeakSession {
  const options = { core, weak: true, active: false }
  return new (Hypercore as unknown as new (storage: null, key: null, options: object) => WeakSession)(
    null,
    null,
    options
  )
}

function internalsOf(corestore: CorestoreLike): Internals {
  return corestore as unknown as Internals
}
