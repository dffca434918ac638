import b4a from 'b4a'
import { decodeCheckpoint, decodeEntry, findRow, wholeTable, windowOf } from '../format/checkpoint.ts'
import type { CheckpointPointer, Commit } from '../format/commit.ts'
import type { Entry } from '../format/entry.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { commitAt } from './commits.ts'
import { damaged, MAX_OBJECT_BYTES, MAX_PART_BYTES, readNamed } from './objects.ts'

/**
 * What a commit says of one core, wherever that stands.
 *
 * @returns `null` when the archive does not have it. Cost: nothing, one get for what an earlier commit holds, two for what a checkpoint does;
 * more when the checkpoint does not have it, so that "no" is known and not guessed
 */
export async function findEntry(
  store: ObjectStore,
  commit: Commit,
  blindId: Uint8Array,
  call: CallOptions = {}
): Promise<Entry | null> {
  const { carried, checkpoint } = commit
  const entry = entryIn(commit, blindId)
  if (entry !== null) return entry
  const carrier = carried.find((one) => b4a.equals(one.blindId, blindId))
  if (carrier !== undefined) return carriedEntry(store, carrier.seq, blindId, call)
  if (checkpoint === null) return null
  const found = await lookUp(store, checkpoint, blindId, call)
  if (found !== null) return found
  const entries = decodeCheckpoint(await readNamed(store, checkpoint.name, call))
  return entries.find((one) => b4a.equals(one.blindId, blindId)) ?? null
}

/** What a commit says of all cores, by blind id in hex. Cost: a get for the checkpoint, and one for each earlier commit that it refers to. */
export async function allEntries(
  store: ObjectStore,
  commit: Commit,
  call: CallOptions = {}
): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  const note = (entry: Entry): unknown => entries.set(b4a.toString(entry.blindId, 'hex'), entry)
  if (commit.checkpoint !== null)
    decodeCheckpoint(await readNamed(store, commit.checkpoint.name, call)).forEach(note)
  const carriers = new Map<number, Commit>()
  for (const { blindId, seq } of commit.carried) {
    const carrier = carriers.get(seq) ?? (await commitAt(store, seq, call)).commit
    carriers.set(seq, carrier)
    note(entryIn(carrier, blindId) ?? missing())
  }
  commit.entries.forEach(note)
  return entries
}

function entryIn({ entries }: Commit, blindId: Uint8Array): Entry | null {
  return entries.find((entry) => b4a.equals(entry.blindId, blindId)) ?? null
}

async function carriedEntry(
  store: ObjectStore,
  seq: number,
  blindId: Uint8Array,
  call: CallOptions
): Promise<Entry> {
  const { commit } = await commitAt(store, seq, call)
  return entryIn(commit, blindId) ?? missing()
}

/** Two ranges of a checkpoint, which nothing vouches for: what is found is sealed, and what is not found is looked for again in the whole. */
async function lookUp(
  store: ObjectStore,
  { name, count, byteLength }: CheckpointPointer,
  blindId: Uint8Array,
  call: CallOptions
): Promise<Entry | null> {
  const tableEnd = wholeTable(count).bytes.end
  if (!(byteLength <= MAX_OBJECT_BYTES && tableEnd <= byteLength && tableEnd <= MAX_PART_BYTES))
    throw damaged('the sizes of its checkpoint cannot be')
  for (const rows of [windowOf(blindId, count), wholeTable(count)]) {
    const table = await store.getRange(name, rows.bytes, call)
    if (table === null) throw damaged('an object of it is missing')
    const place = findRow(table.bytes, blindId, rows, count, byteLength)
    if (place === null) continue
    if (place.end - place.start > MAX_PART_BYTES)
      throw damaged('an entry of its checkpoint cannot be so long')
    const result = await store.getRange(name, place, call)
    const entry = decodeEntry(result?.bytes ?? b4a.alloc(0))
    if (!b4a.equals(entry.blindId, blindId)) throw damaged('an entry stands where another belongs')
    return entry
  }
  return null
}

function missing(): never {
  throw damaged('a commit lacks what a later one says it has')
}
