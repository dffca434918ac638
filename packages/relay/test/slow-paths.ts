import type { Path, PathEvents } from '../src/paths/path.ts'

/** What a path carries: bytes a second in each direction, milliseconds from end to end. */
export interface Link {
  bytesPerSecond: number
  readonly latencyMs: number
}

/** What sockets, and the relay in between, take in before they say that they are full. */
const HELD_BYTES = 1024 * 1024

/** Both ends of a path, by timers: for fake ones. `link` may change while it carries. */
export function slowPaths(link: Link): readonly [Path, Path] {
  const events: (PathEvents | null)[] = [null, null]
  let isClosed = false
  const close = (): void => {
    if (isClosed) return
    isClosed = true
    queueMicrotask(() => {
      for (const one of events) one?.onclose(null)
    })
  }
  const end = (me: 0 | 1): Path => {
    let held = 0
    let freeAt = 0
    return {
      kind: 'relay',
      relay: new Uint8Array(32),
      transport: 'tcp',
      origin: 'relay',
      start: (given) => {
        events[me] = given
      },
      send: (parts) => {
        const message = Buffer.concat(parts)
        held += message.length
        const now = performance.now()
        freeAt = Math.max(freeAt, now) + (1_000 * message.length) / link.bytesPerSecond
        setTimeout(() => {
          held -= message.length
          if (!isClosed && held < HELD_BYTES / 2) events[me]?.ondrain()
        }, freeAt - now)
        const arrive = (): void => {
          if (!isClosed) events[1 - me]?.onmessage(message)
        }
        setTimeout(arrive, freeAt - now + link.latencyMs)
        return held < HELD_BYTES
      },
      end: close,
      destroy: close
    }
  }
  return [end(0), end(1)]
}
