// Two devices that know one relay by wss: and nothing else. Whom they trust stands in NODE_EXTRA_CA_CERTS.
import crypto from 'hypercore-crypto'
import { RelayClient } from '../../dist/index.js'
import { config, fromHex, listen, say } from './process.mjs'

/** @type {{ relay: string, url: string, seeds: string[] }} */
const { relay, url, seeds } = config()
const relays = [{ publicKey: fromHex(relay), ws: url }]
const [a, b] = seeds.map((seed) => new RelayClient({ keyPair: crypto.keyPair(fromHex(seed)), relays }))
b?.on('connection', (connection) => {
  connection.on('error', () => {})
  connection.on('data', (data) => connection.write(data))
})
b?.on('unregistered', (_, { code, cause }) => say({ code, cause: cause?.code ?? null }))
b?.once('registered', () => {
  const connection = a?.connect(b.publicKey)
  connection?.on('error', () => {})
  connection?.on('data', (data) => say({ heard: String(data), transport: connection.path?.transport }))
  connection?.write(Buffer.from('hello'))
  // What comes in afterwards is said again, so that a test sees that the connection lives.
  listen((word) => connection?.write(Buffer.from(word)))
})
await a?.ready()
await b?.ready()
