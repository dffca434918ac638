// Puts objects without end, and tells of each once it is durable; meant to be killed.
import { writeSync } from 'node:fs'
import { FileStore } from '../../dist/index.js'

const [directory = '', prefix = ''] = process.argv.slice(2)
const store = new FileStore(directory)
for (let i = 0; ; i++) {
  const name = `${prefix}/${i}`
  await store.putIfAbsent(name, new Uint8Array(1_000_000).fill(i))
  // Not process.stdout: that may write later.
  writeSync(1, `${name}\n`)
}
