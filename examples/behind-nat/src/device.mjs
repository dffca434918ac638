// A device with a database: one writes, the other, which has a `target`, reads. Both say which way their connection goes.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RelayClient } from '@cloudpal/relay'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import crypto from 'hypercore-crypto'
import HyperDHT from 'hyperdht'
import { config, listen, say } from './processes.mjs'

/** @type {{ seed: number, host: string, relay: { bootstrap: any[], key: string, port: number }, target?: string, bee?: string }} */
const { seed, host, relay, target, bee: beeKey } = config()
const directory = await mkdtemp(join(tmpdir(), 'behind-nat-'))
process.on('exit', () => void rm(directory, { recursive: true, force: true }))

const store = new Corestore(join(directory, 'store'))
const core =
  beeKey === undefined ? store.get({ name: 'bee' }) : store.get({ key: Buffer.from(beeKey, 'hex') })
/** @type {Hyperbee<string, string>} */
const bee = new Hyperbee(core, { keyEncoding: 'utf-8', valueEncoding: 'utf-8' })
await bee.ready()

const client = new RelayClient({
  keyPair: crypto.keyPair(Buffer.alloc(32, seed)),
  relays: [{ publicKey: Buffer.from(relay.key, 'hex'), tcp: { host, port: relay.port } }],
  dht: new HyperDHT({ bootstrap: relay.bootstrap })
})
/** @param {import('@cloudpal/relay').Connection} connection */
const replicate = (connection) => {
  connection.on('path', (path) => path !== null && say({ path: path.kind }))
  store.replicate(/** @type {never} */ (connection))
}
client.on('connection', replicate)
client.once('registered', () =>
  say({ ready: Buffer.from(/** @type {Uint8Array} */ (core.key)).toString('hex') })
)
await client.ready()

if (target !== undefined) replicate(client.connect(Buffer.from(target, 'hex')))

let written = 0
listen((word) => void (word === 'write' ? write() : read(word).then((value) => say({ read: value }))))

async function write() {
  const name = `note ${written++}`
  await bee.put(name, `written by device ${seed}`)
  say({ wrote: name })
}

/**
 * Waits until it is there.
 *
 * @param {string} name
 */
async function read(name) {
  for (;;) {
    const { length } = core
    const entry = length > 0 ? await bee.get(name) : null
    if (entry !== null) return entry.value
    if (core.length === length) await new Promise((resolve) => core.once('append', () => resolve(null)))
  }
}
