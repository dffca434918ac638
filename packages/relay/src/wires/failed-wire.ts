import { RelayError } from '../errors.ts'
import type { Wire, WireEvents } from './wire.ts'

/**
 * Begins a wire where the platform may throw instead: a page that was loaded over TLS may not open `ws:`, Bare has no WebSocket. Dials come from timers, where nobody
 * would catch it.
 */
export function beginWire(kind: Wire['kind'], begin: () => Wire): Wire {
  try {
    return begin()
  } catch (cause) {
    const words = 'this platform does not open such a connection'
    return new FailedWire(
      kind,
      cause instanceof RelayError ? cause : new RelayError('RELAY_BAD_ARGUMENT', words, { cause })
    )
  }
}

/** Closes as soon as somebody listens. */
class FailedWire implements Wire {
  readonly kind: Wire['kind']
  readonly remoteAddress = ''
  readonly backlogBytes = 0
  readonly #error: RelayError

  constructor(kind: Wire['kind'], error: RelayError) {
    this.kind = kind
    this.#error = error
  }

  start({ onclose }: WireEvents): void {
    queueMicrotask(() => onclose(this.#error))
  }

  write(): boolean {
    return true
  }

  pause(): void {}

  resume(): void {}

  end(): void {}

  destroy(): void {}
}
