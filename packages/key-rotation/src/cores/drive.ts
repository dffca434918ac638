import b4a from 'b4a'
import { checkKeyPair, checkOptions } from '../arguments.ts'
import type { KeyRotationError } from '../errors.ts'
import type { Resolved } from '../resolve.ts'
import type { IdentityState } from '../state/state.ts'
import type { KeyPair } from '../types.ts'
import { checkCore, checkPair } from './drive-check.ts'
import { driveNames, resolvedOf } from './drive-names.ts'
import { mismatch } from './faults.ts'
import { lineageEncryption } from './lineage-encryption.ts'
import { openSession, type Session } from './sessions.ts'
import type { CoreLike, StoreLike } from './types.ts'

/** A store that can be opened once more and closed apart: a Corestore fits. */
export interface SessionStore extends StoreLike {
  session(): SessionStore
  close(): Promise<void>
}

/** The class Hyperdrive fits. */
export type DriveClass<D> = new (store: never, key: Uint8Array) => D

/** What is needed of a drive that is opened. */
export interface OpenedDrive {
  ready(): Promise<void>
  close(): Promise<void>
  checkout(version: number): unknown
  readonly core: CoreLike
}

export interface OpenDriveOptions {
  /** Of who writes it. Without it the drive is only read, unless its cores were begun here. */
  keyPair?: KeyPair | null
  /** 32 bytes, as the first drive was opened with. */
  encryptionKey?: Uint8Array | null
  /**
   * Whether peers are asked for what must be known before anything is shown: those that are there, or that `store.findingPeers()` says are looked for.
   *
   * @defaultValue true
   */
  wait?: boolean
}

type Given = Required<OpenDriveOptions>

/**
 * The drive that a verified state names, on both of its present cores, or as it was where it ends. Open it anew when the state has changed: its cores may be
 * others. One that was ended closes itself when what it shows is truncated.
 *
 * Hyperdrive works out the key of its second core from the first one's, which is not the identity's; so it is given a store that has the identity's two
 * cores, and no others.
 *
 * @param Hyperdrive - the class
 * @param store - is borrowed: closing the drive leaves it open
 * @throws KEY_ROTATION_CORE_MISMATCH for a name that has no drive, or one with another history than the identity meant; KEY_ROTATION_DEVICE_REVOKED while nobody
 *   has said where it ends; KEY_ROTATION_NOT_AVAILABLE while too little of it is here to tell: try again with a peer
 */
export async function openDrive<D extends OpenedDrive>(
  Hyperdrive: DriveClass<D>,
  store: SessionStore,
  state: IdentityState,
  name: string,
  options: OpenDriveOptions = {}
): Promise<D> {
  const given = checked(options)
  const pair = driveNames(name).map((each) => resolvedOf(state, each)) as [Resolved, Resolved]
  const [files, blobs] = pair
  checkPair(files, blobs, name)
  const session = store.session()
  const cores: Session[] = []
  const parts: Closed[] = [session]
  const close = (): Promise<void> => closeAll(parts.splice(0))
  let isTruncated = false
  const ontruncate = ({ end }: Resolved, length: number): void => {
    if (end === null || length >= end.length) return
    isTruncated = true
    void close()
  }
  try {
    for (const each of pair) {
      const core = await openSession(session, { key: each.core })
      cores.push(core)
      parts.unshift(core)
      core.on('truncate', (length) => ontruncate(each, length))
      await checkCore(core, each, given.wait)
    }
    const drive = new Hyperdrive(storeOf(session, files, blobs, given) as never, files.core)
    parts.unshift(drive)
    await drive.ready()
    if (files.end === null) {
      await closeAll(cores)
      return drive
    }
    // What its writer has put there since does not show.
    const shown = drive.checkout(files.end.length) as D
    parts.unshift({ close: shown.close.bind(shown) })
    if (isTruncated) throw wasTruncated(name)
    // Closed alone a checkout would leave open what it was made from, which nobody else has.
    return Object.assign(shown, { close })
  } catch (error) {
    await close()
    // Then whatever was under way may have failed of that.
    throw isTruncated ? wasTruncated(name) : error
  }
}

function wasTruncated(name: string): KeyRotationError {
  return mismatch(`${name} was truncated while it was opened`)
}

type Closed = Pick<OpenedDrive, 'close'>

async function closeAll(parts: readonly Closed[]): Promise<void> {
  for (const part of parts) await part.close()
}

function checked(options: OpenDriveOptions): Given {
  checkOptions(options, ['keyPair', 'encryptionKey', 'wait'])
  const { keyPair = null, encryptionKey = null, wait = true } = options
  if (keyPair !== null) checkKeyPair(keyPair)
  return { keyPair, encryptionKey, wait }
}

/** A store with two cores, whichever of them Hyperdrive asks for and by what name. */
function storeOf(
  session: SessionStore,
  files: Resolved,
  blobs: Resolved,
  { keyPair, encryptionKey }: Given
): SessionStore {
  const get = ({ key, cache, onwait, active, exclusive }: HyperdriveRequest): object => {
    const isFiles = key !== undefined && b4a.equals(key, files.core)
    const { core, lineage, end } = isFiles ? files : blobs
    const encryption = encryptionKey && lineageEncryption(lineage, encryptionKey)
    const options = { key: core, cache, onwait, active, encryption }
    // Who only reads need not wait for who writes, in the same store.
    const opened = session.get({ ...options, ...(keyPair && { keyPair, exclusive }) } as never)
    // Of the names a checkout shows those before the end; they may be of blocks that were written after it.
    return isFiles || end === null ? opened : upTo(opened as BlobsCore, end.length)
  }
  // All else is the session's own, which has private fields.
  return new Proxy(session, {
    get: (target, member) => {
      if (member === 'get') return get
      const value: unknown = Reflect.get(target, member, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

/** A core of which nothing can be read past its end, also by sessions of it. */
function upTo(core: BlobsCore, length: number): BlobsCore {
  const [get, session] = [core.get.bind(core), core.session.bind(core)]
  return Object.assign(core, {
    get: async (index: number, options?: object): Promise<unknown> => {
      if (index < length) return get(index, options)
      throw mismatch('a file of the drive is past its end')
    },
    session: (options?: object): BlobsCore => upTo(session(options), length)
  })
}

interface BlobsCore {
  get(index: number, options?: object): Promise<unknown>
  session(options?: object): BlobsCore
}

interface HyperdriveRequest {
  key?: Uint8Array
  cache?: unknown
  onwait?: unknown
  active?: unknown
  exclusive?: unknown
}
