// Nothing in between: Noise over a TCP connection, or over a WebSocket.
import { connect, createServer } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws'
import { HOST, portOf } from './way.mjs'

const nothing = async () => ({ info: {} })

/** @type {WeakMap<object, import('node:net').Socket>} by the end above it */
const sockets = new WeakMap()

/** @param {import('./way.mjs').End} end @returns {import('./way.mjs').Wire} */
function wireOf(end) {
  const socket = sockets.get(end)
  if (socket === undefined) throw new Error('a connection without a socket')
  return { localPorts: [socket.localPort], remotePort: socket.remotePort, bytesReceived: socket.bytesRead }
}

/** @param {boolean} isInitiator @param {import('node:stream').Duplex} stream */
const noise = (isInitiator, stream) =>
  new NoiseSecretStream(
    isInitiator,
    /** @type {import('@hyperswarm/secret-stream').DuplexStream} */ (/** @type {unknown} */ (stream))
  )

/** @param {boolean} isInitiator @param {import('node:net').Socket} socket */
function overTcp(isInitiator, socket) {
  const end = noise(isInitiator, socket)
  sockets.set(end, socket)
  return end
}

/** @type {import('./way.mjs').Way} */
export const tcp = {
  relay: nothing,
  async receive(_, onconnection) {
    const server = createServer((socket) => onconnection(overTcp(false, socket))).listen(0, HOST)
    return { port: await portOf(server) }
  },
  dial:
    async (_, { port }) =>
    async () =>
      overTcp(true, connect(port, HOST)),
  wireOf
}

/** @type {import('./way.mjs').Way} */
export const ws = {
  relay: nothing,
  async receive(_, onconnection) {
    const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false })
    server.on('connection', (socket, request) => {
      const end = noise(false, createWebSocketStream(socket))
      sockets.set(end, request.socket)
      onconnection(end)
    })
    return { port: await portOf(server) }
  },
  dial:
    async (_, { port }) =>
    async () => {
      const socket = new WebSocket(`ws://${HOST}:${port}`, { perMessageDeflate: false })
      const end = noise(true, createWebSocketStream(socket))
      socket.once('upgrade', (response) => sockets.set(end, response.socket))
      return end
    },
  wireOf
}
