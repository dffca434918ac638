// A device that hears what is said to it, until it is told to end.
import crypto from 'hypercore-crypto'
import { RelayClient } from '../../dist/index.js'
import { config, fromHex, listen, say } from './process.mjs'

/** @type {{ relay: string, url: string, seed: string }} */
const { relay, url, seed } = config()
const device = new RelayClient({
  keyPair: crypto.keyPair(fromHex(seed)),
  relays: [{ publicKey: fromHex(relay), ws: url }]
})
/** The last few chunks, which it has in its memory as an app would. @type {Uint8Array[]} */
const heard = []
let bytes = 0
device.on('connection', (connection) => {
  connection.on('error', () => {})
  connection.on('data', (data) => {
    heard.push(data)
    if (heard.length > 100) heard.shift()
    bytes += data.length
  })
})
device.once('registered', () => say({ registered: true }))
listen(() => say({ bytes }))
await device.ready()
