// The public side: a small DHT in place of the public one, and the person’s always-on peer with the relay.
import { RelayServer } from '@cloudpal/relay/server'
import HyperDHT from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'
import { fromHex, serve, settings, toHex } from '@cloudpal/test-kit/serve'

/** @typedef {typeof commands} Commands */

/** @type {{ host: string, devices: string[] }} */
const { host, devices } = settings()
const network = createTestnet(4, { host })
const relay = new RelayServer({ keyPair: HyperDHT.keyPair(), allow: devices.map(fromHex), tcp: {} })

const commands = {
  /** Where devices find the DHT and the relay. */
  async addresses() {
    await relay.ready()
    const { bootstrap } = await network
    return { bootstrap, relay: toHex(relay.publicKey), tcp: { host, port: relay.ports.tcp ?? 0 } }
  },

  /** What it carries now, and has carried. */
  async usage() {
    const { values } = await relay.metrics.relayedBytes.get()
    return { sessions: relay.sessions, bytes: values.reduce((sum, { value }) => sum + value, 0) }
  }
}

serve(commands)
