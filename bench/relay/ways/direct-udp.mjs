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
  wireOf(end) {
    const { socket, remotePort, bytesReceived } = /** @type {{ rawStream: UdxStream }} */ (
      /** @type {unknown} */ (end)
    ).rawStream
    return { localPort: socket?.address()?.port, remotePort, bytesReceived }
  }
}

/** What is asked of udx-native's stream. @typedef {{ socket: { address(): { port: number } | null } | null, remotePort: number, bytesReceived: number }} UdxStream */
