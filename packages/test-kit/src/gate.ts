import { Transform } from 'streamx'

/** A passage for bytes that can be shut. */
export interface Gate {
  readonly stream: Transform
  open(): void
  /** Holds what comes, in order. The sender sees back-pressure, not an error. */
  shut(): void
}

/** Makes an open gate. What it holds when its stream is destroyed is lost. */
export function createGate(): Gate {
  let isOpen = true
  let held: { data: unknown; done: (error: Error | null, data?: unknown) => void } | null = null

  return {
    stream: new Transform({
      transform(data, done) {
        if (isOpen) done(null, data)
        else held = { data, done }
      },
      // streamx destroys nothing while a transform is under way.
      predestroy() {
        held?.done(null, undefined)
        held = null
      }
    }),
    open() {
      isOpen = true
      held?.done(null, held.data)
      held = null
    },
    shut() {
      isOpen = false
    }
  }
}
