/**
 * Many bees and drives read as one.
 *
 * @packageDocumentation
 */
export type {
  ByteRange,
  ByteStream,
  DriveAnswer,
  DriveEntry,
  DriveLike,
  FileOptions,
  PathRange,
  WritableDriveLike
} from './drive/types.ts'
export type { DriveView, ListOptions } from './drive/drive-view.ts'
export type { FileWriteStream } from './drive/file-write-stream.ts'
export { UnionDrive, type UnionDriveOptions } from './drive/union-drive.ts'
export { UnionBeeError, type UnionBeeErrorCode } from './errors.ts'
export { createOverlay, type Overlay, type OverlayOptions } from './layers/overlay.ts'
export type { OverlayBatch } from './layers/overlay-batch.ts'
export { TOMBSTONE, tombstoneEncoding } from './layers/tombstone-encoding.ts'
export type { HistoryOptions } from './merge/history.ts'
export type { UnionStream } from './merge/union-stream.ts'
export { byPrecedence, type Candidate, type Candidates, merged, newest, type Resolve } from './resolve.ts'
export type {
  Answer,
  BatchLike,
  BeeLike,
  DiffEntry,
  Entry,
  HistoryEntry,
  Key,
  KeyFilter,
  KeyRange,
  Policy,
  ReadStreamOptions,
  Skipped,
  Source,
  SourceInfo,
  SourceReadOptions,
  SourceStatus,
  TimerLike,
  ValueCodec,
  ValueEncoding,
  WatcherLike,
  WritableBeeLike
} from './types.ts'
export { UnionBee, type UnionBeeOptions } from './union-bee.ts'
export type { UnionView } from './union-view.ts'
export type { EntryWatcher } from './watch/entry-watcher.ts'
export type { UnionWatcher } from './watch/union-watcher.ts'
