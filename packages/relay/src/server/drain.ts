import { DrainPace } from '../replicas/drain-pace.ts'
import type { DeviceConnection } from './device-connection.ts'
import type { Splice } from './splice.ts'
import type { Switchboard } from './switchboard.ts'

/** How often it is looked whether somebody is to be asked, or has left. */
const LOOK_MS = 50

/** How {@link askToLeave} goes about it. */
export interface DrainOptions {
  /** Milliseconds in which everybody has been asked. */
  readonly askMs: number
  /** Milliseconds after which nobody is waited for. */
  readonly drainMs: number
  now(): number
  /** Whether to give up. */
  isOver(): boolean
  /** Whether somebody is served who cannot be asked, and so is waited for. */
  isBusyElsewhere(): boolean
}

/** Asks everybody to move, evenly over `askMs`, and waits until they have left. Resolves when nobody is there, or the time is up. */
export async function askToLeave(board: Switchboard, options: DrainOptions): Promise<void> {
  const { askMs, drainMs } = options
  const startedAt = options.now()
  const pace = new DrainPace({ startedAt, durationMs: askMs })
  const asked = new WeakSet<DeviceConnection | Splice>()
  let count = 0
  while (!options.isOver() && options.now() < startedAt + drainMs) {
    const there = [...board.parked, ...board.splices]
    if (there.length === 0 && !options.isBusyElsewhere()) return
    const waiting = there.filter((one) => !asked.has(one))
    for (const one of waiting.slice(0, pace.due(options.now(), count, waiting.length))) {
      asked.add(one)
      count++
      for (const side of 'opener' in one ? [one.opener, one.target] : [one]) side.send({ type: 'draining' })
    }
    await new Promise<void>((resolve) => void setTimeout(resolve, Math.min(LOOK_MS, drainMs)))
  }
}
