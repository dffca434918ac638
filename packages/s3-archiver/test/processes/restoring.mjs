// Restores a core, and prints how many blocks were there from the beginning; dies of SIGKILL once so many blocks are restored.
import { writeSync } from 'node:fs'
import Corestore from 'corestore'
import { FileStore, restore } from '../../dist/index.js'

const [archive, directory, key, lifetime] = process.argv.slice(2)
const corestore = new Corestore(directory)
const onProgress = ({ blocks }) => {
  if (blocks >= Number(lifetime)) process.kill(process.pid, 'SIGKILL')
}
const options = { corestore, key: Buffer.from(key, 'hex'), parallel: 1, onProgress }
const { resumed } = await restore(new FileStore(archive), options)
await corestore.close()
writeSync(1, `${resumed}\n`)
