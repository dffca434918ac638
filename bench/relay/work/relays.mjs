// Relays beside the measured process, and what a client has to know of them.
import { HOST } from '../ways/way.mjs'
import { Beside } from './process.mjs'

/** @typedef {{ rss: number, held: number, registered: number, sessions: number, heldBytes: number }} RelayState bytes, and how many */
/** @typedef {import('@cloudpal/relay').RelayAddress} RelayAddress */

/**
 * @param {number} devices that it serves, from the first on
 * @param {number} number another key for each
 */
export async function startRelay(devices, number) {
  const relay = new Beside('./standing-relay.mjs', [String(devices), String(number)])
  const { ports, key } = await relay.next()
  const publicKey = Buffer.from(key, 'hex')
  return {
    relay,
    /** @returns {Promise<RelayState>} after a collection of garbage */
    state: () => relay.ask('state'),
    /** @type {RelayAddress} */
    address: { publicKey, tcp: { host: HOST, port: ports.tcp } },
    /** @type {RelayAddress} */
    ws: { publicKey, ws: `ws://${HOST}:${ports.ws}` }
  }
}
