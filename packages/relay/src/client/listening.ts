import crypto from 'hypercore-crypto'
import type { Path } from '../paths/path.ts'
import { TcpPath } from '../paths/tcp-path.ts'
import { UdpPath } from '../paths/udp-path.ts'
import type { Terms } from '../session/greeting.ts'
import { listenTcp, type TcpListener } from '../sockets/sockets.ts'
import type { KeyPair } from '../types.ts'
import type { DhtLike, DhtServerLike } from './dht.ts'
import type { LanLike } from './find-on-lan.ts'
import type { RelayClientOptions } from './options.ts'

/** Where a device listens. */
export interface ListeningOptions {
  readonly publicKey: Uint8Array
  readonly listen: RelayClientOptions['listen']
  readonly dht: DhtLike | null
  readonly lan: LanLike | null
  /** Somebody has come. */
  onpath(path: Path): void
}

/** Where others reach a device directly: a TCP port, which is announced on the local network, and a key in the DHT. Owns both. */
export class Listening {
  /** With which it listens in the DHT for paths of sessions; told to the other side of one only. */
  readonly pathKeyPair: KeyPair = crypto.keyPair()
  readonly #options: ListeningOptions
  #dhtServer: DhtServerLike | null = null
  #listener: TcpListener | null = null
  #unannounce: (() => void) | null = null
  #announced: readonly string[] = []

  constructor(options: ListeningOptions) {
    this.#options = options
  }

  /** Of the TCP listener; `null` where there is none. */
  get port(): number | null {
    return this.#listener?.port ?? null
  }

  /** What is told to those who have proven who they are. */
  get candidates(): Terms['candidates'] {
    const udp = this.#dhtServer === null ? new Uint8Array(0) : this.pathKeyPair.publicKey
    return { tcp: this.#announced, udp }
  }

  async open(): Promise<void> {
    const { listen = null, dht } = this.#options
    try {
      if (listen !== null) await this.#listen(listen)
      if (dht !== null) await this.#listenUdp(dht)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#unannounce?.()
    const [listener, server] = [this.#listener, this.#dhtServer]
    this.#listener = this.#dhtServer = this.#unannounce = null
    await Promise.all([listener?.close(), server?.close()])
  }

  async #listen({ announce, ...at }: NonNullable<RelayClientOptions['listen']>): Promise<void> {
    const { publicKey, lan } = this.#options
    const listener = await listenTcp(at, (wire) => this.#options.onpath(new TcpPath(wire)))
    this.#listener = listener
    this.#unannounce = lan?.announce(publicKey, listener.port) ?? null
    const { host } = at
    this.#announced = announce ?? (host === undefined ? [] : [`${bracketed(host)}:${listener.port}`])
  }

  async #listenUdp(dht: DhtLike): Promise<void> {
    this.#dhtServer = dht.createServer({}, (stream) => this.#options.onpath(new UdpPath(stream)))
    await this.#dhtServer.listen(this.pathKeyPair)
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
