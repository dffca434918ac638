// A WebSocket to @hyperswarm/dht-relay, which speaks UDP to the receiver in the sender's place. The key stays with the sender (`custodial` is false, as by default).
import DHTNode, { relay } from '@hyperswarm/dht-relay'
import Stream from '@hyperswarm/dht-relay/ws'
import HyperDHT from 'hyperdht'
import { WebSocket, WebSocketServer } from 'ws'
import { HOST, node, portOf, RECEIVER, SENDER, testnet } from './way.mjs'

/**
 * hyperdht asks two nodes for the receiver at once, and takes the first answer (lib/connect.js, connectThroughNode): while the handshake is its own, the second
 * finds it done. dht-relay's is at the other end of a WebSocket: the second answer reaches it before the first is through, and the handshake that gets a second
 * message throws. Both have the same bytes, so here the second is left out.
 */
class FirstAnswers extends HyperDHT {
  /** @override @param {Uint8Array | string} key @param {import('hyperdht').ConnectOptions & { createHandshake?: Make | null }} [options] */
  connect(key, { createHandshake, ...options } = {}) {
    if (!createHandshake) return super.connect(key, options)
    const first = (/** @type {Parameters<Make>} */ ...args) => answeredOnce(createHandshake(...args))
    return super.connect(key, /** @type {object} */ ({ ...options, createHandshake: first }))
  }
}

/** @typedef {{ recv(message: Uint8Array): Promise<unknown> }} Handshake */
/** @typedef {(...args: readonly unknown[]) => Handshake} Make */

/** @param {Handshake} handshake */
function answeredOnce(handshake) {
  const recv = handshake.recv.bind(handshake)
  let isAnswered = false
  handshake.recv = async (message) => {
    if (isAnswered) return null
    isAnswered = true
    return recv(message)
  }
  return handshake
}

/** @type {import('./way.mjs').Way} */
export const way = {
  async relay() {
    const { bootstrap } = await testnet()
    const dht = new FirstAnswers({ bootstrap, host: HOST })
    await dht.fullyBootstrapped()
    const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false })
    /** @type {import('node:net').Socket[]} */
    const sockets = []
    server.on('connection', (socket, request) => {
      sockets.push(request.socket)
      relay(dht, new Stream(false, socket)).catch(() => {})
    })
    const port = await portOf(server)
    return {
      info: { bootstrap, port },
      carried: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0)
    }
  },
  async receive(info, onconnection) {
    await node(info, RECEIVER).createServer({}, onconnection).listen(RECEIVER)
    return {}
  },
  async dial({ port }) {
    const socket = new WebSocket(`ws://${HOST}:${port}`, { perMessageDeflate: false })
    const dht = new DHTNode(new Stream(true, socket), { keyPair: SENDER })
    await dht.ready()
    return async () => dht.connect(RECEIVER.publicKey)
  }
}
