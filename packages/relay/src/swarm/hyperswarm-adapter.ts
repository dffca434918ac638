import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { DhtConnectOptions, DhtLike } from '../client/dht.ts'
import { RelayError } from '../errors.ts'
import type { Connection, KeyPair } from '../types.ts'

/** What of a Hyperswarm 4 is used; the private part is looked at here only. */
interface SwarmLike {
  readonly keyPair: KeyPair
  readonly destroyed: boolean
  readonly dht: DhtLike
  readonly server: { emit(event: 'connection', stream: unknown): boolean }
  destroy: (options?: object) => Promise<void>
  _handleFirewall(remotePublicKey: Uint8Array, payload: unknown): boolean
}

type Dial = (publicKey: Uint8Array, options: DhtConnectOptions) => Connection

/**
 * The places where a Hyperswarm dials, takes connections, and ends.
 *
 * It puts itself before `dht.connect`, which hyperswarm 4.17 calls with its own key pair, and before `destroy`; both are as they were after
 * `release`.
 */
export class SwarmAdapter {
  readonly #swarm: SwarmLike

  /** @throws RELAY_BAD_ARGUMENT for what is no Hyperswarm of version 4 */
  constructor(swarm: object) {
    const given = swarm as Partial<SwarmLike>
    const known =
      given.keyPair !== undefined &&
      typeof given.dht?.connect === 'function' &&
      typeof given.server?.emit === 'function' &&
      // oxlint-disable-next-line no-underscore-dangle -- upstream's own name
      typeof given._handleFirewall === 'function'
    if (!known) throw new RelayError('RELAY_BAD_ARGUMENT', 'this is no Hyperswarm of version 4')
    this.#swarm = swarm as SwarmLike
  }

  get keyPair(): KeyPair {
    return this.#swarm.keyPair
  }

  /** The node as it was, for direct connections. */
  get dht(): DhtLike {
    const { dht } = this.#swarm
    const connect = dht.connect.bind(dht)
    return {
      connect,
      createServer: (options, fn) => dht.createServer(options, fn),
      mutablePut: async (keyPair, value, options) => dht.mutablePut?.(keyPair, value, options),
      mutableGet: async (key, options) => (await dht.mutableGet?.(key, options)) ?? null
    }
  }

  /** The swarm's own firewall, and who it has banned. */
  refuses(remotePublicKey: Uint8Array): boolean {
    // oxlint-disable-next-line no-underscore-dangle -- upstream's own name
    return this.#swarm.destroyed || this.#swarm._handleFirewall(remotePublicKey, null)
  }

  /** A connection that came in: the swarm decides between it and others of the same device. */
  accept(connection: Connection): void {
    this.#swarm.server.emit('connection', connection)
  }

  /**
   * From now on this dials in the swarm's place.
   *
   * @param onend - called before the swarm ends
   * @returns what gives the places back
   */
  take(dial: Dial, onend: () => Promise<void>): () => void {
    const swarm = this.#swarm
    const { dht } = swarm
    const connect = dht.connect
    const destroy = swarm.destroy
    dht.connect = (publicKey, options = {}) =>
      options.keyPair === swarm.keyPair
        ? (dial(publicKey, options) as unknown as NoiseSecretStream)
        : connect.call(dht, publicKey, options)
    swarm.destroy = async (options) => {
      await onend()
      await destroy.call(swarm, options)
    }
    return () => {
      dht.connect = connect
      swarm.destroy = destroy
    }
  }
}
