import b4a from 'b4a'
import ReadyResource from 'ready-resource'

/** What is used of a HyperDHT node. */
export interface FindPeerLike {
  findPeer(publicKey: Uint8Array): FindPeerQueryLike
}

/** A query that is under way: who is found, as it is found. */
export interface FindPeerQueryLike extends AsyncIterable<{ peer: { publicKey: Uint8Array } }> {
  /** Asks nobody any more. */
  destroy(): void
}

/** What is used of a server of HyperDHT that listens. */
export interface AnnouncedLike {
  readonly publicKey: Uint8Array | null
  /** Announces itself anew, within three seconds. May throw: the next look tries again. */
  refresh(): void
}

/** Options of an {@link AnnouncementKeeper}. */
export interface AnnouncementKeeperOptions {
  /** Between two looks. @defaultValue 10,000 */
  everyMs?: number
}

/**
 * Looks now and then whether a device can still be found, and announces it again where it cannot. HyperDHT does so by itself every five minutes, or when
 * nodes stop answering; a private bootstrap node that restarts in between answers, and has forgotten everybody.
 *
 * Costs a query a look: as many packets each way as nodes are asked, one where the bootstrap node is alone, up to some 20 in a large DHT. Borrows the node and the server.
 */
export class AnnouncementKeeper extends ReadyResource {
  readonly #node: FindPeerLike
  readonly #server: AnnouncedLike
  readonly #everyMs: number
  #timer: unknown = null
  #query: FindPeerQueryLike | null = null
  #looking: Promise<void> | null = null

  constructor(
    node: FindPeerLike,
    server: AnnouncedLike,
    { everyMs = 10_000 }: AnnouncementKeeperOptions = {}
  ) {
    super()
    this.#node = node
    this.#server = server
    this.#everyMs = everyMs
  }

  protected override async _open(): Promise<void> {
    this.#plan()
  }

  protected override async _close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#query?.destroy()
    await this.#looking
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
    }, this.#everyMs)
  }

  async #look(): Promise<void> {
    try {
      const { publicKey } = this.#server
      if (publicKey !== null && !(await this.#isFound(publicKey)) && this.closing === null)
        this.#server.refresh()
    } catch {
      // The server is closing, or not there any more: whoever closes it closes this.
    }
    if (this.closing === null) this.#plan()
  }

  async #isFound(publicKey: Uint8Array): Promise<boolean> {
    try {
      this.#query = this.#node.findPeer(publicKey)
      for await (const { peer } of this.#query) {
        if (b4a.equals(peer.publicKey, publicKey)) return true
      }
    } catch {
      // Nobody answers: it is to be announced as soon as somebody does.
    } finally {
      this.#query = null
    }
    return false
  }
}
