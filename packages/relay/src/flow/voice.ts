import { type FlowFrame, flowFrame } from './flow-frames.ts'
import type { FlowIo } from './flow-io.ts'
import type { FlowPath, PathSet } from './path-set.ts'

/** Answers that are owed at once; an honest device asks about no more paths than it has lost. */
const MOST_OWED = 1_024

/**
 * Says on paths what is no segment.
 *
 * On a path that is full nothing more is put but what ends something: the rest is remembered, each thing once, and said when there is room. So who asks without end
 * and reads nothing fills no memory.
 */
export class Voice {
  readonly #paths: PathSet
  readonly #transmit: FlowIo['transmit']
  readonly #owed = { dead: new Set<number>(), resume: new Set<number>() }

  constructor(paths: PathSet, transmit: FlowIo['transmit']) {
    this.#paths = paths
    this.#transmit = transmit
  }

  /** Whether something can be said on the best path now. */
  get hasRoom(): boolean {
    return this.#paths.best?.full === false
  }

  /** At once. */
  say(path: FlowPath, frame: Exclude<FlowFrame, { type: 'segment' }>): void {
    if (!this.#transmit(path.id, flowFrame(frame))) path.full = true
  }

  /** Asks, or answers, on this path. Not on one that is being left: there nothing is said any more. */
  ask(path: FlowPath | null, type: 'probe' | 'probed'): void {
    if (path?.retiring === false) path.owed.add(type)
  }

  /** Something about these paths is to be said on the best one. @returns false when it is too much */
  owe(type: 'dead' | 'resume', paths: Iterable<number>): boolean {
    for (const path of paths) this.#owed[type].add(path)
    return type === 'dead' || this.#owed.resume.size <= MOST_OWED
  }

  /** Nothing needs to be said about this path any more. */
  forget(type: 'dead', path: number): void {
    this.#owed[type].delete(path)
  }

  /** Says what is owed, where there is room. @param have - all before this byte is here */
  settle(have: number): void {
    for (const path of this.#paths.all)
      for (const type of path.owed) {
        if (path.full || path.retiring) break
        path.owed.delete(type)
        this.say(path, { type })
      }
    for (const type of ['dead', 'resume'] as const)
      for (const path of this.#owed[type]) {
        const { best } = this.#paths
        if (best === null || best.full) return
        this.#owed[type].delete(path)
        this.say(best, { type, path, offset: have })
      }
  }
}
