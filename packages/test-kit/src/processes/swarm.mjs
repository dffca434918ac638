import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'

/**
 * A place on a network of this computer. An app on the real one needs none of these options: `new Hyperswarm()`. Here nothing leaves the computer.
 *
 * @param {readonly { host: string, port: number }[]} bootstrap of the DHT
 * @returns {Hyperswarm}
 */
export function localSwarm(bootstrap) {
  const keyPair = HyperDHT.keyPair()
  const local = { host: '127.0.0.1', firewalled: false, bootstrap }
  return new Hyperswarm({ keyPair, dht: new HyperDHT({ keyPair, ...local }) })
}
