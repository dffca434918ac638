/**
 * Cores that go on under other keys, with Hypercore.
 *
 * @packageDocumentation
 */
export { carryBlocks, type CarryOptions, pullBlocks, type PullOptions } from './carry-blocks.ts'
export {
  CoreFollower,
  type CoreFollowerOptions,
  type FollowedBlock,
  type RetractedBlocks
} from './core-follower.ts'
export { type ChainCoreLike, coreMemory, readChain, type UserDataLike, writeChain } from './core-memory.ts'
export {
  type DriveClass,
  type DriveLike,
  driveNames,
  type DrivePlan,
  nameDrive,
  openDrive,
  type OpenDriveOptions,
  type OpenedDrive,
  planDriveRoll,
  type SessionStore,
  startDriveRoll,
  type StartDriveOptions
} from './drive.ts'
export { lineageEncryption, type LineagePart } from './lineage-encryption.ts'
export { endOf, isLinked, planRoll, startRoll, type StartRollOptions } from './roll.ts'
export type {
  BlockEncryption,
  CoreLike,
  ProofSource,
  RolledCore,
  RollManifest,
  RollPlan,
  StoreLike
} from './types.ts'
