// protomux 3.12.1
declare module 'protomux' {
  import type NoiseSecretStream from '@hyperswarm/secret-stream'
  import type { CompactEncoding } from 'codecs'

  export interface ChannelOptions<H> {
    protocol: string
    id?: Uint8Array | null
    handshake?: CompactEncoding<H, H>
    unique?: boolean
    /** What it throws destroys the stream. */
    onopen?: (handshake: H) => unknown
    onclose?: () => unknown
  }

  export interface Message<M> {
    send(message: M): boolean
  }

  export interface Channel<H> {
    addMessage<M>(options: {
      encoding: CompactEncoding<M, M>
      onmessage?: (message: M) => unknown
    }): Message<M>
    open(handshake: H): void
    close(): void
  }

  export default class Protomux {
    /** The muxer of a stream; makes one the first time. */
    static from(stream: NoiseSecretStream | Protomux): Protomux
    readonly isProtomux: true
    readonly stream: NoiseSecretStream
    /** Null for a channel that is there already. */
    createChannel<H>(options: ChannelOptions<H>): Channel<H> | null
    /** Calls back when the other side opens such a channel, and there is none. */
    pair(channel: { protocol: string; id?: Uint8Array | null }, notify: () => unknown): void
    unpair(channel: { protocol: string; id?: Uint8Array | null }): void
    destroy(error?: Error): void
  }
}
