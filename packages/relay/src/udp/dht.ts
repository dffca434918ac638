import type { AnnouncedLike, FindPeerLike } from '../bootstrap/announcement-keeper.ts'
import type { KeyPair } from '../types.ts'

// The shapes of a HyperDHT node that the UDP plane is given: only what it uses.

/** A UDP socket of the node. The plane hands it on and looks at nothing in it. */
export interface UdpSocketLike {
  readonly bound: boolean
}

/** One leg of a relayed stream: a UDXStream. */
export interface RawStreamLike {
  readonly connected: boolean
  /** With headers, of all packets that came. */
  readonly bytesReceived: number
  on(event: 'error', fn: (error: Error) => void): unknown
  on(event: 'close', fn: () => void): unknown
  destroy(): void
}

/** An authenticated connection to this node: a NoiseSecretStream over UDX. */
export interface ConnectionLike {
  readonly remotePublicKey: Uint8Array | null
  readonly rawStream: unknown
  readonly destroyed: boolean
  on(event: 'error', fn: (error: Error) => void): unknown
  on(event: 'close', fn: () => void): unknown
  destroy(): void
}

/** Where a connection comes from; empty once its raw stream is gone. */
export function hostOf({ rawStream }: ConnectionLike): string {
  return (rawStream as { remoteHost?: string | null } | null)?.remoteHost ?? ''
}

/** What a dialling peer says of itself before it is let in. */
export interface KnockLike {
  udx: unknown
}

/** Announced anew where it has what that takes. */
export interface DhtServerLike extends Partial<AnnouncedLike> {
  listen(keyPair?: KeyPair): Promise<unknown>
  close(): Promise<void>
}

/** A HyperDHT node, version 6. */
export interface DhtLike extends Partial<FindPeerLike> {
  createServer(
    options: {
      firewall: (key: Uint8Array, knock: KnockLike, from: { host: string } | null) => boolean
    },
    onconnection: (connection: ConnectionLike) => void
  ): DhtServerLike
  createRawStream(options: {
    framed: boolean
    firewall: (socket: UdpSocketLike, port: number, host: string) => boolean
  }): RawStreamLike
}
