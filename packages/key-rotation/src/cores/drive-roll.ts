import b4a from 'b4a'
import { badArgument, checkKeyPair, checkOptions } from '../arguments.ts'
import type { CoreLink, IdentityState } from '../state/state.ts'
import type { CoreRoll, CutOff, KeyPair } from '../types.ts'
import { carryBlocks } from './carry-blocks.ts'
import { driveNames, resolvedOf } from './drive-names.ts'
import { mismatch } from './faults.ts'
import { lineageEncryption } from './lineage-encryption.ts'
import { endOf, planRoll, startRoll } from './roll.ts'
import type { CoreLike, RollPlan, StoreLike } from './types.ts'

/** What is needed of a drive to hand it on: a Hyperdrive fits. */
export interface DriveLike {
  ready(): Promise<void>
  readonly core: CoreLike
  getBlobs(): Promise<{ readonly core: CoreLike } | null>
  /** A bee of what the files’ names were set to, in order. */
  readonly db: { createHistoryStream(options: { lt: number }): AsyncIterable<{ value: unknown }> }
}

/** How a drive goes on: both of its cores, or neither. */
export interface DrivePlan {
  /** For one `rollCore`. */
  readonly rolls: readonly CoreRoll[]
  /** Where both of them end: for a `revokeDevice` before it. */
  readonly ends: readonly CutOff[]
}

export interface StartDriveOptions {
  /** Of who alone writes it from now on; without it `signers` says who do. */
  keyPair?: KeyPair | null
  /** 32 bytes, as the first drive was opened with. */
  encryptionKey?: Uint8Array | null
  /** @defaultValue the key pair's own key */
  signers?: readonly Uint8Array[]
}

/** Gives a drive to an identity: for its first `rollCore`. @throws KEY_ROTATION_BAD_ARGUMENT for one that has no second core yet */
export async function nameDrive(drive: DriveLike, name: string): Promise<readonly CoreRoll[]> {
  const cores = await bothCoresOf(drive)
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
 * @param version - the last that counts; by default its present one. Reads all names up to it
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export async function planDriveRoll(
  drive: DriveLike,
  name: string,
  options: { signers: readonly Uint8Array[]; version?: number }
): Promise<DrivePlan> {
  checkOptions(options, ['signers', 'version'])
  const { signers, version } = options
  const [files, blobs] = await bothCoresOf(drive)
  // A file is written before its name: what the first core's end names is below the second one's.
  const end = await endOf(files, version)
  const blobsEnd = await endOf(blobs, version === undefined ? undefined : await blobsLengthAt(drive, version))
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
 * @throws KEY_ROTATION_CORE_MISMATCH when the names’ newest cores are not those of the signers, or `from` has another history, KEY_ROTATION_BAD_ARGUMENT also for one
 *   key pair beside several signers
 */
export async function startDriveRoll(
  store: StoreLike,
  state: IdentityState,
  name: string,
  from: DriveLike,
  options: StartDriveOptions
): Promise<void> {
  checkOptions(options, ['keyPair', 'encryptionKey', 'signers'])
  const { keyPair = null, encryptionKey = null } = options
  if (keyPair !== null) checkKeyPair(keyPair)
  const { signers = keyPair && [keyPair.publicKey] } = options
  if (signers === null) throw badArgument('a drive is written by somebody: `keyPair` or `signers`')
  const olds = await bothCoresOf(from)
  for (const [i, each] of driveNames(name).entries()) {
    const { lineage } = resolvedOf(state, each)
    const encryption = encryptionKey && lineageEncryption(lineage, encryptionKey)
    const old = olds[i] as CoreLike
    const plan = planOf(lineage, signers, each)
    const core = await startRoll(store, plan, old, { keyPair, encryption })
    try {
      if (plan.previous.length > 0) await carryBlocks(old, core)
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

/** Blocks of the second core that any version up to this one needs, also those of files that were deleted or written again since. */
async function blobsLengthAt({ db }: DriveLike, version: number): Promise<number> {
  let length = 0
  for await (const { value } of db.createHistoryStream({ lt: version })) {
    const { blob = null } = (value ?? {}) as { blob?: { blockOffset: number; blockLength: number } | null }
    if (blob !== null) length = Math.max(length, blob.blockOffset + blob.blockLength)
  }
  return length
}

async function bothCoresOf(drive: DriveLike): Promise<readonly [CoreLike, CoreLike]> {
  await drive.ready()
  const blobs = await drive.getBlobs()
  if (blobs === null) throw badArgument('it is not known yet where the drive has its files')
  return [drive.core, blobs.core]
}
