/**
 * Cores that go on under other keys, with Hypercore.
 *
 * @packageDocumentation
 */
export { carryBlocks, type CarryOptions, pullBlocks, type PullOptions } from './carry-blocks.ts'
export { CoreFollower } from './core-follower.ts'
export type {
  Bookmark,
  CoreFollowerOptions,
  FollowedBlock,
  ReadOptions,
  RetractedBlocks
} from './follower-types.ts'
export { type ChainCoreLike, coreMemory, readChain, type UserDataLike, writeChain } from './core-memory.ts'
export {
  type DriveClass,
  openDrive,
  type OpenDriveOptions,
  type OpenedDrive,
  type SessionStore
} from './drive.ts'
export { driveNames } from './drive-names.ts'
export {
  type DriveLike,
  type DrivePlan,
  nameDrive,
  planDriveRoll,
  startDriveRoll,
  type StartDriveOptions
} from './drive-roll.ts'
export { type LineagePart } from './lineage.ts'
export { lineageEncryption } from './lineage-encryption.ts'
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
