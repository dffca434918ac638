// Our stream plane: the receiver keeps a registration at the relay, and neither side has another way.
import { RelayClient } from '@cloudpal/relay'
import { RelayServer } from '@cloudpal/relay/server'
import { HOST, RECEIVER, RELAY, SENDER } from './way.mjs'

/**
 * @param {'tcp' | 'ws'} transport
 * @returns {import('./way.mjs').Way}
 */
const through = (transport) => ({
  async relay() {
    const allow = [SENDER.publicKey, RECEIVER.publicKey]
    const server = new RelayServer({ keyPair: RELAY, allow, [transport]: { host: HOST } })
    await server.ready()
    const port = server.ports[transport]
    const address = transport === 'tcp' ? { tcp: { host: HOST, port } } : { ws: `ws://${HOST}:${port}` }
    const carried = async () => {
      const text = await server.metrics.registry.metrics()
      return [...text.matchAll(/^cloudpal_relay_bytes_total\S* ([\d.e+]+)/gm)].reduce(
        (sum, [, n]) => sum + Number(n),
        0
      )
    }
    return { info: address, carried }
  },
  async receive(info, onconnection) {
    const client = new RelayClient({ keyPair: RECEIVER, relays: [{ publicKey: RELAY.publicKey, ...info }] })
    client.on('connection', (connection) => onconnection(/** @type {any} */ (connection)))
    const registered = new Promise((resolve) => client.once('registered', resolve))
    await client.ready()
    await registered
    return {}
  },
  async dial(info) {
    const client = new RelayClient({ keyPair: SENDER, relays: [{ publicKey: RELAY.publicKey, ...info }] })
    await client.ready()
    return async () => /** @type {any} */ (client.connect(RECEIVER.publicKey))
  }
})

export const tcp = through('tcp')
export const ws = through('ws')
