import { type CleanupOptions, testCleanup } from './cleanup.ts'
import { type Replicable, Wire } from './wire.ts'

/** Peers that are all connected to each other, and a network that can fall into parts. */
export class Mesh {
  readonly #links: { a: Replicable; b: Replicable; wire: Wire }[] = []

  /** Connects every pair at once. It owns the wires, and borrows the peers. */
  constructor(peers: readonly Replicable[]) {
    for (const [i, a] of peers.entries()) {
      for (const b of peers.slice(i + 1)) this.#links.push({ a, b, wire: new Wire(a, b) })
    }
  }

  /**
   * The wire between two peers.
   *
   * @throws Error unless both are in the mesh
   */
  wire(a: Replicable, b: Replicable): Wire {
    const link = this.#links.find((link) => (link.a === a && link.b === b) || (link.a === b && link.b === a))
    if (link === undefined) throw new Error('these two peers are not in the mesh')
    return link.wire
  }

  /** Connects the peers of each group, and cuts everything else. A peer in no group is alone. */
  async partition(...groups: readonly (readonly Replicable[])[]): Promise<void> {
    await Promise.all(
      this.#links.map(async ({ a, b, wire }) => {
        if (groups.some((group) => group.includes(a) && group.includes(b))) wire.heal()
        else await wire.cut()
      })
    )
  }

  /** Connects every pair again. */
  heal(): void {
    for (const { wire } of this.#links) wire.heal()
  }

  /** Closes every stream, and waits till they are. */
  async destroy(): Promise<void> {
    await Promise.all(this.#links.map(({ wire }) => wire.destroy()))
  }

  /** Same as `destroy()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy()
  }
}

/** Connects every pair of peers; see {@link Mesh}. It is destroyed before the stores close. */
export function mesh(peers: readonly Replicable[], { cleanup = testCleanup() }: CleanupOptions = {}): Mesh {
  const network = new Mesh(peers)
  cleanup.defer('stream', () => network.destroy())
  return network
}
