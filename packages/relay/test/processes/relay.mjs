// The public side: a DHT of a few nodes, and a relay that knows the devices it is told.
import HyperDHT from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'
import { RelayPolicy } from '../../dist/policy/relay-policy.js'
import { UdpPlane } from '../../dist/udp/udp-plane.js'
import { config, fromHex, listen, say } from './process.mjs'

/** @type {{ host: string, allow: string[] }} */
const { host, allow } = config()
const { bootstrap } = await createTestnet(4, { host })
const node = new HyperDHT({ bootstrap, firewalled: false, ephemeral: false })
const policy = new RelayPolicy(node.defaultKeyPair.publicKey, { allow: allow.map(fromHex) })
const plane = new UdpPlane(node, policy)
await plane.ready()
const key = Buffer.from(node.defaultKeyPair.publicKey).toString('hex')
say({ bootstrap, key })
listen(() => {
  plane.sweep()
  say(plane.stats)
})
