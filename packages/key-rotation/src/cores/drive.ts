import b4a from 'b4a'
import { badArgument, checkKeyPair, checkOptions } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { resolve, type Resolved } from '../resolve.ts'
import type { CoreLink, IdentityState } from '../state/state.ts'
import type { CoreRoll, CutOff, KeyPair } from '../types.ts'
import { carryBlocks } from './carry-blocks.ts'
import { lineageEncryption } from './lineage-encryption.ts'
import { endOf, planRoll, startRoll } from './roll.ts'
import type { CoreLike, RollPlan, StoreLike } from './types.ts'

/** What is needed of a drive to hand it on: a Hyperdrive fits. */
export interface DriveLike {
  ready(): Promise<void>
  readonly core: CoreLike
  getBlobs(): Promise<{ readonly core: CoreLike } | null>
  /** Of the second core, as far as a version of the drive needs it. */
  getBlobsLength(version: number): Promise<number>
}

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

/** How a drive goes on: both of its cores, or neither. */
export interface DrivePlan {
  /** For one `rollCore`. */
  readonly rolls: readonly CoreRoll[]
  /** Where both of them end: for a `revokeDevice` before it. */
  readonly ends: readonly CutOff[]
}

export interface OpenDriveOptions {
  /** Of who writes it. Without it the drive is only read, unless its cores were begun here. */
  keyPair?: KeyPair | null
  /** 32 bytes, as the first drive was opened with. */
  encryptionKey?: Uint8Array | null
}

export interface StartDriveOptions {
  /** Of who writes it from now on. */
  keyPair: KeyPair
  /** 32 bytes, as the first drive was opened with. */
  encryptionKey?: Uint8Array | null
  /** @defaultValue the key pair's own key */
  signers?: readonly Uint8Array[]
}

/** Under which names an identity has a drive's two cores: of the files’ names, and of what is in them. */
export function driveNames(name: string): readonly [string, string] {
  return [name, `${name}/blobs`]
}

/** Gives a drive to an identity: for its first `rollCore`. @throws KEY_ROTATION_BAD_ARGUMENT for one that has no second core yet */
export async function nameDrive(drive: DriveLike, name: string): Promise<readonly CoreRoll[]> {
  const cores = await coresOf(drive)
  return driveNames(name).map((each, i) => ({
    name: each,
    core: cores[i]?.key as Uint8Array,
    previous: null
  }))
}

/**
 * Where a drive ends, and how it goes on.
 *
 * @param signers - keys of who writes it from then on
 * @param version - the last that counts; by default its present one
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export async function planDriveRoll(
  drive: DriveLike,
  name: string,
  options: { signers: readonly Uint8Array[]; version?: number }
): Promise<DrivePlan> {
  checkOptions(options, ['signers', 'version'])
  const { signers, version } = options
  const [files, blobs] = await coresOf(drive)
  // A file is written before its name: what the first core's end names is below the second one's.
  const end = await endOf(files, version)
  const blobsEnd = await endOf(blobs, version === undefined ? undefined : await drive.getBlobsLength(version))
  const ends = [end, blobsEnd]
  const plans = ends.map((previous) => planRoll(previous, { signers }))
  const rolls = plans.map(({ core, previous }, i) => ({
    name: driveNames(name)[i] as string,
    core,
    previous
  }))
  return { rolls, ends }
}

/**
 * Begins the new cores, and copies what is here of the old ones. Again after a crash: all it needs is in the state. Open the drive with `openDrive` then.
 *
 * @param state - after the event
 * @param from - the drive before, which may be one that is only read here
 * @param options.signers - as the plan had them, where that was not the key pair alone
 * @throws KEY_ROTATION_CORE_MISMATCH when the names’ newest cores are not those of the signers, or `from` has another history
 */
export async function startDriveRoll(
  store: StoreLike,
  state: IdentityState,
  name: string,
  from: DriveLike,
  options: StartDriveOptions
): Promise<void> {
  checkOptions(options, ['keyPair', 'encryptionKey', 'signers'])
  const { keyPair, encryptionKey = null } = options
  checkKeyPair(keyPair)
  const { signers = [keyPair.publicKey] } = options
  const olds = await coresOf(from)
  for (const [i, each] of driveNames(name).entries()) {
    const { lineage } = resolvedOf(state, each)
    const encryption = encryptionKey && lineageEncryption(lineage, encryptionKey)
    const old = olds[i] as CoreLike
    const core = await startRoll(store, planOf(lineage, signers, each), old, { keyPair, encryption })
    try {
      await carryBlocks(old, core)
    } finally {
      await core.close()
    }
  }
}

/** What a name's newest core is made of, by the one before and who signs it. */
function planOf(lineage: readonly CoreLink[], signers: readonly Uint8Array[], name: string): RollPlan {
  const { core, previous } = lineage.at(-1) as CoreLink
  if (previous === null) throw mismatch(`${name} has not gone on from another core`)
  const plan = planRoll(previous, { signers })
  if (b4a.equals(plan.core, core)) return plan
  throw mismatch(`the newest core of ${name} is that of other signers`)
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

async function coresOf(drive: DriveLike): Promise<readonly [CoreLike, CoreLike]> {
  await drive.ready()
  const blobs = await drive.getBlobs()
  if (blobs === null) throw badArgument('it is not known yet where the drive has its files')
  return [drive.core, blobs.core]
}

function resolvedOf(state: IdentityState, name: string): Resolved {
  const resolved = resolve(state, name)
  if (resolved === null) throw mismatch(`${name} has no core`)
  return resolved
}

function mismatch(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message)
}
