// A WebSocket to @hyperswarm/dht-relay, which speaks UDP to the receiver on behalf of the sender; non-custodial, so that it is blind too.
import RelayedDHT, { relay } from '@hyperswarm/dht-relay'
import Transport from '@hyperswarm/dht-relay/ws'
import { WebSocket, WebSocketServer } from 'ws'
import { HOST, node, portOf, RECEIVER, RELAY, SENDER, testnet } from './way.mjs'

/** @type {import('./way.mjs').Way} */
export const way = {
  async relay() {
    const info = await testnet()
    const dht = node(info, RELAY)
    const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false })
    let carried = 0
    server.on('connection', (socket) => {
      socket.on('message', (data) => (carried += /** @type {Buffer} */ (data).length))
      void relay(dht, new Transport(false, socket))
    })
    return { info: { ...info, port: await portOf(server) }, carried: () => carried }
  },
  async receive(info, onconnection) {
    await node(info, RECEIVER).createServer({}, onconnection).listen(RECEIVER)
    return {}
  },
  async dial({ port }) {
    const socket = new WebSocket(`ws://${HOST}:${port}`, { perMessageDeflate: false })
    await new Promise((resolve) => socket.once('open', () => resolve(undefined)))
    const dht = new RelayedDHT(new Transport(true, socket), { keyPair: SENDER, custodial: false })
    await dht.ready()
    return async () => dht.connect(RECEIVER.publicKey, { keyPair: SENDER })
  }
}
