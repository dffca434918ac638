import type { Wire, WireEvents } from '../src/wires/wire.ts'

const HOST = '127.0.0.1'

/** A wire that passes nothing on while it is `stalled`, and counts what it was given. */
export interface MemoryWire extends Wire {
  backlogBytes: number
  stalled: boolean
  /** Ends a stall: what waits is passed on. */
  flow(): void
}

/** Two ends of a wire without a network. */
export function wirePair(): [MemoryWire, MemoryWire] {
  const sinks: (WireEvents | null)[] = [null, null]
  const waiting: [Uint8Array[], Uint8Array[]] = [[], []]
  const end = (me: 0 | 1): MemoryWire => {
    const other = me === 0 ? 1 : 0
    const wire: MemoryWire = {
      kind: 'tcp',
      remoteAddress: HOST,
      backlogBytes: 0,
      stalled: false,
      flow() {
        wire.stalled = false
        wire.backlogBytes = 0
        for (const bytes of waiting[other].splice(0)) sinks[other]?.onbytes(bytes)
      },
      start(events) {
        sinks[me] = events
        for (const bytes of waiting[me].splice(0)) events.onbytes(bytes)
      },
      write(...parts) {
        const bytes = Buffer.concat(parts)
        if (wire.stalled) wire.backlogBytes += bytes.length
        if (wire.stalled || !sinks[other]) waiting[other].push(bytes)
        else queueMicrotask(() => sinks[other]?.onbytes(bytes))
        return true
      },
      pause() {},
      resume() {},
      end() {
        wire.destroy()
      },
      destroy() {
        for (const sink of sinks.splice(0, 2, null, null)) sink?.onclose(null)
      }
    }
    return wire
  }
  return [end(0), end(1)]
}
