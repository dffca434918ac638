import HyperDHT, { type DhtAddress, type DhtOptions } from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'
import Hyperswarm, { type HyperswarmOptions } from 'hyperswarm'
import { type CleanupOptions, testCleanup } from './cleanup.ts'

/** A DHT on this computer alone. */
export interface TestNetwork {
  readonly bootstrap: readonly DhtAddress[]
  /** A DHT node of its own, on 127.0.0.1. */
  createNode(options?: DhtOptions): HyperDHT
  /**
   * A swarm on a node of its own, which it owns. Both have the swarm's `keyPair`, so that who dials a
   * relay and who announces is one peer. Destroyed before the streams and stores.
   */
  createSwarm(options?: Omit<HyperswarmOptions, 'dht' | 'bootstrap'>): Hyperswarm
  /** Destroys the swarms, then the nodes. */
  destroy(): Promise<void>
}

/**
 * Starts a DHT of `size` nodes. It is destroyed last, after the stores.
 *
 * @param size - at least 1; 3 is enough to find each other
 */
export async function testnet(
  size = 3,
  { cleanup = testCleanup() }: CleanupOptions = {}
): Promise<TestNetwork> {
  const network = await createTestnet(size, { host: '127.0.0.1' })
  const swarms = new Set<Hyperswarm>()
  const destroySwarms = async (): Promise<void> => {
    await Promise.all([...swarms].map((swarm) => swarm.destroy()))
  }
  const destroy = async (): Promise<void> => {
    await destroySwarms()
    await network.destroy()
  }
  cleanup.defer('swarm', destroySwarms)
  cleanup.defer('network', destroy)

  return {
    bootstrap: network.bootstrap,
    createNode: (options) => network.createNode(options),
    createSwarm: ({ seed, keyPair = HyperDHT.keyPair(seed), ...options } = {}) => {
      const swarm = new Hyperswarm({ ...options, keyPair, dht: network.createNode({ keyPair }) })
      swarms.add(swarm)
      return swarm
    },
    destroy
  }
}
