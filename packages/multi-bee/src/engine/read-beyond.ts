import { noteRead, type DeviceState } from './device-state.ts'

/** Operations that are read in one go, and their bytes: this device's own writes wait for so long. */
const MOST_OPERATIONS = 4096
const MOST_BYTES = 16 * 1024 * 1024

/**
 * Reads on where the next transaction of a log cannot be applied, waiting or past a cut-off: what it says of membership counts.
 * Keeps nothing else of it.
 *
 * @param isNewOnly - leaves out logs of which all that is here was read before, by an earlier opening of the database
 * @returns whether there was anything new, or may be more
 */
export async function readBeyond(state: DeviceState, isNewOnly = false): Promise<boolean> {
  let moved = false
  let operations = 0
  let bytes = 0
  for (const log of state.logs.values()) {
    if (isNewOnly && log.beyond === null && log.log.available <= log.held) continue
    const stuck = await log.cursor.peekHead()
    if (stuck === null) {
      log.beyond = null
      continue
    }
    if (log.beyond === null || log.beyond.position < log.cursor.position) log.beyond = log.cursor.clone()
    for (let next = await log.beyond.peek(); next !== null; next = await log.beyond.peek()) {
      log.beyond.advance()
      moved ||= next.seq + next.length > log.held
      noteRead(state, next)
      operations += next.operations.length + 1
      for (const { key, value } of next.operations) bytes += key.byteLength + (value?.bytes.byteLength ?? 0)
      if (operations >= MOST_OPERATIONS || bytes >= MOST_BYTES) return true
    }
  }
  return moved
}
