// The public side: a few nodes of a DHT, and the relay.
import { RelayServer } from '@cloudpal/relay/server'
import crypto from 'hypercore-crypto'
import createTestnet from 'hyperdht/testnet.js'
import { config, listen, say } from './processes.mjs'

/** @type {{ host: string, allow: string[] }} */
const { host, allow } = config()
const { bootstrap } = await createTestnet(4, { host })
const relay = new RelayServer({
  keyPair: crypto.keyPair(),
  allow: allow.map((key) => Buffer.from(key, 'hex')),
  tcp: { host }
})
await relay.ready()
const carried = async () => (await relay.metrics.relayedBytes.get()).values[0]?.value ?? 0
listen(() => void carried().then((bytes) => say({ carried: bytes })))
say({ relay: { bootstrap, key: Buffer.from(relay.publicKey).toString('hex'), port: relay.ports.tcp } })
