export { Archiver } from './archive/archiver.ts'
export type { ArchiverEvents, ArchiverOptions, Flushed } from './archive/options.ts'
export type { Clock } from './clock.ts'
export type { BeeLike } from './pack/bee-walk.ts'
export { buildReadPack, type BuiltReadPack, type FrontKeeper } from './pack/build-read-pack.ts'
export { S3ArchiverError, type S3ArchiverErrorCode, type S3ArchiverErrorOptions } from './errors.ts'
export type {
  ByteRange,
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectKind,
  ObjectStore,
  PutOptions,
  RangeResult,
  SignalLike
} from './store/object-store.ts'
export { FileStore } from './store/file-store.ts'
export { HttpStore, type FetchLike, type HttpRequest, type HttpStoreOptions } from './store/http-store.ts'
export type { ResponseLike } from './store/http-answers.ts'
export { CountedStore, type RequestCounts } from './store/counted-store.ts'
export { openFromArchive, type OpenedArchive } from './read/open-from-archive.ts'
export type { OpenFromArchiveOptions } from './read/open-options.ts'
export { Seeder, type SeederOptions } from './read/seeder.ts'
export type { HeadMark } from './read/head-mark.ts'
export { probeStore, type ProbeResult } from './store/probe.ts'
export { restore } from './restore/restore.ts'
export type { NewWriter, Restored, RestoreOptions, RestorePoint, RestoreProgress } from './restore/options.ts'
export type { Moment } from './read/commits.ts'
export type { KeyPairLike } from './core-writer.ts'
export type { CoreLike, CorestoreLike, SessionLike, StreamLike } from './types.ts'
export { compact, type Compacted, type CompactOptions } from './care/compact.ts'
export { moments, type ArchiveMoment } from './care/moments.ts'
export { prune, type Pruned, type PruneOptions } from './care/prune.ts'
export type { Retention } from './care/retention.ts'
export { stats, type Amount, type ArchiveStats } from './care/stats.ts'
export type { CoreProblem } from './care/core-checks.ts'
export { verify, type Problem, type Verified, type VerifyOptions } from './care/verify.ts'
