/**
 * One database that all devices of a person write, offline too.
 *
 * @packageDocumentation
 */
export { MultiBee } from './multi-bee.ts'
export type { JoinOptions, MultiBeeEvents, MultiBeeOptions, Removal, RemoveWriterOptions } from './options.ts'
export { MultiBeeError, type MultiBeeErrorCode } from './errors.ts'
export type { Batch } from './bee/batch.ts'
export type { BeeEditor } from './bee/bee-editor.ts'
export type { BeeReader } from './bee/bee-reader.ts'
export type { EntryWatcher } from './bee/entry-watcher.ts'
export type { HistoryOptions } from './bee/history.ts'
export type { Mirror, MirrorBee, MirrorOptions } from './bee/mirror.ts'
export type { BeeSnapshot } from './bee/snapshot.ts'
export type { SubBee, SubOptions } from './bee/sub-bee.ts'
export type { Watcher } from './bee/watcher.ts'
export type { DelOptions, PutComparator, PutOptions } from './bee/write-options.ts'
export type { Candidate, Invite, InviteOptions } from './pairing/host.ts'
export type {
  CodecLike,
  Conflict,
  CutOffInfo,
  DeviceStatus,
  DiffEntry,
  DuplexLike,
  EncodingOptions,
  Entry,
  EntryStream,
  EpochInfo,
  HistoryEntry,
  KeyEncoding,
  KeyRange,
  ReadStreamOptions,
  SignalLike,
  Status,
  StoreLike,
  SwarmLike,
  ValueEncoding,
  WriterInfo
} from './types.ts'
