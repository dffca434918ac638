// Addresses where somebody takes what comes, and says nothing.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { HOST, portOf } from '../ways/way.mjs'

/** Over TCP: connections open, and that is all. @param {number} count @returns {Promise<string[]>} host:port */
export async function silentAddresses(count) {
  const servers = Array.from({ length: count }, () =>
    createServer((socket) => void socket.on('error', () => {})).listen(0, HOST)
  )
  for (const server of servers) server.unref()
  return (await Promise.all(servers.map(portOf))).map((port) => `${HOST}:${port}`)
}

/** Over UDP: as in a network that drops it. */
export async function silentUdp() {
  const socket = createSocket('udp4').unref()
  await new Promise((resolve) => socket.bind(0, HOST, () => resolve(undefined)))
  return { host: HOST, port: socket.address().port }
}
