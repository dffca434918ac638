// Inside lan.sh: b announces itself, c pretends to be b where it is to, and a looks for b. Says what a found, in one line of JSON.
import NoiseSecretStream from '@hyperswarm/secret-stream'
import { config, listen, Process, say } from './process.mjs'

/** @type {{ hasImpostor: boolean }} */
const { hasImpostor } = config()
listen(() => {})
const target = Buffer.from(NoiseSecretStream.keyPair(Buffer.alloc(32, 2)).publicKey).toString('hex')

const b = new Process('b', 'lan-device.mjs', { seed: 2, address: '10.3.0.2', target: null })
await b.next()
if (hasImpostor) {
  const c = new Process('c', 'lan-device.mjs', {
    seed: 3,
    address: '10.3.0.3',
    target: null,
    isImpostor: true
  })
  await c.next()
}
const a = new Process('a', 'lan-device.mjs', { seed: 1, address: '10.3.0.1', target })
const found = []
// Who is refused may be found again, before the other one is.
while (new Set(found.map(({ at }) => at)).size < (hasImpostor ? 2 : 1)) found.push(await a.next())
say({ found })
process.exit(0)
