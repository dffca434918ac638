// Inside the namespaces that demo.mjs makes.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import crypto from 'hypercore-crypto'
import { Process } from './processes.mjs'

const HOST = '198.51.100.1'
const [LAPTOP, PHONE] = [1, 2]
const NAT = fileURLToPath(new URL('../../../packages/relay/test/namespaces/nat.sh', import.meta.url))
const keyOf = (/** @type {number} */ seed) =>
  Buffer.from(crypto.keyPair(Buffer.alloc(32, seed)).publicKey).toString('hex')

process.stdin.on('close', () => process.exit(1)).resume()
const server = new Process('pub', 'relay.mjs', { host: HOST, allow: [keyOf(LAPTOP), keyOf(PHONE)] })
const shared = { host: HOST, relay: await server.says('relay') }
const laptop = new Process('b', 'device.mjs', { ...shared, seed: LAPTOP })
const bee = await laptop.says('ready')
console.log('Two devices behind symmetric NATs, and a relay that both can reach.')

const phone = new Process('a', 'device.mjs', { ...shared, seed: PHONE, bee, target: keyOf(LAPTOP) })
console.log(`The phone has reached the laptop by: ${await phone.says('path')}`)
await sync()

for (const nat of ['natA', 'natB']) execFileSync(NAT, [nat, 'friendly'])
console.log('The NATs are friendly now.')
console.log(`The connection has moved to: ${await phone.says('path')}`)
await sync()
const before = await carried()
await sync()
console.log(`Of that the relay has carried ${(await carried()) - before} bytes.`)
process.exit(0)

/** The laptop writes, and the phone reads it. */
async function sync() {
  laptop.tell('write')
  const name = await laptop.says('wrote')
  phone.tell(name)
  console.log(`The phone reads “${name}”: ${await phone.says('read')}`)
}

async function carried() {
  server.tell('count')
  return server.says('carried')
}
