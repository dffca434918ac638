import type { MultiBee } from '@cloudpal/multi-bee'
import b4a from 'b4a'
import { type CutOff, type IdentityState } from '../src/index.ts'

// What stands between an identity and a database that its devices write, neither of which knows the other: an app has the same few lines.

/** Ends a log in the database, and gives the end that the identity's revocation is to name. Again the same end, if it was ended before. */
export async function endLog(db: MultiBee, log: Uint8Array, length?: number): Promise<CutOff> {
  const writer = (await db.writers()).find(({ key }) => b4a.equals(key, log))
  const removal = await (writer?.removed
    ? db.quarantined(log)
    : db.removeWriter(log, length === undefined ? {} : { length }))
  return { core: log, ...removal.cutOff }
}

/**
 * Ends in the database what a verified state has ended, on whichever of its devices hears of it first.
 *
 * @returns whether all is, of the logs that the database knows here; else one is not merged as far as it counts. To be called again after an `update` of either
 */
export async function endLogs(db: MultiBee, { cutOffs }: IdentityState): Promise<boolean> {
  let isDone = true
  const { devices } = await db.status()
  for (const { key, removed } of await db.writers()) {
    const end = cutOffs.get(b4a.toString(key, 'hex'))
    if (end === undefined || removed) continue
    const applied = devices.find((device) => b4a.equals(device.key, key))?.applied ?? 0
    if (applied < end.length) isDone = false
    else await db.removeWriter(key, { length: end.length })
  }
  return isDone
}
