// A relay for the smoke test, in Node: started with the public keys that it allows; says its key and port, and ends with its stdin.
import crypto from 'hypercore-crypto'
import { RelayServer } from '../../dist/server/index.js'

const keyPair = crypto.keyPair()
const allow = process.argv.slice(2).map((key) => Buffer.from(key, 'hex'))
const relay = new RelayServer({ keyPair, allow, tcp: { host: '127.0.0.1' } })
await relay.ready()
console.log(JSON.stringify({ key: keyPair.publicKey.toString('hex'), port: relay.ports.tcp }))
process.stdin.on('close', () => process.exit(0)).resume()
