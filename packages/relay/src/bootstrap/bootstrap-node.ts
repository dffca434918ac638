import type HyperDHT from 'hyperdht'
import ReadyResource from 'ready-resource'
import { RelayError } from '../errors.ts'
import type { KeyPair } from '../types.ts'
import type { DhtLike } from '../udp/dht.ts'
import { listening } from './listening-node.ts'
import { loaded } from './loaded.ts'

/** Options of a {@link BootstrapNode}. */
export interface BootstrapNodeOptions {
  /** What others reach this machine by: IPv4, not 0.0.0.0. It must be said, since there is nobody else who could tell. */
  host: string
  /** UDP. A fixed one: devices have it in their configuration. */
  port: number
  /** The interface to listen on. @defaultValue all */
  bindHost?: string
  /** Ed25519. Dials, and is what a {@link UdpPlane} on this node answers to. @defaultValue random */
  keyPair?: KeyPair
}

/**
 * The first node of a DHT of one's own: devices that have `address` as their only bootstrap find each other without a public node.
 *
 * It is a HyperDHT node that knows nobody, and can carry the UDP plane too. What devices announce is kept in memory: after a restart they have to announce
 * themselves again, which {@link AnnouncementKeeper} sees to. It serves whoever reaches its port, as every DHT node does; what it learns is who looks for
 * which key from where, and never what they say.
 *
 * Owns its node.
 */
export class BootstrapNode extends ReadyResource {
  readonly #options: { host: string; keyPair?: KeyPair }
  #node: HyperDHT | null = null
  /** What devices put into `bootstrap`. */
  readonly address: { readonly host: string; readonly port: number }

  /** @throws RelayError `RELAY_BAD_ARGUMENT`; `ready()` throws `RELAY_CANNOT_LISTEN`, and `RELAY_UNSUPPORTED_UPSTREAM` without hyperdht */
  constructor({ host, port, bindHost = '0.0.0.0', keyPair }: BootstrapNodeOptions) {
    super()
    if (!isIPv4(host) || host === '0.0.0.0' || !Number.isInteger(port) || port < 1 || port > 65_535) {
      const help = 'a bootstrap node needs the IPv4 address that others reach it by, and a port'
      throw new RelayError('RELAY_BAD_ARGUMENT', help)
    }
    this.address = { host, port }
    this.#options = { host: bindHost, ...(keyPair && { keyPair }) }
  }

  /**
   * Of hyperdht. Belongs to this object; there once it is open.
   *
   * @throws RelayError `RELAY_BAD_ARGUMENT` before that
   */
  get node(): DhtLike {
    if (this.#node === null)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a bootstrap node has to be ready first')
    return this.#node
  }

  protected override async _open(): Promise<void> {
    const { host, port } = this.address
    const { default: Node } = await loaded(() => import('hyperdht'))
    const node = Node.bootstrapper(port, host, this.#options)
    this.#node = await listening(node, `${this.#options.host}, UDP port ${port}`)
    // It knows nobody whom it would have to wait for.
    await this.#node.fullyBootstrapped()
  }

  protected override async _close(): Promise<void> {
    await this.#node?.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function isIPv4(host: string): boolean {
  const parts = host.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
}
