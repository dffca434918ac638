// A relay for many devices, in a process of its own. Says where it is, and whenever it is asked what it holds.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RelayServer } from '@cloudpal/relay/server'
import crypto from 'hypercore-crypto'
import { deviceOf, RELAY_SEED } from './standing.mjs'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')
const count = Number(process.argv[2])
const relay = new RelayServer({
  keyPair: crypto.keyPair(Buffer.alloc(32, RELAY_SEED + Number(process.argv[3]))),
  allow: Array.from({ length: count }, (_, i) => deviceOf(i).publicKey),
  tcp: { host: '127.0.0.1' },
  unknownPerAddress: 1_000
})
await relay.ready()
process.on('message', () => {
  collectGarbage()
  process.send?.({ rss: process.memoryUsage().rss, registered: relay.registered })
})
process.once('disconnect', () => process.exit(0))
process.send?.({ port: relay.ports.tcp, key: Buffer.from(relay.publicKey).toString('hex') })
