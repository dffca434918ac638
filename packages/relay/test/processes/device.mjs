// A device: listens and sends back what it gets; or, with a `target`, connects, and sees that so many bytes come back.
import HyperDHT from 'hyperdht'
import { config, fromHex, listen, say } from './process.mjs'

/** @type {{ seed: number, bootstrap: { host: string, port: number }[], relay: string | null, target: string | null, bytes: number }} */
const { seed, bootstrap, relay, target, bytes } = config()
const keyPair = HyperDHT.keyPair(Buffer.alloc(32, seed))
const node = new HyperDHT({ bootstrap, keyPair })
const relayThrough = relay === null ? null : fromHex(relay)
listen(() => {})

if (target === null) {
  const server = node.createServer({ relayThrough, shareLocalAddress: false }, (stream) => {
    stream.on('error', () => {})
    stream.on('data', (data) => stream.write(data))
  })
  await server.listen(keyPair)
  say({ listening: true })
} else {
  connect(fromHex(target))
}

/** @param {Buffer} publicKey */
function connect(publicKey) {
  const stream = node.connect(publicKey, { relayThrough })
  let left = bytes
  stream.on('error', (error) => {
    // On a machine that is busy hyperdht now and then opens one that carries nothing: punches that cross. Hyperswarm dials anew, too.
    if (error.code === 'ETIMEDOUT') connect(publicKey)
    else say({ failed: error.code ?? error.message })
  })
  stream.on('open', () => stream.write(Buffer.alloc(bytes)))
  stream.on('data', (data) => {
    left -= data.length
    if (left > 0) return
    const { remoteHost: host, remotePort: port } = stream.rawStream
    say({ carried: bytes, host, port })
  })
}
