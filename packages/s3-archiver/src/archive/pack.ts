import { S3ArchiverError } from '../errors.ts'
import { encodeShard, type Section } from '../format/shard.ts'
import { blindIdOf, contentName } from '../format/names.ts'
import type { Segment } from '../format/segment.ts'
import { storedBlocks } from '../hypercore-adapter.ts'
import { combine } from '../merkle/subtree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { CoreLike } from '../types.ts'

/** A shard is closed once it has so many bytes of blocks. */
const SHARD_BYTES: number = 8 * 1024 * 1024
/** Blocks that are read from a core at once. */
const READ_BLOCKS = 256

/** Blocks of one core that are to be archived. */
export interface Wanted {
  core: CoreLike
  key: Uint8Array
  fork: number
  start: number
  end: number
}

/** Blocks on their way into a shard. */
interface PendingRun extends Wanted {
  blocks: Uint8Array[]
}

/**
 * Packs blocks of cores, of one after the other, into shards of about {@link SHARD_BYTES}, and stores all that are full. Holds no more than
 * one of them in memory.
 */
export class Packer {
  readonly #store: ObjectStore
  readonly #call: CallOptions
  /** By core, in order. */
  readonly segments: Map<CoreLike, Segment[]> = new Map()
  /** Names of the shards that were stored. */
  readonly stored: string[] = []
  #runs: PendingRun[] = []
  #bytes = 0

  constructor(store: ObjectStore, call: CallOptions) {
    this.#store = store
    this.#call = call
  }

  /** Bytes of blocks that no shard has yet. */
  get pendingBytes(): number {
    return this.#bytes
  }

  /** @throws S3ArchiverError `S3_ARCHIVER_MISSING_BLOCKS` when the core does not have them all */
  async add(wanted: Wanted): Promise<void> {
    const { core, start, end } = wanted
    let run: PendingRun | null = null
    for (let seq = start; seq < end;) {
      const blocks = await storedBlocks(core, seq, Math.min(end, seq + READ_BLOCKS))
      for (const block of blocks) {
        if (block === null)
          throw new S3ArchiverError(
            'S3_ARCHIVER_MISSING_BLOCKS',
            `block ${seq} of a core is not in its store`
          )
        if (run === null) this.#runs.push((run = { ...wanted, start: seq, end: seq, blocks: [] }))
        run.blocks.push(block)
        run.end = ++seq
        this.#bytes += block.byteLength
        if (this.#bytes < SHARD_BYTES) continue
        await this.#storeShard()
        run = null
      }
    }
  }

  /** Makes what is left a shard of its own. */
  async finish(): Promise<void> {
    if (this.#runs.length > 0) await this.#storeShard()
  }

  /** Makes what is left a shard that lies in another object. */
  finishAs(object: string): Uint8Array {
    const { bytes } = this.#encode(object)
    return bytes
  }

  async #storeShard(): Promise<void> {
    const { bytes, name } = this.#encode(null)
    // It is named for its bytes: whoever made it before has made the same.
    await this.#store.putIfAbsent(name, bytes, { ...this.#call, kind: 'shard' })
    this.stored.push(name)
  }

  #encode(object: string | null): { bytes: Uint8Array; name: string } {
    const runs = this.#runs
    const { bytes, sections } = encodeShard(
      runs.map(({ key, fork, start, blocks }) => ({ blindId: blindIdOf(key), fork, start, blocks }))
    )
    const name = object ?? contentName('shard', bytes)
    for (const [i, { core }] of runs.entries()) {
      const known = this.segments.get(core) ?? []
      known.push(segmentOf(name, sections[i] as Section))
      this.segments.set(core, known)
    }
    this.#runs = []
    this.#bytes = 0
    return { bytes, name }
  }
}

function segmentOf(object: string, { fork, start, count, nodes }: Section): Segment {
  return { kind: 'blocks', object, fork, start, count, nodes: combine(start, start + count, nodes) }
}
