/** A path of a flow. */
export interface FlowPath {
  readonly id: number
  readonly rank: number
  /** It takes no more now. */
  full: boolean
  /** This side sends nothing on it any more. */
  retiring: boolean
  /** What is to be said on it, once there is room. */
  readonly owed: Set<'probe' | 'probed'>
}

/** The paths there are, the best first: that of the least rank, then of the least number. */
export class PathSet {
  #paths: readonly FlowPath[] = []

  /** The best first. */
  get all(): readonly FlowPath[] {
    return this.#paths
  }

  /** What is sent on; `null` when there is none. */
  get best(): FlowPath | null {
    return this.#paths.find(({ retiring }) => !retiring) ?? null
  }

  /** Numbers, the best first. */
  get ids(): number[] {
    return this.#paths.map(({ id }) => id)
  }

  /** @param rank - lower is better */
  add(id: number, rank: number): void {
    const all = [
      ...this.#paths,
      { id, rank, full: false, retiring: false, owed: new Set<'probe' | 'probed'>() }
    ]
    this.#paths = all.sort((a, b) => a.rank - b.rank || a.id - b.id)
  }

  get(id: number): FlowPath | null {
    return this.#paths.find((path) => path.id === id) ?? null
  }

  /** @returns whether it was there */
  delete(id: number): boolean {
    const before = this.#paths
    this.#paths = before.filter((path) => path.id !== id)
    return this.#paths.length < before.length
  }

  /** Nothing more will be sent on this one. @returns false where it is not there, or there is no other */
  retire(id: number): boolean {
    const path = this.get(id)
    const usable = this.#paths.filter(({ retiring }) => !retiring)
    if (path === null || path.retiring || usable.length < 2) return false
    path.retiring = true
    return true
  }
}
