import HyperDHT from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'

export const HOST = '127.0.0.1'

/**
 * One way from a sender to a receiver. Each of its functions runs in a process of its own, and may keep what it opens: the process ends with the measurement.
 *
 * @typedef {import('@hyperswarm/secret-stream').DuplexStream & { opened: Promise<boolean> }} End
 *
 * @typedef {object} Relay
 * @property {object} info for the other two, as JSON has it
 * @property {() => number | Promise<number>} [carried] bytes that went through this process; when left out it carries none
 *
 * @typedef {object} Way
 * @property {() => Promise<Relay>} relay what is in between, or only what helps to find each other
 * @property {(info: any, onconnection: (end: End) => void) => Promise<object>} receive gives what the sender has to know
 * @property {(info: any, address: any, tell: (word: string) => void) => Promise<() => Promise<End>>} dial gives what makes a connection, encrypted from end to
 *   end, and may tell the receiver something
 * @property {(word: string, onconnection: (end: End) => void) => void} [told] what the receiver does then
 * @property {(end: End) => Wire} [wireOf] where nothing is in between, what the socket below this end says
 *
 * @typedef {object} Wire
 * @property {readonly (number | undefined)[]} localPorts
 * @property {number | undefined} remotePort
 * @property {number} bytesReceived
 */

/** @param {number} n */
const keyPair = (n) => HyperDHT.keyPair(Buffer.alloc(32, n))
export const [SENDER, RECEIVER, RELAY] = [keyPair(1), keyPair(2), keyPair(3)]

/**
 * @param {{ bootstrap: import('hyperdht').DhtAddress[] }} info
 * @param {import('hypercore-crypto').KeyPair} keys
 * @param {import('hyperdht').DhtOptions} [options]
 */
export const node = ({ bootstrap }, keys, options = {}) =>
  new HyperDHT({ bootstrap, host: HOST, keyPair: keys, ...options })

/**
 * A DHT of so many nodes. With three, a device finds fewer than the three that hyperdht asks for its own address (`_minSamples` and `_updateFirewall` of its
 * lib/nat.js): the side that listens then gives up punching, and with it the stream, while the side that dials has found the way by the local address and
 * opened it. Nine of twelve connections were open and carried nothing.
 */
export async function testnet(nodes = 6) {
  const { bootstrap } = await createTestnet(nodes, { host: HOST })
  return { bootstrap }
}

/** @param {import('node:net').Server | import('ws').WebSocketServer} server */
export async function portOf(server) {
  await new Promise((resolve) => server.once('listening', () => resolve(undefined)))
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}
