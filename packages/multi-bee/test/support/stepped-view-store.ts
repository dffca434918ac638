import type { ViewStore, ViewStoreSnapshot, ViewWrite } from '../../src/view/view-store.ts'
import { MemoryViewStore } from './memory-view-store.ts'

/** How a write ends; of one that was lost on the way back the store holds what was written. */
export type WriteEnd = 'done' | 'refused' | 'lost'

/** One get or write on its way. */
interface Request {
  /** Does it; then answers it. */
  steps: ((end: WriteEnd) => void)[]
}

/** A view store whose gets and writes are done, and answered, when and in the order the test says. */
export class SteppedViewStore implements ViewStore {
  readonly #memory = new MemoryViewStore()
  readonly #requests: Request[] = []

  get waiting(): number {
    return this.#requests.length
  }

  /** Takes one of the waiting requests a step further. */
  async step(which: number, end: WriteEnd = 'done'): Promise<void> {
    const place = which % this.#requests.length
    const request = this.#requests[place]
    request?.steps.shift()?.(end)
    if (request?.steps.length === 0) this.#requests.splice(place, 1)
    await turn()
  }

  open(): Promise<void> {
    return this.#memory.open()
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return new Promise((resolve) => {
      let values: Promise<(Uint8Array | null)[]>
      this.#requests.push({
        steps: [() => (values = this.#memory.getMany(keys)), () => resolve(values)]
      })
    })
  }

  write(writes: readonly ViewWrite[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let written: Promise<void>
      let failed = false
      this.#requests.push({
        steps: [
          (end) => {
            failed = end !== 'done'
            written = end === 'refused' ? Promise.resolve() : this.#memory.write(writes)
          },
          () => (failed ? reject(new Error('the disk failed')) : resolve(written))
        ]
      })
    })
  }

  clear(): Promise<void> {
    return this.#memory.clear()
  }

  snapshot(): ViewStoreSnapshot {
    return this.#memory.snapshot()
  }

  settle(): Promise<void> {
    return this.#memory.settle()
  }

  close(): Promise<void> {
    return this.#memory.close()
  }
}

/** Until everything that could go on has. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
