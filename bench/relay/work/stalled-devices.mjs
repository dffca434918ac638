// Devices that are reachable, until their process is frozen.
import { RelayClient } from '@cloudpal/relay'
import { deviceOf, STALLED } from './standing.mjs'

const address = JSON.parse(process.argv[2] ?? '{}')
const relays = [{ ...address, publicKey: Buffer.from(address.publicKey.data) }]
const devices = Array.from({ length: STALLED }, (_, i) => new RelayClient({ keyPair: deviceOf(i), relays }))
await Promise.all(
  devices.map(async (device) => {
    const registered = new Promise((resolve) => device.once('registered', resolve))
    device.on('connection', (connection) => connection.resume())
    await device.ready()
    await registered
  })
)
process.once('disconnect', () => process.exit(0))
process.send?.('registered')
