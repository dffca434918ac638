import type { Path } from '../merge/path.ts'
import type { Operation, Place } from '../merge/transaction.ts'
import { keyId } from '../view/key-id.ts'
import type { OwnHistory } from './own-history.ts'

/** Paths of one key that this device has changed, and where it did last. */
type Changes = Map<Path, Place>

/** What this device did after what is to be done again. */
export class ChangesSince {
  /** What is done again already, by name of its place. */
  readonly done: Set<string> = new Set()
  /** By key id: what counts; and, of the same keys, what is to be done again. */
  readonly kept: Map<string, Changes> = new Map()
  readonly lost: Map<string, Changes> = new Map()

  /** @returns the paths that were changed later, in what is to be done again too; `null` when nothing that counts changed the key later */
  after(id: string, place: Place, history: OwnHistory): Path[] | null {
    const later = (changes: Changes | undefined): Path[] =>
      [...(changes ?? [])].filter(([, last]) => history.isAfter(last, place)).map(([path]) => path)
    const kept = later(this.kept.get(id))
    return kept.length === 0 ? null : [...kept, ...later(this.lost.get(id))]
  }
}

export async function changesSince(history: OwnHistory): Promise<ChangesSince> {
  const changes = new ChangesSince()
  const keys = new Set<string>()
  for await (const { transaction } of history.lost())
    for (const { key } of transaction.operations) keys.add(keyId(key))
  for await (const { transaction, place, counts } of history.kept()) {
    if (counts && transaction.again !== null) changes.done.add(nameOf(place))
    if (counts) note(changes.kept, transaction.operations, place, keys, history)
  }
  if (changes.kept.size > 0)
    for await (const { transaction, place } of history.lost())
      note(changes.lost, transaction.operations, place, changes.kept, history)
  return changes
}

function note(
  changes: Map<string, Changes>,
  operations: readonly Operation[],
  place: Place,
  keys: { has(id: string): boolean },
  history: OwnHistory
): void {
  for (const { key, path } of operations) {
    const id = keyId(key)
    if (!keys.has(id)) continue
    const known = changes.get(id) ?? new Map<Path, Place>()
    changes.set(id, known)
    const last = known.get(path)
    if (last === undefined || history.isAfter(place, last)) known.set(path, place)
  }
}

export function nameOf({ writer, seq }: Place): string {
  return `${writer}:${seq}`
}
