// A device that sends whatever its socket takes, as no client of ours does: for what a relay holds at most.
import { dialRelayWire } from '../../../packages/relay/dist/addresses/dial-relay-wire.js'
import { RelayLink } from '../../../packages/relay/dist/paths/relay-link.js'
import { inTime } from './in-time.mjs'

const CHUNK = Buffer.alloc(64 * 1024)

/** @typedef {import('@cloudpal/relay').RelayAddress} RelayAddress */
/** @typedef {{ publicKey: Uint8Array, secretKey: Uint8Array }} KeyPair */

/**
 * @param {RelayAddress} relay
 * @param {KeyPair} keyPair
 * @param {Uint8Array} target that is registered there
 * @returns {Promise<() => void>} once it is joined to the target: begins to send, without end
 */
export async function greedySender(relay, keyPair, target) {
  /** @type {RelayLink | undefined} */
  let link
  const opened = new Promise((resolve, reject) => {
    const events = { onwelcome: () => link?.open(target), onopened: () => resolve(null), onclose: reject }
    link = new RelayLink(dialRelayWire(relay), { keyPair, relay: relay.publicKey, grant: null }, events)
  })
  await inTime(opened, 'a greedy sender is not joined')
  const send = () => {
    while (link?.send([CHUNK]) === true);
  }
  return () => {
    link?.start({ onmessage: () => {}, ondrain: send, onclose: () => {} })
    send()
  }
}
