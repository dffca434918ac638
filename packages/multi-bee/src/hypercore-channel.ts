import b4a from 'b4a'
import c from 'compact-encoding'
import type { ReplicationStream } from 'hypercore'
import crypto from 'hypercore-crypto'
import Protomux, { type Channel } from 'protomux'
import type { DuplexLike } from './types.ts'

/** A channel of messages beside the replication of cores. */
export interface MessageChannel {
  readonly isOpen: boolean
  readonly remotePublicKey: Uint8Array
  /** @param type - index of the message's kind */
  send(type: number, message: Uint8Array): void
  close(): void
}

export interface ChannelHandlers {
  /** Both sides have shown that they know the secret. */
  onOpen(): void
  /** By index of the message's kind. */
  messages: readonly ((message: Uint8Array) => void)[]
  onClose(): void
}

/**
 * Opens a channel with whoever knows the same secret at the other end of a connection.
 *
 * The handshake is a hash of the secret, the connection and the side, as Hypercore proves that a peer knows a core's key (`replicate` in
 * its lib/caps.js), so that neither an eavesdropper nor a peer that only repeats what it hears gets an answer.
 *
 * @returns null when the connection has one already, or is closed
 */
export function openChannel(
  stream: DuplexLike,
  protocol: string,
  secret: Uint8Array,
  handlers: ChannelHandlers
): MessageChannel | null {
  const { noiseStream } = stream as unknown as ReplicationStream
  const [channelSpace, proofSpace] = crypto.namespace(protocol, 2) as [Uint8Array, Uint8Array]
  let isOpen = false
  const proof = (isInitiator: boolean): Uint8Array =>
    crypto.hash([
      proofSpace,
      secret,
      noiseStream.handshakeHash ?? b4a.alloc(0),
      b4a.from([isInitiator ? 1 : 0])
    ])
  const channel: Channel<Uint8Array> | null = Protomux.from(noiseStream).createChannel<Uint8Array>({
    protocol,
    id: crypto.hash([channelSpace, secret]),
    handshake: c.fixed32,
    onopen: (remote) => {
      if (!b4a.equals(remote, proof(!noiseStream.isInitiator))) {
        channel?.close()
        return
      }
      isOpen = true
      handlers.onOpen()
    },
    onclose: () => {
      isOpen = false
      handlers.onClose()
    }
  })
  if (channel === null) return null
  const types = handlers.messages.map((onMessage) =>
    channel.addMessage<Uint8Array>({
      encoding: c.raw,
      onmessage: (bytes) => {
        if (isOpen) onMessage(bytes)
      }
    })
  )
  const open = (): void => channel.open(proof(noiseStream.isInitiator))
  // The proof is bound to the connection's handshake.
  if (noiseStream.handshakeHash !== null) open()
  else void noiseStream.opened.then((isConnected) => isConnected && open())
  return {
    get isOpen() {
      return isOpen
    },
    get remotePublicKey() {
      return noiseStream.remotePublicKey ?? b4a.alloc(32)
    },
    send: (type, bytes) => void types[type]?.send(bytes),
    close: () => channel.close()
  }
}
