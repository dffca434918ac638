import { appliedLength, type DeviceState } from './device-state.ts'

/** What of a log that this device wrote before is to be done again. */
export interface Tail {
  writer: number
  /** Blocks of its log: from the lowest cut-off on. */
  from: number
  until: number
}

/** What is to be done again and is not, or not all of it. */
export function pendingTails(state: DeviceState): Tail[] {
  const ends = ownEnds(state)
  if (ends.size === 0) return []
  const done = doneAgain(state)
  const tails: Tail[] = []
  for (const [writer, until] of ends) {
    const from = state.membership.get(writer)?.forkedAt ?? Infinity
    if (from < until && from < (done.get(writer) ?? Infinity)) tails.push({ writer, from, until })
  }
  return tails
}

/**
 * By log, where what is done again of it ends. Of a log that this device left because it was forked, which the next one says at once, all is
 * done again. Of one that it left for another reason only what lies between the first cut-off it has told and those that become known later: a
 * copied store cannot tell what of its end has been replaced since.
 */
function ownEnds({ controls, membership, self, writers }: DeviceState): Map<number, number> {
  const ends = new Map<number, number>()
  const logs = [...earlierLogs({ membership, self }), self]
  for (const [place, author] of logs.entries()) {
    // Of a log that came later only another device tells in an earlier one: the original of a clone.
    const earlier = logs.slice(0, place)
    for (const { seq, membership: records } of controls.of(author))
      for (const record of records) {
        const writer = record.type === 'fork' ? writers.find(record.writer) : -1
        if (record.type === 'fork' && earlier.includes(writer) && !ends.has(writer))
          ends.set(writer, seq === 0 ? Infinity : record.cutOff.length)
      }
  }
  return ends
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
