import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { CommitLog } from '../archive/commit-log.ts'
import { commitWith, nextDirectory } from '../archive/next-directory.ts'
import { keyPairOf } from '../corestore-adapter.ts'
import { signFork, type CoreBlueprint } from '../core-writer.ts'
import { S3ArchiverError } from '../errors.ts'
import { sealRecord } from '../format/record.ts'
import type { Head } from '../hypercore-adapter.ts'
import type { ArchivedCore } from '../read/archive-reader.ts'
import type { CallOptions } from '../store/object-store.ts'
import type { CorestoreLike } from '../types.ts'
import type { NewWriter } from './options.ts'

/** How far a core that is continued elsewhere leaps: a lost device may have begun forks of its own that nobody knows of. */
const LEAP: number = 2 ** 20

/** The parts of a blueprint that make a core writable. */
export async function writerOf(
  corestore: CorestoreLike,
  writer: NewWriter
): Promise<Pick<CoreBlueprint, 'keyPair' | 'alias'>> {
  if ('keyPair' in writer) return { keyPair: writer.keyPair, alias: null }
  const { keyPair, namespace } = await keyPairOf(corestore, writer.name)
  return { keyPair, alias: { name: writer.name, namespace } }
}

/**
 * The head with which a core goes on under a new writer: the same blocks, on a fork that the lost device cannot have reached. On the same fork peers
 * would see two histories, and freeze; and an encrypted core would use a nonce twice.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` when the key pair does not write this core
 */
export function leapHead(
  { record, roots }: ArchivedCore,
  blueprint: Pick<CoreBlueprint, 'key' | 'manifest' | 'keyPair'>
): Head {
  const chance = crypto.randomBytes(3).reduce((sum, byte) => sum * 256 + byte, 0) % LEAP
  const { segments: _, ...head } = record
  const leapt = signFork(blueprint, head, roots, record.fork + LEAP + chance)
  if (leapt !== null) return leapt
  throw new S3ArchiverError(
    'S3_ARCHIVER_BAD_ARGUMENT',
    'this key pair alone does not sign for the core: it can only be restored to be read'
  )
}

/** Archives the new head: whoever reads the archive sees that the core goes on there. */
export async function archiveLeap(
  log: CommitLog,
  { key, record, entry }: ArchivedCore,
  head: Head,
  call: CallOptions
): Promise<number> {
  const { commit: before } = log.newest
  const seq = before.seq + 1
  const links = { front: entry.front, previous: commitWith(before, entry.blindId) }
  const sealed = sealRecord(key, seq, { ...record, ...head }, links)
  await log.append({ ...nextDirectory(before, [sealed]), fronts: [], tail: b4a.alloc(0) }, call)
  return seq
}
