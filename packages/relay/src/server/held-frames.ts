import b4a from 'b4a'
import { framesOf, lengthOf } from '../protocol/frames.ts'

/** More are put together: each costs a few hundred bytes besides its own. */
const MOST_RUNS = 64

type Run = readonly Uint8Array[]

/** Whole DATA frames that wait, in runs as they came: a frame by itself would cost some 160 bytes, and may have 4. */
export class HeldFrames {
  #runs: Run[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** @param run - whole frames in a row, as a `FrameReader` hands them on */
  add(run: Run): void {
    this.#bytes += lengthOf(run)
    this.#runs.push(run)
    if (this.#runs.length > MOST_RUNS) this.#runs = [[b4a.concat(this.#runs.flat())]]
  }

  /** Takes the first frames: `most` bytes or less, but one frame at least. */
  take(most: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    let bytes = 0
    for (let run = this.#runs.shift(); run !== undefined; run = this.#runs.shift()) {
      let end = 0
      for (const parts of framesOf(run)) {
        const next = end + lengthOf(parts)
        if (bytes + end > 0 && bytes + next > most) break
        end = next
      }
      const [first, rest] = cut(run, end)
      taken.push(...first)
      bytes += end
      if (rest.length > 0) {
        this.#runs.unshift(rest)
        break
      }
    }
    this.#bytes -= bytes
    return taken
  }
}

/** @param at - where a frame ends, which is in the last part: all before it are of the first frame */
function cut(run: Run, at: number): [first: Uint8Array[], rest: Run] {
  if (at === 0) return [[], run]
  const [before, last = b4a.alloc(0)] = [run.slice(0, -1), run.at(-1)]
  const inLast = at - lengthOf(before)
  return [[...before, last.subarray(0, inLast)], inLast === last.length ? [] : [last.subarray(inLast)]]
}
