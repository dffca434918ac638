import Hypercore from 'hypercore'
import type Corestore from 'corestore'
import type { ReplicationStream } from 'hypercore'
import crypto from 'hypercore-crypto'
import b4a from 'b4a'
import { MultiBeeError } from './errors.ts'
import { checkBlockApi, readBlocks } from './hypercore-blocks.ts'
import { askForProof, checkForkApi, watchForks } from './hypercore-forks.ts'
import type { LogFork } from './log/fork-proof.ts'
import type { OpLog } from './log/op-log.ts'
import { signSuccession } from './log/succession.ts'
import type { Succession } from './merge/transaction.ts'
import type { DuplexLike, StoreLike } from './types.ts'

// Everything this package asks of Hypercore and Corestore beyond their documented API, and everything untyped, is in this file.
// Private: `store.storage.path` (corestore 7.12, index.js); of hypercore 11.37 `core.peers[].remoteContiguousLength` (lib/replicator.js),
// `append`'s `postappend` (index.js), `core.core.header.hints` (lib/core.js), and what `hypercore-forks.ts` and `hypercore-blocks.ts` use.

/** Where a Corestore keeps its files. */
export function storePath(store: StoreLike): string {
  const path: unknown = (store as unknown as Corestore).storage?.path
  if (typeof path !== 'string') {
    throw new MultiBeeError(
      'MULTI_BEE_UNSUPPORTED_UPSTREAM',
      'this Corestore does not tell where it is; pass `directory` for the view'
    )
  }
  return path
}

/** @throws MultiBeeError `MULTI_BEE_STORE_LOCKED`, `MULTI_BEE_STORE_COPIED`, `MULTI_BEE_STORE_FAILED` */
export async function openStore(store: StoreLike): Promise<void> {
  try {
    await store.ready()
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'DEVICE_FILE') {
      const help =
        'the files of this Corestore were copied, moved or restored; open it with `allowBackup: true`, and this device goes on in a new log'
      throw new MultiBeeError('MULTI_BEE_STORE_COPIED', help, { cause })
    }
    if (cause instanceof Error && /lock/i.test(cause.message))
      throw new MultiBeeError('MULTI_BEE_STORE_LOCKED', 'another process has this Corestore open', { cause })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MultiBeeError('MULTI_BEE_STORE_FAILED', `this Corestore does not open: ${reason}`, { cause })
  }
}

/** @throws MultiBeeError `MULTI_BEE_STORE_FAILED` when the store rejects */
async function stored<T>(what: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (cause) {
    throw new MultiBeeError('MULTI_BEE_STORE_FAILED', what, { cause })
  }
}

export function randomBytes(length: number): Uint8Array {
  return crypto.randomBytes(length)
}

export function discoveryKeyOf(key: Uint8Array): Uint8Array {
  return crypto.discoveryKey(key)
}

/** Small values that live beside the cores of a store, on this device only, under the name of a core that stays empty. */
export class LocalState {
  readonly #core: Hypercore

  private constructor(core: Hypercore) {
    this.#core = core
  }

  static async open(store: StoreLike, name: string): Promise<LocalState> {
    const core = asStore(store).get({ name })
    await core.ready()
    return new LocalState(core)
  }

  async get(field: string): Promise<Uint8Array | null> {
    return stored('the Corestore could not be read', this.#core.getUserData(field))
  }

  async set(field: string, value: Uint8Array): Promise<void> {
    await stored('the Corestore could not be written', this.#core.setUserData(field, value))
  }

  async close(): Promise<void> {
    await this.#core.close()
  }
}

export interface OpenLogOptions {
  /** `null` for a new log with a fresh key pair. */
  key: Uint8Array | null
  encryptionKey: Uint8Array | null
  /** Whether this device writes it; else it is followed, also when its key pair is here. */
  isOwn: boolean
  /** Called when more of it can be read. */
  onUpdate: () => void
}

/** An op log in a Corestore. Owns its session of the core. Forks are refused: only fork 0 counts. */
export class HypercoreLog implements OpLog {
  readonly #core: Hypercore
  readonly #onUpdate: () => void
  readonly #unwatch: () => void
  /** Of a device's own log: blocks that were written here. */
  #written: number | null = null
  #fork: LogFork | null = null

  private constructor(core: Hypercore, onUpdate: () => void) {
    this.#core = core
    this.#onUpdate = onUpdate
    this.#unwatch = watchForks(core, (fork) => {
      if (this.#fork !== null && this.#fork.agreed <= fork.agreed) return
      this.#fork = fork
      onUpdate()
    })
  }

  static async open(
    store: StoreLike,
    { key, encryptionKey, isOwn, onUpdate }: OpenLogOptions
  ): Promise<HypercoreLog> {
    const identity = key === null ? { keyPair: crypto.keyPair() } : { key }
    const encryption = encryptionKey === null ? null : { key: encryptionKey }
    const core = asStore(store).get({ ...identity, encryption, allowFork: false })
    await core.ready()
    checkUpstream(core)
    core.on('append', onUpdate)
    core.on('download', onUpdate)
    const log = new HypercoreLog(core, onUpdate)
    if (isOwn) log.#written = core.length
    else log.retire()
    return log
  }

  get key(): Uint8Array {
    return keyOf(this.#core)
  }

  get available(): number {
    return this.#written ?? this.#core.contiguousLength
  }

  get isOvertaken(): boolean {
    return this.#written !== null && this.#core.length > this.#written
  }

  get fork(): LogFork | null {
    return this.#fork
  }

  retire(): void {
    this.#written = null
    this.#core.download({ start: 0, end: -1 })
  }

  /** States that the log `next` goes on where this one's device leaves off. @throws MultiBeeError `MULTI_BEE_NOT_WRITABLE` */
  succeededBy(next: Uint8Array): Succession {
    const { keyPair } = this.#core
    if (keyPair === null)
      throw new MultiBeeError(
        'MULTI_BEE_NOT_WRITABLE',
        "the key pair of this device's log is not in the store"
      )
    return signSuccession(keyPair, this.key, next)
  }

  get known(): number {
    return this.#core.peers.reduce((longest, peer) => Math.max(longest, peer.remoteLength), this.#core.length)
  }

  async read(start: number, end: number): Promise<Uint8Array[]> {
    const blocks = await this.#read(readBlocks(this.#core, start, end))
    return blocks.map((block, i) => {
      if (block !== null) return block
      throw new MultiBeeError(
        'MULTI_BEE_STORE_FAILED',
        `block ${start + i} of log ${b4a.toString(this.key, 'hex')} has gone from the store`
      )
    })
  }

  async append(blocks: readonly Uint8Array[]): Promise<void> {
    const end = (this.#written ?? this.#core.length) + blocks.length
    let isAppended = false
    // A longer copy may come in while this waits for its turn: then nothing is written.
    const postappend = (): void => {
      isAppended = true
      // Before anybody is told of the new length, which would look like another's doing.
      if (this.#written !== null) this.#written = end
      noteContiguous(this.#core, end - blocks.length, end)
    }
    await this.#core.append([...blocks], { maxLength: end, postappend })
    if (!isAppended) throw new Error('a longer copy of this log has come in')
  }

  async head(): Promise<{ key: Uint8Array; length: number; treeHash: Uint8Array }> {
    const length = this.available
    return { key: this.key, length, treeHash: (await this.fingerprint(length)).treeHash }
  }

  async fingerprint(length: number): Promise<{ fork: number; treeHash: Uint8Array }> {
    return { fork: this.#core.fork, treeHash: await this.#read(this.#core.treeHash(length)) }
  }

  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (cause) {
      if (this.#core.closing !== null)
        throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database was closed while it was read', { cause })
      throw new MultiBeeError('MULTI_BEE_STORE_FAILED', 'a log could not be read', { cause })
    }
  }

  /** Looks into whether a connected peer's copy differs from this one at that length, and whether both are signed. */
  suspect(remotePublicKey: Uint8Array, length: number): void {
    const peer = this.#core.peers.find((candidate) => b4a.equals(candidate.remotePublicKey, remotePublicKey))
    if (peer !== undefined) askForProof(peer, length)
  }

  /** What a connected peer has of this log; `null` when it is not connected. In blocks without a gap. */
  peerLengths(remotePublicKey: Uint8Array): { contiguous: number; length: number } | null {
    const peer = this.#core.peers.find((candidate) => b4a.equals(candidate.remotePublicKey, remotePublicKey))
    return peer === undefined ? null : { contiguous: peer.remoteContiguousLength, length: peer.remoteLength }
  }

  attach(stream: DuplexLike): void {
    this.#core.replicate(stream as unknown as ReplicationStream)
  }

  async close(): Promise<void> {
    this.#unwatch()
    this.#core.off('append', this.#onUpdate)
    this.#core.off('download', this.#onUpdate)
    await this.#core.close()
  }
}

/** A stream that cores can be attached to: a new one, or the given connection made ready for it. */
export function protocolStream(isInitiatorOrStream: boolean | DuplexLike, options: object): DuplexLike {
  const isConnection =
    typeof isInitiatorOrStream === 'object' &&
    isInitiatorOrStream !== null &&
    'noiseStream' in isInitiatorOrStream
  if (typeof isInitiatorOrStream !== 'boolean' && !isConnection) {
    throw new MultiBeeError(
      'MULTI_BEE_BAD_ARGUMENT',
      'replicate takes an encrypted connection, or a boolean for a new stream'
    )
  }
  return Hypercore.createProtocolStream(isInitiatorOrStream as never, options)
}

/**
 * Hypercore stores with the blocks up to where the log has no gaps, but says so in its header only later, sees the difference, and stores
 * it once more before `append` resolves (11.37, lib/session-state.js). To say so at once saves that write. Without hints nothing is lost
 * but time.
 */
function noteContiguous({ core }: Hypercore, before: number, after: number): void {
  const { hints } = (core as CoreInternals).header
  if (hints?.contiguousLength === before) hints.contiguousLength = after
}

/** What `core.core` is, as far as it is used here. */
interface CoreInternals {
  readonly header: { readonly hints?: { contiguousLength: number } }
}

function asStore(store: StoreLike): Corestore {
  return store as unknown as Corestore
}

function keyOf(core: Hypercore): Uint8Array {
  if (core.key === null)
    throw new MultiBeeError('MULTI_BEE_UNSUPPORTED_UPSTREAM', 'an opened core has no key')
  return core.key
}

function checkUpstream(core: Hypercore): void {
  const missing = ['getUserData', 'setUserData', 'treeHash', 'download', 'replicate'].filter(
    (name) => !(name in core)
  )
  if (!Number.isInteger(core.contiguousLength)) missing.push('contiguousLength')
  if (!Array.isArray(core.peers)) missing.push('peers')
  missing.push(...checkForkApi(core), ...checkBlockApi(core))
  if (missing.length === 0) return
  throw new MultiBeeError(
    'MULTI_BEE_UNSUPPORTED_UPSTREAM',
    `this hypercore lacks ${missing.join(', ')}; hypercore 11.37 has them`
  )
}
