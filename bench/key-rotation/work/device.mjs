// One device in a process of its own, which does what its parent says. It tells when it knows the device at the other end of a connection, when
// that one’s blocks come, and when it has closed it.
import { createServer, connect } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import { createKeyPair, IdentityMemory } from '@cloudpal/key-rotation'
import { coreMemory } from '@cloudpal/key-rotation/hypercore'
import { Authenticator } from '@cloudpal/key-rotation/protomux'
import Corestore from 'corestore'

/** @typedef {{ command: 'open', dir: string, identity: string, chain: string, seed: string }
 *   | { command: 'meet', ports: number[] } | { command: 'follow', key: string } | { command: 'write' }} Order */

/** @type {{ store: Corestore, memory: IdentityMemory, authenticator: Authenticator } | null} */
let device = null
/** @type {NodeJS.Timeout | null} */
let writing = null

process.once('disconnect', () => process.exit(0))
process.on('message', (/** @type {Order} */ order) => void obey(order))

/** @param {Order} order */
async function obey(order) {
  if (order.command === 'open') return open(order)
  const { store } = opened()
  if (order.command === 'meet') for (const port of order.ports) void greet(true, connect(port, '127.0.0.1'))
  if (order.command === 'follow') {
    const copy = store.get({ key: fromHex(order.key) })
    await copy.ready()
    copy.download({ start: 0, end: -1 })
    copy.once('download', () => tell({ reads: order.key }))
  }
  if (order.command === 'write') {
    const log = store.get({ name: 'log' })
    await log.ready()
    writing ??= setInterval(() => void log.append(Buffer.alloc(100)), 5)
    tell({ log: Buffer.from(/** @type {Uint8Array} */ (log.key)).toString('hex') })
  }
}

/** @param {Extract<Order, { command: 'open' }>} order */
async function open({ dir, identity, chain, seed }) {
  await device?.store.close()
  if (writing !== null) clearInterval(writing)
  writing = null
  const store = new Corestore(dir)
  const memory = await IdentityMemory.open(
    coreMemory(store.get({ name: 'identity' })),
    fromHex(identity),
    fromHex(chain)
  )
  const authenticator = new Authenticator(memory, createKeyPair(fromHex(seed)), {
    onrefused: ({ code }) => tell({ closed: code }),
    onstate: ({ seq }) => tell({ seq })
  })
  device = { store, memory, authenticator }
  const server = createServer((socket) => void greet(false, socket))
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    tell({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  })
}

/** @param {boolean} isInitiator @param {import('node:net').Socket} socket */
async function greet(isInitiator, socket) {
  const { authenticator, store } = opened()
  const connection = new NoiseSecretStream(isInitiator, /** @type {never} */ (socket))
  connection.on('error', () => {})
  try {
    const { name } = await authenticator.authenticate(connection)
    store.replicate(connection)
    tell({ knows: name })
  } catch {
    // Closed, which `onrefused` or the other side has told of.
  }
}

function opened() {
  if (device === null) throw new Error('not open')
  return device
}

/** @param {string} text */
function fromHex(text) {
  return Buffer.from(text, 'hex')
}

/** @param {object} fact */
function tell(fact) {
  process.send?.(fact)
}
