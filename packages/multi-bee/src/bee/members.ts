import b4a from 'b4a'
import type { DeviceState } from '../engine/device-state.ts'
import { MultiBeeError } from '../errors.ts'
import { MAX_MEMBERS } from '../membership/membership.ts'
import type { MembershipRecord } from '../merge/transaction.ts'
import { lengthAt } from '../merge/version-vector.ts'

/** For a log that is not here: no tree has this hash, and nothing of such a log counts. */
const NO_TREE = { fork: 0, treeHash: b4a.alloc(32) }

/**
 * The record that lets a device write; `null` when it may.
 *
 * @throws MultiBeeError `MULTI_BEE_WRITER_RETIRED`, `MULTI_BEE_TOO_LARGE`
 */
export function additionOf(
  { membership, writers }: DeviceState,
  writer: Uint8Array,
  name: string
): MembershipRecord | null {
  const member = membership.get(writers.find(writer))
  if (member?.cutOff) {
    const help = 'a removed log never returns; the device joins again with a new one'
    throw new MultiBeeError('MULTI_BEE_WRITER_RETIRED', help)
  }
  if (member !== undefined) return null
  if (membership.members.length >= MAX_MEMBERS) {
    const help = `a database has at most ${MAX_MEMBERS} logs, those of removed devices included`
    throw new MultiBeeError('MULTI_BEE_TOO_LARGE', help)
  }
  return { type: 'add', writer, name }
}

/**
 * The records that remove a device, with all logs it has written.
 *
 * @param length - how much of the log with this key still counts, in blocks; by default all that is applied
 * @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT`, `MULTI_BEE_UNKNOWN_WRITER`
 */
export async function removalOf(
  state: DeviceState,
  key: Uint8Array,
  length: number | undefined
): Promise<MembershipRecord[]> {
  const { membership, writers, applied } = state
  const id = writers.find(key)
  if (state.logs.get(id) === undefined || membership.get(id) === undefined)
    throw new MultiBeeError('MULTI_BEE_UNKNOWN_WRITER', 'this key was never a member')
  const end = length ?? lengthAt(applied, id)
  if (!Number.isSafeInteger(end) || end < 0 || end > lengthAt(applied, id)) {
    const help = `\`length\` is between 0 and the ${lengthAt(applied, id)} blocks this device has merged`
    throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', help)
  }
  const line = membership.lineOf(id).filter(({ writer: other, removed }) => other === id || !removed)
  return Promise.all(
    line.map(async ({ writer: other }): Promise<MembershipRecord> => {
      const kept = other === id ? end : lengthAt(applied, other)
      const fingerprint = await state.logs.get(other)?.log.fingerprint(kept)
      return {
        type: 'remove',
        writer: writers.keyOf(other),
        cutOff: { length: kept, ...NO_TREE, ...fingerprint }
      }
    })
  )
}

/** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` when these removals leave nobody */
export function checkSomebodyIsLeft(
  { membership, writers }: DeviceState,
  removals: readonly MembershipRecord[]
): void {
  const gone = new Set(
    removals.map((record) => (record.type === 'remove' ? writers.find(record.writer) : -1))
  )
  if (membership.members.some(({ writer }) => membership.isActive(writer) && !gone.has(writer))) return
  throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'without its last device nobody could ever write again')
}
