import b4a from 'b4a'
import type { Engine } from '../engine/engine.ts'
import { successions } from '../engine/upkeep.ts'
import { protocolStream, type HypercoreLog } from '../hypercore-adapter.ts'
import type { Successor } from '../log/succession.ts'
import { MAX_MEMBERS } from '../membership/membership.ts'
import type { DuplexLike } from '../types.ts'
import type { Epochs } from './epochs.ts'
import { PeerChannel } from './peer-channel.ts'
import type { Head } from './peer-messages.ts'

/** The logs of a database, over all its connections, and what devices tell each other beside them. Borrows logs and streams. */
export class Connections {
  readonly #logs = new Map<string, HypercoreLog>()
  readonly #streams = new Set<DuplexLike>()
  /** Successions that peers told of, of logs that are not known here yet. */
  readonly #heard: Successor[] = []
  readonly #onFailure: (error: unknown) => void
  #channel: PeerChannel | null = null
  #engine: Engine | null = null
  #epochs: Epochs | null = null

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** By key in hex. */
  get logs(): ReadonlyMap<string, HypercoreLog> {
    return this.#logs
  }

  /** Replicates one more log. */
  add(log: HypercoreLog): HypercoreLog {
    this.#logs.set(b4a.toString(log.key, 'hex'), log)
    for (const stream of this.#streams) log.attach(stream)
    return log
  }

  /** Replicates over one more connection. @returns the stream, which is new when a boolean is given */
  attach(isInitiatorOrStream: boolean | DuplexLike, options: object): DuplexLike {
    const stream = protocolStream(isInitiatorOrStream, options)
    if (this.#streams.has(stream)) return stream
    this.#streams.add(stream)
    stream.on('close', () => this.#streams.delete(stream))
    for (const log of this.#logs.values()) log.attach(stream)
    this.#channel?.attach(stream)
    return stream
  }

  /**
   * Begins to talk about logs, now that the database is open.
   *
   * @param key - of the database
   */
  async open(key: Uint8Array, engine: Engine, epochs: Epochs): Promise<void> {
    this.#engine = engine
    this.#epochs = epochs
    this.#channel = new PeerChannel(key, {
      successors: () => successions(engine.state),
      heads: () => Promise.all([...this.#logs.values()].map((log) => log.head())),
      onSuccessors: (successors) => this.#introduce(successors),
      onHeads: (heads, peer) => void this.#compare(heads, peer).catch(this.#onFailure),
      onFailure: this.#onFailure
    })
    for (const stream of this.#streams) this.#channel.attach(stream)
    for (const successor of await epochs.successors()) await engine.introduce(successor)
  }

  /** To be called when there may be something to tell. */
  update(): void {
    this.#channel?.update()
  }

  /** To be called when members have changed. */
  membersChanged(): void {
    this.update()
    this.#introduce(this.#heard.splice(0))
  }

  close(): void {
    this.#channel?.close()
  }

  #introduce(successors: readonly Successor[]): void {
    this.#follow(successors).catch(this.#onFailure)
  }

  /** Follows logs of which a peer says that they succeed others, as far as those are known here. */
  async #follow(successors: readonly Successor[]): Promise<void> {
    const [engine, epochs] = [this.#engine, this.#epochs]
    if (engine === null || epochs === null) return
    for (const successor of successors) {
      const { membership, writers } = engine.state
      // Also of one that was removed: the walk says which of the two goes first.
      if (membership.get(writers.find(successor.succession.previous)) === undefined) {
        // Its member may come to be known later.
        if (this.#heard.length < MAX_MEMBERS) this.#heard.push(successor)
        continue
      }
      await epochs.remember(successor.writer)
      await engine.introduce(successor.writer)
    }
  }

  /** Looks into copies of logs that a peer says are different from those here. */
  async #compare(heads: readonly Head[], remotePublicKey: Uint8Array): Promise<void> {
    for (const { key, length, treeHash } of heads) {
      const log = this.#logs.get(b4a.toString(key, 'hex'))
      if (log === undefined || length === 0 || length > log.available) continue
      const own = await log.fingerprint(length)
      if (!b4a.equals(own.treeHash, treeHash)) log.suspect(remotePublicKey, length)
    }
  }
}
