// Appends to a core and archives it for ever: prints its key, and its length each time that it is durable in the archive.
import { writeSync } from 'node:fs'
import Corestore from 'corestore'
import { Archiver, FileStore } from '../../dist/index.js'

const [directory, archive] = process.argv.slice(2)
const corestore = new Corestore(directory)
const core = corestore.get({ name: 'core' })
await core.ready()
writeSync(1, `${core.key.toString('hex')}\n`)
const archiver = new Archiver(new FileStore(archive), { corestore, debounceMs: 1, probe: false })
await archiver.ready()
for (;;) {
  await core.append(Array.from({ length: 10 }, (_, i) => Buffer.alloc(i * 3000, core.length + i)))
  const { length } = core
  await archiver.flushed()
  writeSync(1, `${length}\n`)
}
