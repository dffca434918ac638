import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { DhtConnectOptions, DhtLike } from '../dht.ts'
import { RelayError } from '../errors.ts'
import { SecretConnection } from '../session/secret-connection.ts'
import type { Connection, KeyPair } from '../types.ts'
import { takeDials } from './dht-dials.ts'

/** What of a Hyperswarm 4 is used; the private part is looked at here only. */
interface SwarmLike {
  readonly keyPair: KeyPair
  readonly destroyed: boolean
  readonly suspended: boolean
  readonly dht: DhtLike
  readonly server: { emit(event: 'connection', stream: unknown): boolean }
  destroy: (options?: object) => Promise<void>
  suspend: (options?: object) => Promise<void>
  resume: (options?: object) => Promise<void>
  _handleFirewall(remotePublicKey: Uint8Array, payload: unknown): boolean
}

const CALLS = ['destroy', 'suspend', 'resume'] as const
type SwarmCalls = Pick<SwarmLike, (typeof CALLS)[number]>

/** What stands in a swarm's places. */
export interface SwarmParts {
  /** @returns `null` where the swarm dials by itself */
  dial(publicKey: Uint8Array, options: DhtConnectOptions): Connection | null
  /** Called before the swarm ends. */
  end(): Promise<void>
  /** The app goes to the background, and comes back. */
  suspend(): void
  resume(): void
}

/** Swarms that somebody stands in for. */
const taken = new WeakSet<object>()

/**
 * The places where a Hyperswarm dials, takes connections, rests, and ends.
 *
 * It puts itself before `dht.connect`, which hyperswarm 4.17 calls with its own key pair, and before `suspend`, `resume` and `destroy`; all are as they were
 * after `release`, but for what somebody else has put before them since: that stays.
 */
export class SwarmAdapter {
  readonly #swarm: SwarmLike
  #release: () => void = () => {}
  #parts: SwarmParts | null = null
  #ending = false
  /** The node as it was, for direct connections. */
  readonly dht: DhtLike

  /** @throws RELAY_BAD_ARGUMENT for what is no Hyperswarm of version 4, and for one that was destroyed, or taken already */
  constructor(swarm: object) {
    const given = swarm as Partial<SwarmLike>
    const known =
      given.keyPair !== undefined &&
      typeof given.dht?.connect === 'function' &&
      typeof given.server?.emit === 'function' &&
      // oxlint-disable-next-line no-underscore-dangle -- upstream's own name
      typeof given._handleFirewall === 'function'
    if (!known) throw new RelayError('RELAY_BAD_ARGUMENT', 'this is no Hyperswarm of version 4')
    if (given.destroyed) throw new RelayError('RELAY_BAD_ARGUMENT', 'this swarm was destroyed')
    if (taken.has(swarm))
      throw new RelayError('RELAY_BAD_ARGUMENT', 'this swarm has a client already: close that one first')
    this.#swarm = swarm as SwarmLike
    taken.add(swarm)
    const { dht } = this.#swarm
    const dials = takeDials(dht, this.#swarm.keyPair, (publicKey, options) => this.#dial(publicKey, options))
    this.dht = {
      connect: dials.connect,
      createServer: (options, fn) => dht.createServer(options, fn),
      on: (event, fn) => dht.on?.(event, fn),
      off: (event, fn) => dht.off?.(event, fn),
      mutablePut: async (keyPair, value, options) => dht.mutablePut?.(keyPair, value, options),
      mutableGet: async (key, options) => (await dht.mutableGet?.(key, options)) ?? null
    }
    this.#release = () => {
      dials.release()
      taken.delete(swarm)
    }
  }

  get suspended(): boolean {
    return this.#swarm.suspended
  }

  get keyPair(): KeyPair {
    return this.#swarm.keyPair
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

  /** From now on these stand in the swarm's places. */
  take(parts: SwarmParts): void {
    this.#parts = parts
    const swarm = this.#swarm
    const { destroy, suspend, resume } = swarm
    const before: SwarmCalls = { destroy, suspend, resume }
    const own: SwarmCalls = {
      destroy: async (options) => {
        this.#ending = true
        try {
          await this.#parts?.end()
        } finally {
          await destroy.call(swarm, options)
        }
      },
      suspend: async (options) => {
        this.#parts?.suspend()
        await suspend.call(swarm, options)
      },
      resume: async (options) => {
        await resume.call(swarm, options)
        this.#parts?.resume()
      }
    }
    Object.assign(swarm, own)
    const release = this.#release
    this.#release = () => {
      release()
      for (const name of CALLS) if (swarm[name] === own[name]) swarm[name] = before[name]
    }
  }

  /** Gives the places back; once. */
  release(): void {
    this.#parts = null
    this.#release()
    this.#release = () => {}
  }

  #dial(publicKey: Uint8Array, options: DhtConnectOptions): NoiseSecretStream {
    const { dht } = this
    if (this.#ending) return this.#refused(publicKey)
    return (this.#parts?.dial(publicKey, options) ?? dht.connect(publicKey, options)) as NoiseSecretStream
  }

  /** Nobody catches what is thrown where a swarm dials: from timers, and where a connection closes. */
  #refused(remotePublicKey: Uint8Array): NoiseSecretStream {
    const connection = new SecretConnection(true, this.keyPair.publicKey, remotePublicKey)
    connection.destroy(new RelayError('RELAY_CLOSED', 'the swarm is being destroyed'))
    return connection
  }
}
