// UDP through a relay that speaks blind-relay, ours or the bare one: both halves are asked for as hyperdht asks, and no direct path is ever tried.
import NoiseSecretStream from '@hyperswarm/secret-stream'
import { Client, Server, token } from 'blind-relay'
import { node, RECEIVER, RELAY, SENDER, testnet } from './way.mjs'

/** @type {() => Promise<import('./way.mjs').Relay>} */
async function bareRelay() {
  const info = await testnet()
  const dht = node(info, RELAY, { ephemeral: false, firewalled: false })
  /** @type {import('hyperdht').RawStream[]} */
  const legs = []
  const relay = new Server({
    createStream: (options) => {
      const leg = dht.createRawStream({ ...options, framed: true })
      legs.push(leg)
      return leg
    }
  })
  await dht
    .createServer({}, (stream) => {
      stream.on('error', () => {})
      relay.accept(stream, { id: stream.remotePublicKey }).on('error', () => {})
    })
    .listen(RELAY)
  return { info, carried: () => legs.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0) }
}

/** @type {() => Promise<import('./way.mjs').Relay>} */
async function ourRelay() {
  const { RelayPolicy, UdpPlane } = await import('@cloudpal/relay/server')
  const info = await testnet()
  const policy = new RelayPolicy(RELAY.publicKey, { allow: [SENDER.publicKey, RECEIVER.publicKey] })
  const plane = new UdpPlane(node(info, RELAY, { ephemeral: false, firewalled: false }), policy)
  await plane.ready()
  return {
    info,
    carried: () => {
      plane.sweep()
      return plane.stats.carriedBytes
    }
  }
}

/**
 * @param {import('hyperdht').default} dht
 * @param {boolean} isInitiator
 * @param {Uint8Array} secret
 * @returns {Promise<import('./way.mjs').End>}
 */
function half(dht, isInitiator, secret) {
  const control = dht.connect(RELAY.publicKey)
  control.on('error', () => {})
  const raw = dht.createRawStream({ framed: true })
  return new Promise((resolve, reject) => {
    const request = Client.from(control, { id: control.publicKey }).pair(isInitiator, secret, raw)
    request.on('error', reject)
    request.on('data', (remoteId) => {
      const { socket, remotePort, remoteHost } = /** @type {import('hyperdht').RawStream} */ (
        control.rawStream
      )
      if (socket === null || remoteHost === null) return
      raw.connect(socket, remoteId, remotePort, remoteHost)
      raw.trySend(new Uint8Array(0))
      raw.on('close', () => control.destroy())
      resolve(new NoiseSecretStream(isInitiator, raw))
    })
  })
}

/** @type {import('hyperdht').default} */
let receiver

/** @param {() => Promise<import('./way.mjs').Relay>} relay @returns {import('./way.mjs').Way} */
const through = (relay) => ({
  relay,
  async receive(info) {
    receiver = node(info, RECEIVER)
    await receiver.fullyBootstrapped()
    return {}
  },
  async dial(info, _, tell) {
    const dht = node(info, SENDER)
    await dht.fullyBootstrapped()
    return async () => {
      const secret = token()
      tell(Buffer.from(secret).toString('hex'))
      return half(dht, true, secret)
    }
  },
  told: (secret, onconnection) => {
    half(receiver, false, Buffer.from(secret, 'hex')).then(onconnection, () => {})
  }
})

export const ours = through(ourRelay)
export const bare = through(bareRelay)
