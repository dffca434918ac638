import b4a from 'b4a'
import { openChannel, type MessageChannel } from '../hypercore-channel.ts'
import type { Successor } from '../log/succession.ts'
import type { DuplexLike } from '../types.ts'
import { decodeHeads, decodeSuccessors, encodeHeads, encodeSuccessors, type Head } from './peer-messages.ts'

const PROTOCOL = 'cloudpal/multi-bee'

/** What a device tells its peers, and hears from them. */
export interface PeerHandlers {
  /** All successions that are known here. */
  successors(): readonly Successor[]
  /** All logs that are here. */
  heads(): Promise<readonly Head[]>
  /** A peer knows these logs; their signatures hold. */
  onSuccessors(successors: readonly Successor[]): void
  /** A peer says it has these. */
  onHeads(heads: readonly Head[], remotePublicKey: Uint8Array): void
  onFailure(error: unknown): void
}

/** What one peer was told already. */
interface Told {
  successors: Set<string>
  /** By log, in hex: its tree hash. */
  heads: Map<string, string>
}

/**
 * Tells peers what cannot be found in the logs: which logs succeed others (a newcomer knows only the first), and which state this device's
 * copies are in (two copies of one length that differ have nothing to ask each other for). FORMAT.md, "Between devices".
 */
export class PeerChannel {
  readonly #channels = new Map<MessageChannel, Told>()
  readonly #key: Uint8Array
  readonly #handlers: PeerHandlers

  /** @param key - of the database: only who knows it is told anything */
  constructor(key: Uint8Array, handlers: PeerHandlers) {
    this.#key = key
    this.#handlers = handlers
  }

  attach(stream: DuplexLike): void {
    const handlers = this.#handlers
    const channel: MessageChannel | null = openChannel(stream, PROTOCOL, this.#key, {
      onOpen: () => this.update(),
      messages: [
        (bytes) => handlers.onSuccessors(decodeSuccessors(bytes)),
        (bytes) => channel && handlers.onHeads(decodeHeads(bytes), channel.remotePublicKey)
      ],
      onClose: () => channel && this.#channels.delete(channel)
    })
    if (channel !== null) this.#channels.set(channel, { successors: new Set(), heads: new Map() })
  }

  /** To be called when there may be something to tell. Cost: one read of each log's head. */
  update(): void {
    if (this.#channels.size === 0) return
    this.#tell().catch((error: unknown) => this.#handlers.onFailure(error))
  }

  close(): void {
    for (const channel of this.#channels.keys()) channel.close()
    this.#channels.clear()
  }

  async #tell(): Promise<void> {
    const heads = await this.#handlers.heads()
    const successors = this.#handlers.successors()
    for (const [channel, told] of this.#channels) {
      if (!channel.isOpen) continue
      const newSuccessors = successors.filter(({ writer }) => !told.successors.has(hex(writer)))
      for (const { writer } of newSuccessors) told.successors.add(hex(writer))
      if (newSuccessors.length > 0) channel.send(0, encodeSuccessors(newSuccessors))
      const newHeads = heads.filter(({ key, treeHash }) => told.heads.get(hex(key)) !== hex(treeHash))
      for (const { key, treeHash } of newHeads) told.heads.set(hex(key), hex(treeHash))
      if (newHeads.length > 0) channel.send(1, encodeHeads(newHeads))
    }
  }
}

function hex(bytes: Uint8Array): string {
  return b4a.toString(bytes, 'hex')
}
