import { encodeCheckpoint } from '../format/checkpoint.ts'
import type { Commit } from '../format/commit.ts'
import type { Entry } from '../format/entry.ts'
import { blindIdOf } from '../format/names.ts'
import { unsealRecord, type CoreRecord } from '../format/record.ts'
import { missingIn } from '../format/segment.ts'
import type { StoredCommit } from '../read/commits.ts'
import { allEntries } from '../read/directory.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { Known } from './change-feed.ts'
import { idOf, needsCheckpoint, nextDirectory, type Directory } from './next-directory.ts'
import type { Uploads } from './uploads.ts'

/** What the archive says of all its cores, sealed as it is there. About 500 bytes for each. */
export class Ledger {
  readonly #store: ObjectStore
  readonly #uploads: Uploads
  #entries = new Map<string, Entry>()
  #noted: StoredCommit | null = null

  constructor(store: ObjectStore, uploads: Uploads) {
    this.#store = store
    this.#uploads = uploads
  }

  /** Reads what a commit says, unless that is known. */
  async load(stored: StoredCommit, call: CallOptions): Promise<void> {
    if (stored === this.#noted) return
    this.#entries = await allEntries(this.#store, stored.commit, call)
    this.#noted = stored
  }

  entryOf(key: Uint8Array): Entry | null {
    return this.#entries.get(idOf(blindIdOf(key))) ?? null
  }

  recordOf(key: Uint8Array): CoreRecord | null {
    const entry = this.entryOf(key)
    return entry && unsealRecord(key, entry)
  }

  knownOf(key: Uint8Array): Known | null {
    const record = this.recordOf(key)
    return record && { fork: record.fork, length: record.length, missing: missingIn(record.segments) }
  }

  /** The directory of the next commit. When too much of it would stand elsewhere, all of it is put into one object, whose upload begins. */
  async directoryOf(before: Commit, seq: number, changed: readonly Entry[]): Promise<Directory> {
    const directory = nextDirectory(before, changed)
    const entries = new Map(this.#entries)
    for (const entry of changed) entries.set(idOf(entry.blindId), entry)
    if (!needsCheckpoint(directory, entries.size)) return directory
    const bytes = encodeCheckpoint([...entries.values()])
    const name = await this.#uploads.add('index', bytes)
    const checkpoint = { name, seq, count: entries.size, byteLength: bytes.byteLength }
    return { checkpoint, carried: [], entries: [] }
  }

  /** Notes a commit that this archiver has made. */
  note(stored: StoredCommit, changed: readonly Entry[]): void {
    for (const entry of changed) this.#entries.set(idOf(entry.blindId), entry)
    this.#noted = stored
  }
}
