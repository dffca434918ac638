import crypto from 'hypercore-crypto'
import { cannotListen } from '../cannot-listen.ts'
import type { RelayError } from '../errors.ts'
import type { Path } from '../paths/path.ts'
import { TcpPath } from '../paths/tcp-path.ts'
import { UdpPath } from '../paths/udp-path.ts'
import type { Terms } from '../session/greeting.ts'
import { listenTcp, type TcpListener } from '../sockets/sockets.ts'
import type { KeyPair } from '../types.ts'
import type { DhtLike, DhtServerLike } from '../dht.ts'
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
  /** It does not listen in the DHT: nobody finds it there. */
  onfailed(error: RelayError): void
}

/** Where others reach a device directly: a TCP port, which is announced on the local network, and a key in the DHT. Owns both. */
export class Listening {
  /** With which it listens in the DHT for paths of sessions; told to the other side of one only. */
  readonly pathKeyPair: KeyPair = crypto.keyPair()
  readonly #options: ListeningOptions
  #dhtServer: DhtServerLike | null = null
  #settled = false
  #closed = false
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

  /**
   * Resolves once it listens for TCP. Where UDP is blocked a node of the DHT needs seconds to find out, or does so never, and relays are there for just that: it
   * begins to listen in the DHT, and tells `onfailed` what came of it. Its key is told to others already, who try more than once.
   *
   * @throws RelayError `RELAY_CANNOT_LISTEN`
   */
  async open(): Promise<void> {
    const { listen = null, dht } = this.#options
    if (listen !== null) await this.#listen(listen)
    if (dht !== null && !this.#closed) void this.#listenUdp(dht)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unannounce?.()
    const [listener, server] = [this.#listener, this.#dhtServer]
    this.#listener = this.#dhtServer = this.#unannounce = null
    const left = server?.close().catch(() => {})
    // hyperdht's waits until it listens, which may be never: the node, which is the app's, ends it then.
    await Promise.all([listener?.close(), this.#settled ? left : null])
  }

  async #listen({ announce, ...at }: NonNullable<RelayClientOptions['listen']>): Promise<void> {
    const { publicKey, lan } = this.#options
    const listener = await listenTcp(at, (wire) => this.#take(new TcpPath(wire)))
    this.#listener = listener
    this.#unannounce = lan?.announce(publicKey, listener.port) ?? null
    const { host } = at
    this.#announced = announce ?? (host === undefined ? [] : [`${bracketed(host)}:${listener.port}`])
  }

  async #listenUdp(dht: DhtLike): Promise<void> {
    try {
      this.#dhtServer = dht.createServer({}, (stream) => this.#take(new UdpPath(stream)))
      await this.#dhtServer.listen(this.pathKeyPair)
    } catch (error) {
      this.#dhtServer = null
      if (!this.#closed) this.#options.onfailed(cannotListen('the DHT', error))
    } finally {
      this.#settled = true
    }
  }

  #take(path: Path): void {
    if (this.#closed) path.destroy()
    else this.#options.onpath(path)
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
