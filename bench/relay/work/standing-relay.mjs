// A relay for many devices, in a process of its own. Says where it is, and whenever it is asked what it holds.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RelayServer } from '@cloudpal/relay/server'
import crypto from 'hypercore-crypto'
import { HOST } from '../ways/way.mjs'
import { deviceOf, RELAY_SEED } from './standing.mjs'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')
const count = Number(process.argv[2])
const relay = new RelayServer({
  keyPair: crypto.keyPair(Buffer.alloc(32, RELAY_SEED + Number(process.argv[3]))),
  allow: Array.from({ length: count }, (_, i) => deviceOf(i).publicKey),
  tcp: { host: HOST },
  ws: { host: HOST },
  unknownPerAddress: 1_000
})
await relay.ready()
process.on('message', () => {
  // Twice: what finalizers have let go of goes with the second.
  collectGarbage()
  setImmediate(() => {
    collectGarbage()
    const { rss, heapUsed, external } = process.memoryUsage()
    const { registered, sessions, heldBytes } = relay
    process.send?.({ rss, held: heapUsed + external, registered, sessions, heldBytes })
  })
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ports: relay.ports, key: Buffer.from(relay.publicKey).toString('hex') })
