// Puts without end, and tells which of them are acknowledged. Meant to be killed.
import Corestore from 'corestore'
import { MultiBee } from '../../dist/index.js'

const [directory, mode] = process.argv.slice(2)
const db = new MultiBee(new Corestore(directory), { name: 'writer' })
await db.ready()
process.send?.({ version: db.version })
for (let i = 0; ; i++) {
  const id = `${process.pid}-${String(i).padStart(6, '0')}`
  if (mode === 'single') {
    await db.put(id, { i, text: 'x'.repeat(100) })
    process.send?.({ put: [id] })
  } else if (mode === 'in-flight') {
    const ids = Array.from({ length: 20 }, (_, j) => `${id}-${j}`)
    await Promise.all(ids.map((key) => db.put(key, { key })))
    process.send?.({ put: ids })
  } else {
    const batch = db.batch()
    const ids = Array.from({ length: 20 }, (_, j) => `${id}-${j}`)
    for (const key of ids) await batch.put(key, { key })
    await batch.flush()
    process.send?.({ put: ids, batch: true })
  }
}
