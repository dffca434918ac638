import b4a from 'b4a'
import { checkKeyPair, checkOptions } from '../arguments.ts'
import type { Resolved } from '../resolve.ts'
import type { IdentityState } from '../state/state.ts'
import type { CutOff, KeyPair } from '../types.ts'
import { driveNames, mismatch, resolvedOf } from './drive-names.ts'
import { lineageEncryption } from './lineage-encryption.ts'
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
}

/**
 * The drive that a verified state names, on both of its present cores, or as it was where it ends. Open it anew when the state has changed: its cores may be
 * others.
 *
 * Hyperdrive works out the key of its second core from the first one's, which is not the identity's; so it is given a store that has the identity's two
 * cores, and no others.
 *
 * @param Hyperdrive - the class
 * @param store - is borrowed: closing the drive leaves it open
 * @throws KEY_ROTATION_CORE_MISMATCH for a name that has no drive, or one with another history than the identity ended
 */
export async function openDrive<D extends OpenedDrive>(
  Hyperdrive: DriveClass<D>,
  store: SessionStore,
  state: IdentityState,
  name: string,
  options: OpenDriveOptions = {}
): Promise<D> {
  const given = checked(options)
  const [files, blobs] = driveNames(name).map((each) => resolvedOf(state, each)) as [Resolved, Resolved]
  const drive = new Hyperdrive(storeOf(store.session(), files, blobs, given) as never, files.core)
  try {
    await drive.ready()
    if (files.end === null) return drive
    await checkEnd(drive, files.end)
    // What its writer has put there since does not show.
    const shown = drive.checkout(files.end.length) as D
    const close = shown.close.bind(shown)
    // Closed alone it would leave open what it was made from, which nobody else has.
    return Object.assign(shown, {
      close: async () => {
        await close()
        await drive.close()
      }
    })
  } catch (error) {
    await drive.close()
    throw error
  }
}

function checked(options: OpenDriveOptions): Required<OpenDriveOptions> {
  checkOptions(options, ['keyPair', 'encryptionKey'])
  const { keyPair = null, encryptionKey = null } = options
  if (keyPair !== null) checkKeyPair(keyPair)
  return { keyPair, encryptionKey }
}

async function checkEnd({ core }: OpenedDrive, { length, treeHash }: CutOff): Promise<void> {
  if (core.length < length || b4a.equals(await core.treeHash(length), treeHash)) return
  throw mismatch('the drive is not the one that was ended')
}

/** A store with two cores, whichever of them Hyperdrive asks for and by what name. */
function storeOf(
  session: SessionStore,
  files: Resolved,
  blobs: Resolved,
  { keyPair, encryptionKey }: Required<OpenDriveOptions>
): SessionStore {
  const get = ({ key, cache, onwait, active, exclusive }: HyperdriveRequest): object => {
    const isFiles = key !== undefined && b4a.equals(key, files.core)
    const { core, lineage } = isFiles ? files : blobs
    const encryption = encryptionKey && lineageEncryption(lineage, encryptionKey)
    const options = { key: core, cache, onwait, active, encryption }
    // Who only reads need not wait for who writes, in the same store.
    return session.get({ ...options, ...(keyPair && { keyPair, exclusive }) } as never)
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

interface HyperdriveRequest {
  key?: Uint8Array
  cache?: unknown
  onwait?: unknown
  active?: unknown
  exclusive?: unknown
}
