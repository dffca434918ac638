import b4a from 'b4a'
import ReadyResource from 'ready-resource'

/** What is used of a HyperDHT node. */
export interface FindPeerLike {
  findPeer(publicKey: Uint8Array): AsyncIterable<{ peer: { publicKey: Uint8Array } }>
}

/** What is used of a server of HyperDHT that listens. */
export interface AnnouncedLike {
  readonly publicKey: Uint8Array | null
  /** Announces itself anew, within three seconds. */
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
 * Costs one packet each way a look. Borrows the node and the server.
 */
export class AnnouncementKeeper extends ReadyResource {
  readonly #node: FindPeerLike
  readonly #server: AnnouncedLike
  readonly #everyMs: number
  #timer: unknown = null
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
    const { publicKey } = this.#server
    if (publicKey !== null && !(await this.#isFound(publicKey))) this.#server.refresh()
    if (this.closing === null) this.#plan()
  }

  async #isFound(publicKey: Uint8Array): Promise<boolean> {
    try {
      for await (const { peer } of this.#node.findPeer(publicKey)) {
        if (b4a.equals(peer.publicKey, publicKey)) return true
      }
    } catch {
      // Nobody answers: it is to be announced as soon as somebody does.
    }
    return false
  }
}
