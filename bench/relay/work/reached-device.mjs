// A device that can be reached in every way there is: by its key in the DHT, at an address, and at a relay.
import { RelayClient } from '@cloudpal/relay'
import { HOST, node } from '../ways/way.mjs'
import { deviceOf } from './standing.mjs'

const { bootstrap, address } = JSON.parse(process.argv[2] ?? '{}')
const keyPair = deviceOf(1)
const dht = node({ bootstrap }, keyPair)
const ends = dht.createServer({}, (stream) => {
  stream.on('error', () => {})
  stream.on('end', () => stream.end())
  stream.resume()
})
await ends.listen(keyPair)
const relays = [{ ...address, publicKey: Buffer.from(address.publicKey, 'hex') }]
const device = new RelayClient({ keyPair, relays, dht, listen: { host: HOST } })
device.on('connection', (connection) => {
  connection.on('end', () => connection.end())
  connection.resume()
})
const registered = new Promise((resolve) => device.once('registered', resolve))
await device.ready()
await registered
process.once('disconnect', () => process.exit(0))
process.send?.({ port: device.port })
