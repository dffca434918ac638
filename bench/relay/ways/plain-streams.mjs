// Nothing in between: Noise over a TCP connection, or over a WebSocket.
import { connect, createServer } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws'
import { HOST, portOf } from './way.mjs'

const nothing = async () => ({ info: {}, carried: () => 0 })

/** @param {boolean} isInitiator @param {import('node:stream').Duplex} stream */
const noise = (isInitiator, stream) =>
  new NoiseSecretStream(
    isInitiator,
    /** @type {import('@hyperswarm/secret-stream').DuplexStream} */ (/** @type {unknown} */ (stream))
  )

/** @type {import('./way.mjs').Way} */
export const tcp = {
  relay: nothing,
  async receive(_, onconnection) {
    const server = createServer((socket) => onconnection(noise(false, socket))).listen(0, HOST)
    return { port: await portOf(server) }
  },
  dial:
    async (_, { port }) =>
    async () =>
      noise(true, connect(port, HOST))
}

/** @type {import('./way.mjs').Way} */
export const ws = {
  relay: nothing,
  async receive(_, onconnection) {
    const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false })
    server.on('connection', (socket) => onconnection(noise(false, createWebSocketStream(socket))))
    return { port: await portOf(server) }
  },
  dial:
    async (_, { port }) =>
    async () => {
      const socket = new WebSocket(`ws://${HOST}:${port}`, { perMessageDeflate: false })
      return noise(true, createWebSocketStream(socket))
    }
}
