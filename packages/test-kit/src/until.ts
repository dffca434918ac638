// Taken before a test can replace them with fake timers.
const { clearTimeout, setImmediate, setTimeout } = globalThis

/** Turns of the event loop that are tried before `until` slows down to a timer. */
const EAGER_TURNS = 50
const POLL_MS = 5
/** It only tells a hang from what is slow: the slowest machine that anybody tests on is faster. `UNTIL_MS` shortens it where tests are to fail. */
const PATIENCE_MS = Number(process.env['UNTIL_MS'] ?? 60_000)

/** What is left of `T` when it is truthy. */
export type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>

/** How long {@link until} waits, and what it says. */
export interface UntilOptions {
  /** @defaultValue a minute */
  timeoutMs?: number
  /** What was waited for. A function is called at the time-out, to tell how things stand. */
  message?: string | (() => string)
}

/**
 * Waits for a condition to become truthy, in place of a sleep.
 *
 * Tries on every turn of the event loop at first, then every few milliseconds. Fake timers do not stop it.
 *
 * @returns what the condition returned
 * @throws Error with the message after `timeoutMs`, also when the condition itself hangs; what the condition
 * throws, at once
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = PATIENCE_MS, message = () => String(condition) }: UntilOptions = {}
): Promise<Truthy<T>> {
  let timer: NodeJS.Timeout | undefined
  let expired = false
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      expired = true
      const waitedFor = typeof message === 'function' ? message() : message
      reject(new Error(`timed out after ${timeoutMs} ms waiting for: ${waitedFor}`))
    }, timeoutMs)
  })
  try {
    return await Promise.race([poll(condition, () => expired), timeout])
  } finally {
    clearTimeout(timer)
  }
}

async function poll<T>(condition: () => T | Promise<T>, expired: () => boolean): Promise<Truthy<T>> {
  for (let turn = 0; ; turn++) {
    const value = await condition()
    if (value) return value as Truthy<T>
    if (expired()) return new Promise(() => {})
    await new Promise<void>((next) => {
      if (turn < EAGER_TURNS) setImmediate(next)
      else setTimeout(next, POLL_MS)
    })
  }
}
