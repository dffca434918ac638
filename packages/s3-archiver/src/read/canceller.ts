import type { SignalLike } from '../store/object-store.ts'

/** Ends calls: what the web's AbortController does, also where there is none. */
export interface Canceller {
  readonly signal: SignalLike
  cancel(): void
}

/** @param outer - which cancels this one, too */
export function makeCanceller(outer: SignalLike | undefined): Canceller {
  const controller = makeController()
  const cancel = (): void => {
    outer?.removeEventListener('abort', cancel)
    controller.abort()
  }
  if (outer?.aborted === true) cancel()
  else outer?.addEventListener('abort', cancel, { once: true })
  return { signal: controller.signal, cancel }
}

interface Controller {
  readonly signal: SignalLike
  abort(): void
}

function makeController(): Controller {
  // The runtime's own where it has one: its `fetch` takes no other.
  const { AbortController } = globalThis as { AbortController?: new () => Controller }
  return AbortController === undefined ? new PlainController() : new AbortController()
}

class PlainController implements Controller {
  readonly #listeners = new Set<() => void>()
  readonly signal = {
    aborted: false,
    addEventListener: (_: 'abort', listener: () => void): void => void this.#listeners.add(listener),
    removeEventListener: (_: 'abort', listener: () => void): void => void this.#listeners.delete(listener)
  }

  abort(): void {
    if (this.signal.aborted) return
    this.signal.aborted = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}
