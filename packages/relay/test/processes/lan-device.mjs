// A device on a local network: announces where it awaits Noise; with a `target`, finds it and connects. With `label` it is an impostor, which repeats what the
// target announced.
import { connect, createServer } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import makeMdns from 'multicast-dns'
import { LanDiscovery } from '../../dist/lan/index.js'
import { config, fromHex, listen, say } from './process.mjs'

/** @type {{ seed: number, address: string, target: string | null, isImpostor?: boolean }} */
const { seed, address, target, isImpostor = false } = config()
const keyPair = NoiseSecretStream.keyPair(Buffer.alloc(32, seed))
const lan = new LanDiscovery()
await lan.ready()
listen(() => void lan.close().then(() => process.exit(0)))

if (isImpostor) await impersonate()
else if (target === null) await serve((port) => lan.announce(keyPair.publicKey, port))
else lan.find(fromHex(target), ({ host, port }) => meet(host, port))

/** @param {(port: number) => void} onlistening */
async function serve(onlistening) {
  const server = createServer((socket) => {
    const noise = new NoiseSecretStream(false, socket, { keyPair, pattern: 'IK' })
    noise.on('error', () => {})
    noise.on('open', () => noise.write(Buffer.from('hello from the one you know')))
  })
  await new Promise((resolve) => server.listen(0, address, () => resolve(undefined)))
  onlistening(/** @type {import('node:net').AddressInfo} */ (server.address()).port)
  say({ announced: true })
}

async function impersonate() {
  const mdns = makeMdns({ interface: address, bind: '0.0.0.0' })
  /** @type {object[]} */
  let heard = []
  mdns.on('response', ({ answers }) => (heard = answers))
  mdns.query('_cloudpal-relay._tcp.local', 'PTR')
  while (heard.length === 0) await new Promise((resolve) => mdns.once('response', resolve))
  await serve((port) => {
    const answers = heard.map((answer) =>
      answer.type === 'SRV' ? { ...answer, data: { ...answer.data, port } } : answer
    )
    mdns.on('query', () => mdns.respond({ answers }))
    mdns.respond({ answers })
  })
}

/**
 * @param {string} host
 * @param {number} port
 */
function meet(host, port) {
  const remotePublicKey = fromHex(/** @type {string} */ (target))
  const noise = new NoiseSecretStream(true, connect(port, host), { keyPair, remotePublicKey, pattern: 'IK' })
  noise.on('error', () => {})
  noise.on('close', () => say({ at: host, refused: true }))
  noise.on('data', (data) => say({ at: host, said: data.toString() }))
}
