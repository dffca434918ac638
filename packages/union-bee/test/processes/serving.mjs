// A peer of its own: a bee of 5,000 entries, replicated to whoever connects. Prints its key and port.
import { createServer } from 'node:net'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'

const store = new Corestore(process.argv[2])
const bee = new Hyperbee(store.get({ name: 'bee' }), { keyEncoding: 'utf-8', valueEncoding: 'json' })
await bee.ready()
const batch = bee.batch()
for (let i = 0; i < 5000; i++) await batch.put(`remote ${String(i).padStart(4, '0')}`, 'x'.repeat(100))
await batch.flush()

const server = createServer((socket) => {
  const stream = store.replicate(false)
  socket.on('error', () => {})
  stream.on('error', () => {})
  socket.pipe(stream).pipe(socket)
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${bee.key.toString('hex')} ${server.address().port}\n`)
})
