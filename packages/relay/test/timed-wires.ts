import type { Wire, WireEvents } from '../src/wires/wire.ts'

/** What a wire takes in before it says that it is full. */
const FULL_BYTES = 64 * 1024
const LATENCY_MS = 1

/** One direction. */
class Lane {
  readonly waiting: Uint8Array[] = []
  heldBytes = 0
  isPaused = false
  isEnded = false
  to: WireEvents | null = null
  from: WireEvents | null = null

  put(bytes: Uint8Array): boolean {
    this.waiting.push(bytes)
    this.heldBytes += bytes.length
    this.flowSoon()
    return this.heldBytes < FULL_BYTES
  }

  flowSoon(): void {
    setTimeout(() => this.#flow(), LATENCY_MS)
  }

  /** What is under way is lost. */
  cut(): void {
    this.waiting.length = 0
    this.isEnded = true
    this.flowSoon()
  }

  #flow(): void {
    const { to, from } = this
    if (to === null) return
    const wasFull = this.heldBytes >= FULL_BYTES
    while (!this.isPaused && this.waiting.length > 0) {
      const bytes = this.waiting.shift() as Uint8Array
      this.heldBytes -= bytes.length
      to.onbytes(bytes)
    }
    if (wasFull && this.heldBytes < FULL_BYTES) from?.ondrain()
    if (!this.isEnded || this.waiting.length > 0) return
    this.to = null
    to.onclose(null)
  }
}

/** Two ends of a wire without a network, by timers: for fake ones. Who is paused is sent no more than a socket takes. */
export function timedWires(): readonly [Wire, Wire] {
  const lanes = [new Lane(), new Lane()] as const
  const end = (out: Lane, back: Lane): Wire => {
    const close = (): void => {
      const events = out.from
      out.from = back.to = null
      if (events !== null) queueMicrotask(() => events.onclose(null))
    }
    return {
      kind: 'tcp',
      remoteAddress: '127.0.0.1',
      get backlogBytes() {
        return out.heldBytes
      },
      start: (events) => {
        out.from = back.to = events
        back.flowSoon()
      },
      write: (...parts) => out.put(Buffer.concat(parts)),
      pause: () => {
        back.isPaused = true
      },
      resume: () => {
        back.isPaused = false
        back.flowSoon()
      },
      end: () => {
        out.isEnded = true
        out.flowSoon()
        close()
      },
      destroy: () => {
        out.cut()
        close()
      }
    }
  }
  return [end(lanes[0], lanes[1]), end(lanes[1], lanes[0])]
}
