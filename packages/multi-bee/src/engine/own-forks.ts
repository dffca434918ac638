import { appliedLength, type DeviceState } from './device-state.ts'

/** What of a log that this device wrote before is to be done again. */
export interface Tail {
  writer: number
  /** Blocks of its log: from the lowest cut-off on. */
  from: number
  until: number
}

/** What this device's own logs say of one before them. */
interface OwnFork {
  /** The lowest cut-off they have told, in blocks. */
  length: number
  /** Where what is done again ends. */
  until: number
}

/** What is to be done again and is not, or not all of it. */
export function pendingTails(state: DeviceState): Tail[] {
  const forks = ownForks(state)
  if (forks.size === 0) return []
  const done = doneAgain(state)
  const tails: Tail[] = []
  for (const [writer, { length, until }] of forks) {
    const isPending = length < until && length < (done.get(writer) ?? Infinity)
    if (isPending) tails.push({ writer, from: length, until })
  }
  return tails
}

/**
 * Of a log that this device left because it was forked, which the next one says at once, all is done again. Of one that it left for another
 * reason only what lies between the first cut-off and those that are told later: a copied store cannot tell what of its end has been replaced since.
 */
function ownForks({ controls, membership, self, writers }: DeviceState): Map<number, OwnFork> {
  const forks = new Map<number, OwnFork>()
  if (membership.get(self)?.previous == null) return forks
  const logs = [...earlierLogs({ membership, self }), self]
  for (const [place, author] of logs.entries()) {
    // Of a log that came later only another device tells in an earlier one: the original of a clone.
    const earlier = logs.slice(0, place)
    for (const { seq, membership: records } of controls.of(author))
      for (const record of records) {
        const writer = record.type === 'fork' ? writers.find(record.writer) : -1
        if (record.type !== 'fork' || !earlier.includes(writer)) continue
        const { length } = record.cutOff
        const known = forks.get(writer)
        if (known === undefined) forks.set(writer, { length, until: seq === 0 ? Infinity : length })
        else known.length = Math.min(known.length, length)
      }
  }
  return forks
}

/** From where on this device's own logs say that all is done again, as far as they count. */
function doneAgain({ controls, membership, self, writers }: DeviceState): Map<number, number> {
  const done = new Map<number, number>()
  for (const author of [...earlierLogs({ membership, self }), self])
    for (const { seq, membership: records } of controls.of(author))
      for (const record of records) {
        if (record.type !== 'again' || seq >= membership.limitOf(author)) continue
        const writer = writers.find(record.writer)
        done.set(writer, Math.min(done.get(writer) ?? Infinity, record.from))
      }
  return done
}

/** Whether all that counts of this device's earlier logs, as far as it is here, is applied. */
export function isLineApplied(state: DeviceState): boolean {
  return earlierLogs(state).every((writer) => {
    const available = state.logs.get(writer)?.log.available ?? 0
    return appliedLength(state, writer) >= Math.min(available, state.membership.limitOf(writer))
  })
}

/** The logs that this device's present one goes on from, the first one first. Not those of a clone, which go on from the same. */
export function earlierLogs({ membership, self }: Pick<DeviceState, 'membership' | 'self'>): number[] {
  const logs: number[] = []
  for (let log = membership.get(self)?.previous; log != null; log = membership.get(log)?.previous)
    logs.unshift(log)
  return logs
}
