import { noteRead, type DeviceState } from './device-state.ts'

/**
 * Reads on where the next transaction of a log cannot be applied, waiting or past a cut-off: what it says of membership counts.
 *
 * @returns whether there was anything new
 */
export async function readBeyond(state: DeviceState): Promise<boolean> {
  let moved = false
  for (const log of state.logs.values()) {
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
    }
  }
  return moved
}
