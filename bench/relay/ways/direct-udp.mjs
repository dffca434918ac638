import { node, RECEIVER, SENDER, testnet } from './way.mjs'

/** @type {import('./way.mjs').Way} */
export const way = {
  relay: async () => ({ info: await testnet(), carried: () => 0 }),
  async receive(info, onconnection) {
    await node(info, RECEIVER).createServer({}, onconnection).listen(RECEIVER)
    return {}
  },
  async dial(info) {
    const dht = node(info, SENDER)
    await dht.fullyBootstrapped()
    return async () => dht.connect(RECEIVER.publicKey)
  }
}
