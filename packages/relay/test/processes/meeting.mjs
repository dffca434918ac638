// Inside world.sh: two devices want to meet, with a relay or without. Says what came of it, in one line of JSON.
import HyperDHT from 'hyperdht'
import { config, listen, Process, say } from './process.mjs'

const BYTES = 256 * 1024
const [A, B] = [1, 2]

/** @type {{ hasRelay: boolean }} */
const { hasRelay } = config()
listen(() => {})
const keyOf = (/** @type {number} */ seed) =>
  Buffer.from(HyperDHT.keyPair(Buffer.alloc(32, seed)).publicKey).toString('hex')

const relay = new Process('pub', 'relay.mjs', { host: '198.51.100.1', allow: [keyOf(A), keyOf(B)] })
const { bootstrap, key } = await relay.next()
const shared = { bootstrap, relay: hasRelay ? key : null, bytes: BYTES }
const b = new Process('b', 'device.mjs', { ...shared, seed: B, target: null })
await b.next()
const a = new Process('a', 'device.mjs', { ...shared, seed: A, target: keyOf(B) })
const outcome = await a.next()
relay.tell('stats')
say({ outcome, relayed: await relay.next() })
process.exit(0)
