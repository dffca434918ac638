// The second device of a soak: writes a little, and replicates with whoever connects. Ends when its parent lets go of it.
import { createServer } from 'node:net'
import { MultiBee } from '@cloudpal/multi-bee'
import Corestore from 'corestore'
import { replicateOver } from './pipe.mjs'
import { seededRandom } from './random.mjs'
import { keyOf, valueOf } from './values.mjs'

const WRITE_EVERY_MS = 50

// Ctrl-C reaches the whole group; the parent decides when this one ends.
process.on('SIGINT', () => {})
process.once('message', (task) => void run(/** @type {import('./peer-process.mjs').PeerTask} */ (task)))

/** @param {import('./peer-process.mjs').PeerTask} task */
async function run({ dir, key, encryptionKey, keys, seed }) {
  const store = new Corestore(dir)
  const db = new MultiBee(store, { key, encryptionKey: Buffer.from(encryptionKey, 'hex'), name: 'second' })
  await db.ready()
  const server = createServer((socket) => void replicateOver(socket, db, false))
  const random = seededRandom(seed)
  const timer = setInterval(() => {
    if (!db.writable) return
    db.update(keyOf(random(keys)), (value) => ({
      .../** @type {object} */ (value),
      ...valueOf(random)
    })).catch(fail)
  }, WRITE_EVERY_MS)
  process.once('disconnect', () => {
    clearInterval(timer)
    server.close()
    db.close()
      .then(() => store.close())
      .then(() => process.exit(0), fail)
  })
  server.listen(0, '127.0.0.1', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    process.send?.({ writerKey: Buffer.from(db.writerKey ?? []).toString('hex'), port })
  })
}

/** @param {unknown} error */
function fail(error) {
  console.error(error)
  process.exit(1)
}
