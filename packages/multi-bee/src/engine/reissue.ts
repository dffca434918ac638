import { withoutPaths } from '../merge/diff.ts'
import { isAtOrBelow, isBelow, type Path } from '../merge/path.ts'
import { elementsOf, EMPTY_REGISTER, type Element } from '../merge/register.ts'
import type { Operation, Place } from '../merge/transaction.ts'
import { lengthAt, type VersionVector } from '../merge/version-vector.ts'
import { keyId } from '../view/key-id.ts'
import type { View } from '../view/view.ts'
import { changesSince, nameOf, type ChangesSince } from './changes-since.ts'
import { deleteWins, type DeviceState } from './device-state.ts'
import type { Tail } from './own-forks.ts'
import { OwnHistory, type Own } from './own-history.ts'
import type { Base, LocalRequest, Write } from './requests.ts'

/**
 * What this device's own logs held past the cut-offs of forks, to be done again: whom they let in and removed, and what they put. Each
 * transaction has seen what it had seen when it was written, and of this device's later logs all there is: so it competes with what others did
 * meanwhile, and does not replace it. What this device has changed since stays out of it. Each says what it does again, so that after a crash,
 * or in the next log, only the rest is done.
 *
 * Cost: reads those logs from the cut-offs on, and all that came after them, three times; memory for the keys that are done again, and the paths
 * of those that were changed since.
 */
export async function* ownTail(
  state: DeviceState,
  view: View,
  tails: readonly Tail[]
): AsyncGenerator<{ place: Place; request: LocalRequest }> {
  const history = new OwnHistory(state, tails)
  const changes = await changesSince(history)
  for await (const own of history.lost()) {
    const { place } = own
    const name = nameOf(place)
    if (changes.done.has(name)) continue
    changes.done.add(name)
    const records = own.transaction.membership.filter(({ type }) => type === 'add' || type === 'remove')
    const writes = await writesAgain(own, state, view, history, changes)
    // Only what comes last says so: after a crash in between all is done once more.
    if (records.length > 0)
      yield { place, request: { type: 'membership', records, again: writes.length === 0 ? place : null } }
    if (writes.length > 0) yield { place, request: { type: 'write', writes, atomic: true, again: place } }
  }
}

async function writesAgain(
  { transaction, place }: Own,
  state: DeviceState,
  view: View,
  history: OwnHistory,
  changes: ChangesSince
): Promise<Write[]> {
  const { operations, context } = transaction
  const vectors = new Map<VersionVector, VersionVector>()
  // Writes of one key go together when they name one base; in the log, too, they had seen the same.
  const bases = new Map<string, Base>()
  const writes: Write[] = []
  for (const operation of operations) {
    const { key, seen } = operation
    const id = keyId(key)
    const later = changes.after(id, place, history)
    const left = later === null ? operation : withoutPaths(operation, later)
    if (left === null || (await isOutlived(operation, context, later, state, view))) continue
    // What this device has changed of the key since is not to be replaced by what it wrote before.
    let vector = seen ?? context
    if (later === null) {
      vector = vectors.get(seen ?? context) ?? history.seenBy(place, vector)
      vectors.set(seen ?? context, vector)
    }
    const base = bases.get(id) ?? { version: state.version, vector }
    bases.set(id, base)
    const { path, value } = left
    writes.push({ key, intent: { type: 'resolve', path, value }, base, compare: null })
  }
  return writes
}

/**
 * Whether a deletion is better not done again. Where deletions win, it would take away also what others have put since they saw it: no context
 * says which copy of a log it has seen. Elsewhere, when this device has put something below its path since and nothing older is left there.
 */
async function isOutlived(
  { key, path, value, seen }: Operation,
  context: VersionVector,
  later: readonly Path[] | null,
  state: DeviceState,
  view: View
): Promise<boolean> {
  if (value !== null) return false
  const [stored] = await view.load([key])
  const elements = elementsOf(stored?.register ?? EMPTY_REGISTER).filter((element) =>
    isAtOrBelow(element.path, path)
  )
  const isNew = ({ seq, writer }: Element): boolean => seq >= lengthAt(seen ?? context, writer)
  if (deleteWins(state)) return elements.some(isNew)
  return elements.length > 0 && (later ?? []).some((below) => isBelow(below, path)) && elements.every(isNew)
}
