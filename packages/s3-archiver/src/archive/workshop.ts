import { writerIdFor } from '../corestore-adapter.ts'
import { newestCommit } from '../read/commits.ts'
import type { Stop } from '../stop.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { probeStore } from '../store/probe.ts'
import { Ailing } from './ailing.ts'
import type { ChangeFeed } from './change-feed.ts'
import { CommitLog } from './commit-log.ts'
import { Ledger } from './ledger.ts'
import type { ArchiverOptions } from './options.ts'
import type { RoundResult } from './round-result.ts'
import { SegmentLists } from './segment-lists.ts'
import { Uploads } from './uploads.ts'
import type { Valve } from './valve.ts'

/** What rounds work with. */
export interface Workshop {
  readonly store: ObjectStore
  readonly log: CommitLog
  readonly ledger: Ledger
  readonly lists: SegmentLists
  readonly uploads: Uploads
  readonly feed: ChangeFeed
  readonly valve: Valve
  readonly stop: Stop
  readonly ailing: Ailing
  /** What a commit would say that was left open: see {@link settle}. */
  unsettled: RoundResult | null
}

/** What is there before the archive is claimed. */
type Tools = Pick<Workshop, 'store' | 'feed' | 'valve' | 'stop'>

/**
 * Claims the archive, and finds what is to be archived.
 *
 * @param onStored - called with its bytes when an object has become durable
 * @throws S3ArchiverError what `CommitLog.claim` does, `S3_ARCHIVER_STORE_NO_CONDITIONS`, `S3_ARCHIVER_STORE_UNSORTED`
 */
export async function openWorkshop(
  { store, feed, valve, stop }: Tools,
  options: ArchiverOptions,
  now: () => number,
  onStored: (bytes: number) => void
): Promise<Workshop> {
  const call = { signal: stop }
  const { corestore, takeOver = false, probe = true } = options
  await corestore?.ready()
  const isEmpty = probe && (await newestCommit(store, call)) === null
  if (isEmpty) await probeStore(store, call)
  const writerId = options.writerId ?? writerIdFor(corestore)
  const log = await CommitLog.claim(store, { writerId, takeOver, now }, call)
  if (probe && !isEmpty) await log.probe(call)
  const uploads = new Uploads(store, valve, stop, now)
  uploads.onStored = onStored
  const ledger = new Ledger(store, uploads)
  const lists = new SegmentLists(store, uploads)
  await ledger.load(log.newest, call)
  await feed.open((key) => ledger.knownOf(key))
  const ailing = new Ailing(now)
  return { store, log, ledger, lists, uploads, feed, valve, stop, ailing, unsettled: null }
}

/**
 * Finishes a commit of which a failure left open whether it is there.
 *
 * @returns what it says, when it was to be told yet
 * @throws S3ArchiverError what `CommitLog.settle` does
 */
export async function settle(shop: Workshop): Promise<RoundResult | null> {
  const { log, ledger, stop } = shop
  const call = { signal: stop }
  const stored = await log.settle(call)
  await ledger.load(stored, call)
  const { unsettled } = shop
  shop.unsettled = null
  return unsettled?.seq === stored.commit.seq ? unsettled : null
}
