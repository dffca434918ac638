import { udpPorts } from '../work/open-sockets.mjs'
import { node, RECEIVER, SENDER, testnet } from './way.mjs'

/** @type {import('./way.mjs').Way} */
export const way = {
  relay: async () => ({ info: await testnet() }),
  async receive(info, onconnection) {
    await node(info, RECEIVER).createServer({}, onconnection).listen(RECEIVER)
    return {}
  },
  async dial(info) {
    const dht = node(info, SENDER)
    await dht.fullyBootstrapped()
    return async () => dht.connect(RECEIVER.publicKey)
  },
  // The two ends may have picked different ones of a node's sockets, each where it heard the other first.
  wireOf(end) {
    const { rawStream } =
      /** @type {{ rawStream: import('hyperdht').RawStream & { bytesReceived: number } }} */ (
        /** @type {unknown} */ (end)
      )
    const { remotePort, bytesReceived } = rawStream
    return { localPorts: udpPorts(), remotePort, bytesReceived }
  }
}
