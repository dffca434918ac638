import b4a from 'b4a'
import type { S3ArchiverError } from '../errors.ts'
import type { Entry } from '../format/entry.ts'
import { blindIdOf, commitName } from '../format/names.ts'
import { sealRecord, type CoreRecord } from '../format/record.ts'
import { missingIn, type HoleSegment } from '../format/segment.ts'
import { headOf } from '../hypercore-adapter.ts'
import { openSegment } from '../read/opened-segment.ts'
import { readObject } from '../read/objects.ts'
import type { CallOptions } from '../store/object-store.ts'
import type { CoreLike } from '../types.ts'
import { commitEntries } from './commit-entries.ts'
import { holesOf, planOf, recordOf, spanOfAll, type ArchiveParts, type CorePlan } from './core-plan.ts'
import { commitWith } from './next-directory.ts'
import { Packer } from './pack.ts'
import type { RoundResult } from './round-result.ts'
import type { Workshop } from './workshop.ts'

/** What is smaller lies in the commit itself: one request less, and nothing between the blocks and what names them. */
const TAIL_BYTES: number = 64 * 1024
/** After so many bytes, or so long, there is a commit: what is uploaded once counts, whatever happens next. */
const ROUND_BYTES: number = 128 * 1024 * 1024

/** What concerns one core only: here, or what the archive says of it. */
export const LOCAL: ReadonlySet<string> = new Set([
  'S3_ARCHIVER_DAMAGED',
  'S3_ARCHIVER_LOCAL_DAMAGED',
  'S3_ARCHIVER_LOCAL_FAILED'
])

interface Planned {
  key: Uint8Array
  plan: CorePlan
  holes: HoleSegment[]
}

/** Archives some cores, as far as a round goes: uploads what is new, and then makes one commit that names it. */
export class Round {
  readonly #shop: Workshop
  readonly #call: CallOptions
  readonly #packer: Packer
  readonly #planned: Planned[] = []
  #isFull: () => boolean = () => false
  readonly #result: RoundResult = {
    seq: null,
    cores: [],
    blocks: 0,
    bytes: 0,
    gaps: [],
    left: [],
    failures: []
  }

  constructor(shop: Workshop) {
    this.#shop = shop
    this.#call = { signal: shop.stop }
    this.#packer = new Packer(shop.uploads)
  }

  /** Nothing may be left open: see `settle`. @throws S3ArchiverError what the store throws, and `S3_ARCHIVER_FENCED`; nothing is lost, and it may be tried again */
  async run(keys: readonly Uint8Array[]): Promise<RoundResult> {
    const { feed, uploads } = this.#shop
    const { isInTime, isLong } = uploads.begin()
    this.#isFull = () => this.#packer.bytes >= ROUND_BYTES || isLong()
    for (const key of keys) {
      const ailment = this.#shop.ailing.ailmentOf(key)
      if (ailment !== null) this.#result.failures.push({ key, error: ailment })
      else if (this.#isFull()) this.#result.left.push(key)
      else
        await this.#orFailure(key, async () => {
          await feed.with(key, (core) => this.#plan(key, core))
        })
    }
    if (this.#planned.length > 0) await this.#commit(isInTime)
    return this.#result
  }

  async #plan(key: Uint8Array, core: CoreLike): Promise<void> {
    const { ledger } = this.#shop
    const head = headOf(core)
    if (head === null) return
    const before = ledger.recordOf(key)
    const plan = await planOf(core, before, head, this.#archiveOf(key))
    if (plan === null) return
    let isAll = true
    const { fork } = plan.head
    for (const [start, end] of plan.wanted)
      isAll &&= await this.#packer.add({ core, key, fork, start, end }, this.#isFull)
    // Last: when there is no time for it, it is done another time.
    const again = isAll ? spanOfAll(plan.merged) : null
    if (again !== null)
      await this.#packer.add({ core, key, fork, start: again[0], end: again[1] }, this.#isFull)
    const isSame = (): boolean => headOf(core)?.fork === head.fork
    const holes = await holesOf(core, plan, this.#packer.packedOf(key)).catch((error: unknown) => {
      if (isSame()) throw error
      return []
    })
    // It may have been truncated while it was read; then it is looked at again.
    if (isSame()) this.#planned.push({ key, plan, holes })
    if (!isSame() || !isAll) this.#result.left.push(key)
  }

  #archiveOf(key: Uint8Array): ArchiveParts {
    const { store, lists } = this.#shop
    return {
      segmentsOf: (list) => unlessDamaged(() => lists.read(key, list, this.#call)),
      isLost: (list) => lists.isLost(list),
      treeOf: async (segment) => {
        const bytes = await readObject(store, segment.object, this.#call)
        return bytes && unlessDamaged(async () => openSegment(key, segment, bytes).tree)
      }
    }
  }

  async #commit(isInTime: () => boolean): Promise<void> {
    const { log, uploads } = this.#shop
    const seq = log.newest.commit.seq + 1
    if (this.#packer.pendingBytes > TAIL_BYTES) await this.#packer.finish()
    const tail = this.#packer.finishAs(commitName(seq))
    const entries: Entry[] = []
    for (const planned of this.#planned)
      await this.#orFailure(planned.key, async () => {
        entries.push(await this.#entryOf(planned, seq))
      })
    if (entries.length === 0) return uploads.done()
    const { blocks, bytes } = this.#packer
    const noteOpen = (): void => {
      this.#shop.unsettled = { ...this.#result, seq, blocks, bytes, left: [], failures: [] }
    }
    const content = { fronts: [], tail }
    // It took, or was paused, too long: what was uploaded may be taken for garbage by now.
    if ((await commitEntries(this.#shop, isInTime, entries, content, noteOpen)) === null) return this.#again()
    this.#shop.unsettled = null
    Object.assign(this.#result, { seq, blocks, bytes })
  }

  #again(): void {
    const planned = this.#planned.map(({ key }) => key)
    const others = this.#result.left.filter((key) => !planned.includes(key))
    Object.assign(this.#result, { cores: [], gaps: [], left: [...planned, ...others] })
  }

  async #entryOf({ key, plan, holes }: Planned, seq: number): Promise<Entry> {
    const { ledger, lists, log } = this.#shop
    const record = recordOf(key, plan, this.#packer.segmentsOf(key), holes)
    const segments = await lists.fold(key, record.segments, this.#call)
    const known = ledger.entryOf(key)
    const previous = plan.isOtherLine
      ? commitWith(log.newest.commit, blindIdOf(key))
      : (known?.previous ?? null)
    this.#note(key, { ...record, segments })
    return sealRecord(key, seq, { ...record, segments }, { front: known?.front ?? null, previous })
  }

  #note(key: Uint8Array, { segments }: CoreRecord): void {
    this.#shop.ailing.forget(key)
    this.#result.cores.push(key)
    const blocks = missingIn(segments)
    const isLeft = this.#result.left.some((left) => b4a.equals(left, key))
    if (blocks > 0 && !isLeft) this.#result.gaps.push({ key, blocks })
  }

  /** What is wrong with one core keeps none of the others from being archived. */
  async #orFailure(key: Uint8Array, act: () => Promise<void>): Promise<void> {
    const { ailing } = this.#shop
    try {
      await act()
    } catch (error) {
      const { code } = error as S3ArchiverError
      if (!LOCAL.has(code)) throw error
      if (code === 'S3_ARCHIVER_LOCAL_DAMAGED') ailing.note(key, error as S3ArchiverError)
      this.#result.failures.push({ key, error: error as S3ArchiverError })
    }
  }
}

/** `null` of what is missing in the archive, or damaged. */
async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if ((error as S3ArchiverError).code === 'S3_ARCHIVER_DAMAGED') return null
    throw error
  }
}
