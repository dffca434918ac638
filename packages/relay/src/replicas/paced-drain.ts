import { DrainPace } from './drain-pace.ts'

/** How often it is looked whether somebody is to be asked, or has left. */
const LOOK_MS = 50

/** What a {@link pacedDrain} asks of whoever drains. */
export interface PacedDrainOptions {
  /** Milliseconds in which everybody has been asked. */
  readonly askMs: number
  /** Milliseconds after which nobody is waited for. */
  readonly drainMs: number
  now(): number
  /** Those who are there, each the same object every time. */
  present(): Iterable<object>
  ask(one: object): void
  /** Whether to give up. */
  isOver(): boolean
}

/** Asks everybody to move, evenly over `askMs`, and waits until they have left. Resolves when nobody is there, or the time is up. */
export async function pacedDrain(options: PacedDrainOptions): Promise<void> {
  const { askMs, drainMs, now, present, ask, isOver } = options
  const startedAt = now()
  const pace = new DrainPace({ startedAt, durationMs: askMs })
  const asked = new WeakSet<object>()
  let count = 0
  while (!isOver() && now() < startedAt + drainMs) {
    const there = [...present()]
    if (there.length === 0) return
    const waiting = there.filter((one) => !asked.has(one))
    for (const one of waiting.slice(0, pace.due(now(), count, waiting.length))) {
      asked.add(one)
      count++
      ask(one)
    }
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await new Promise<void>((resolve) => void setTimeout(resolve, Math.min(LOOK_MS, drainMs)))
  }
}
